package journal_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func event(id string) journal.Entry {
	return journal.Entry{Kind: journal.Event, Source: "web", ID: id, Payload: []byte("{}")}
}

func start(t *testing.T, opts journal.Options) (*journal.Journal, *journaltest.Faulty, *journaltest.Store) {
	t.Helper()
	store := journaltest.NewStore()
	driver := journaltest.Break(store.Open())
	j := journal.New(driver, opts)
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return j, driver, store
}

// contents reads all blocks of a store.
func contents(ctx context.Context, t require, store *journaltest.Store) []journal.Block {
	t.Helper()
	j := journal.New(store.Open(), journal.Options{})
	defer func() { _ = j.Close() }() // a memory driver closes without fail
	last, err := j.Last(ctx)
	if err != nil {
		t.Fatalf("last: %v", err)
	}
	var all []journal.Block
	for r := j.Reader(0); r.Position() < last; {
		blocks, err := r.Next(ctx, 10, 1<<20)
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		all = append(all, blocks...)
	}
	return all
}

// require is what *testing.T and *rapid.T share here.
type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

// background starts an append and returns its result.
func background(ctx context.Context, j *journal.Journal, entries ...journal.Entry) <-chan error {
	result := make(chan error, 1)
	go func() { result <- j.Append(ctx, entries...) }()
	return result
}

// waitPending waits until enough has queued up.
func waitPending(t *testing.T, j *journal.Journal, enough func(journal.Stats) bool) {
	t.Helper()
	for !enough(j.Stats()) {
		select {
		case <-t.Context().Done():
			t.Fatal("the appends never queued up")
		default:
			runtime.Gosched()
		}
	}
}

func TestI1NothingIsAcknowledgedBeforeItIsDurable(t *testing.T) {
	j, driver, store := start(t, journal.Options{})
	release := driver.Hold()
	defer release()
	result := background(t.Context(), j, event("a"))
	<-driver.Arrived()
	select {
	case err := <-result:
		t.Fatalf("acknowledged (%v) while the driver still works on it", err)
	default:
	}
	release()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	if got := contents(t.Context(), t, store); len(got) != 1 || got[0].Entries[0].ID != "a" {
		t.Errorf("stored: %+v", got)
	}
}

func TestWhatQueuesUpBecomesOneBlock(t *testing.T) {
	j, driver, store := start(t, journal.Options{})
	release := driver.Hold()
	defer release()
	var results []<-chan error
	results = append(results, background(t.Context(), j, event("first")))
	<-driver.Arrived() // the writer is busy
	busy := j.Stats().PendingBytes
	results = append(results, background(t.Context(), j, event("x")))
	waitPending(t, j, func(s journal.Stats) bool { return s.PendingBytes > busy })
	one := j.Stats().PendingBytes - busy
	for range 49 {
		results = append(results, background(t.Context(), j, event("x")))
	}
	waitPending(t, j, func(s journal.Stats) bool { return s.PendingBytes == busy+50*one })
	release()
	for _, r := range results {
		if err := <-r; err != nil {
			t.Fatal(err)
		}
	}
	var sizes []int
	for _, b := range contents(t.Context(), t, store) {
		sizes = append(sizes, len(b.Entries))
	}
	if !slices.Equal(sizes, []int{1, 50}) {
		t.Errorf("blocks of %v entries; want one of 1 and one of 50", sizes)
	}
}

// However appends and block limits fall, each append is whole, in order, in
// one block, exactly once.
func TestAppendsStayWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := journaltest.NewStore()
		j := journal.New(store.Open(), journal.Options{BlockBytes: rapid.IntRange(1, 400).Draw(rt, "blockBytes")})
		sizes := rapid.SliceOfN(rapid.IntRange(1, 8), 1, 30).Draw(rt, "sizes")
		var wg sync.WaitGroup
		for a, size := range sizes {
			entries := make([]journal.Entry, size)
			for i := range entries {
				entries[i] = event(fmt.Sprintf("%d/%d", a, i))
			}
			wg.Go(func() {
				if err := j.Append(context.Background(), entries...); err != nil {
					rt.Errorf("append: %v", err)
				}
			})
		}
		wg.Wait()
		if err := j.Close(); err != nil {
			rt.Fatal(err)
		}
		blocks := contents(context.Background(), rt, store)
		seen := map[int]bool{}
		for _, b := range blocks {
			for i := 0; i < len(b.Entries); {
				var a, first int
				if _, err := fmt.Sscanf(b.Entries[i].ID, "%d/%d", &a, &first); err != nil || first != 0 || seen[a] {
					rt.Fatalf("append %d starts with entry %d, seen before: %v", a, first, seen[a])
				}
				seen[a] = true
				for n := range sizes[a] {
					if i >= len(b.Entries) || b.Entries[i].ID != fmt.Sprintf("%d/%d", a, n) {
						rt.Fatalf("append %d is broken up at entry %d", a, n)
					}
					i++
				}
			}
		}
		if len(seen) != len(sizes) {
			rt.Fatalf("%d of %d appends stored", len(seen), len(sizes))
		}
	})
}

func TestI1AFailureReachesEveryWaiterAndPasses(t *testing.T) {
	j, driver, store := start(t, journal.Options{})
	driver.CutAfter(0)
	release := driver.Hold()
	defer release()
	var results []<-chan error
	for range 10 {
		results = append(results, background(t.Context(), j, event("lost")))
	}
	release()
	for _, r := range results {
		if err := <-r; fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v, want unavailable", err)
		}
	}
	driver.Heal()
	if err := j.Append(t.Context(), event("kept")); err != nil {
		t.Fatalf("after the driver recovered: %v", err)
	}
	if got := contents(t.Context(), t, store); len(got) != 1 || got[0].Entries[0].ID != "kept" {
		t.Errorf("stored: %+v", got)
	}
}

func TestAFullQueueIsBusy(t *testing.T) {
	j, driver, _ := start(t, journal.Options{MaxPendingBytes: 100})
	release := driver.Hold()
	defer release()
	large := event("large")
	large.Payload = make([]byte, 200) // above the limit, but nothing waits
	first := background(t.Context(), j, large)
	<-driver.Arrived()
	if err := j.Append(t.Context(), event("b")); fault.KindOf(err) != fault.Busy {
		t.Errorf("got %v, want busy", err)
	}
	release()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), event("c")); err != nil {
		t.Errorf("with an empty queue: %v", err)
	}
	if s := j.Stats(); s.BusyAppends != 1 || s.Entries != 2 || s.PendingBytes != 0 {
		t.Errorf("stats: %+v", s)
	}
}

func TestACallerThatLeavesHarmsNobody(t *testing.T) {
	j, driver, store := start(t, journal.Options{})
	release := driver.Hold()
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	payload := []byte("before")
	e := event("left")
	e.Payload = payload
	result := background(ctx, j, e)
	<-driver.Arrived()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	copy(payload, "after!") // the caller may reuse it at once
	release()
	if err := j.Append(t.Context(), event("stayed")); err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{}
	for _, b := range contents(t.Context(), t, store) {
		stored[b.Entries[0].ID] = string(b.Entries[0].Payload)
	}
	if stored["left"] == "after!" || stored["stayed"] != "{}" {
		t.Errorf("stored: %v", stored)
	}
	if err := j.Append(ctx, event("never")); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

func TestAppendRefuses(t *testing.T) {
	j, _, _ := start(t, journal.Options{})
	tests := []struct {
		name    string
		entries []journal.Entry
		kind    fault.Kind
	}{
		{"nothing", nil, fault.Invalid},
		{"an unknown kind", []journal.Entry{{Kind: 77}}, fault.Invalid},
		{"more than a block", []journal.Entry{{Kind: journal.Event, Payload: make([]byte, 12<<20)}}, fault.TooLarge},
		{"too many", make([]journal.Entry, journal.MaxEntries+1), fault.TooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := j.Append(t.Context(), tt.entries...); fault.KindOf(err) != tt.kind {
				t.Errorf("got %v, want %v", err, tt.kind)
			}
		})
	}
}

func TestI1CloseDrains(t *testing.T) {
	j, driver, store := start(t, journal.Options{BlockBytes: 1})
	release := driver.Hold()
	defer release()
	var results []<-chan error
	results = append(results, background(t.Context(), j, event("00")))
	<-driver.Arrived()
	one := j.Stats().PendingBytes
	for i := 1; i < 20; i++ {
		results = append(results, background(t.Context(), j, event(fmt.Sprintf("%02d", i))))
	}
	waitPending(t, j, func(s journal.Stats) bool { return s.PendingBytes == 20*one })
	closed := make(chan error, 1)
	go func() { closed <- j.Close() }()
	release()
	for _, r := range results {
		if err := <-r; err != nil {
			t.Errorf("accepted before Close, then: %v", err)
		}
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), event("late")); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("after Close: %v, want unavailable", err)
	}
	if got := contents(t.Context(), t, store); len(got) != 20 {
		t.Errorf("%d blocks, want 20", len(got))
	}
}

func TestReaderStopsBeforeADamagedBlock(t *testing.T) {
	store := journaltest.NewStore()
	driver := store.Open()
	good, err := journal.EncodeBlock([]journal.Entry{event("good")})
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range [][]byte{good, []byte("damaged"), good} {
		if _, err := driver.Append(t.Context(), block); err != nil {
			t.Fatal(err)
		}
	}
	j := journal.New(driver, journal.Options{})
	defer func() { _ = j.Close() }() // a memory driver closes without fail
	r := j.Reader(0)
	blocks, err := r.Next(t.Context(), 10, 1<<20)
	if err != nil || len(blocks) != 1 || r.Position() != 1 {
		t.Fatalf("%d blocks, %v, at %d; want the one before the damage", len(blocks), err, r.Position())
	}
	for range 2 {
		if _, err := r.Next(t.Context(), 10, 1<<20); fault.KindOf(err) != fault.Internal || r.Position() != 1 {
			t.Errorf("got %v at %d, want internal at 1", err, r.Position())
		}
	}
}

func TestReaderPassesFailuresOn(t *testing.T) {
	j, driver, _ := start(t, journal.Options{})
	driver.FailReads(journaltest.ErrDown)
	if _, err := j.Reader(0).Next(t.Context(), 1, 1); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v, want unavailable", err)
	}
	driver.Heal()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Reader(0).Next(ctx, 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

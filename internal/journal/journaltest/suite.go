package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"parley/internal/fault"
	"parley/internal/journal"
)

// OpenFunc opens a driver on one store: each call the same one, after the
// driver before was closed.
type OpenFunc func(ctx context.Context) (journal.Driver, error)

// Run holds a driver to the contract of journal.Driver. fresh returns the
// opener of a new, empty store.
func Run(t *testing.T, fresh func(t *testing.T) OpenFunc) {
	laws := []struct {
		name string
		test func(*testing.T, OpenFunc)
	}{
		{"an empty journal ends at 0", testEmpty},
		{"positions ascend and blocks keep their bytes", testOrder},
		{"I1: what was acknowledged is there after reopening", testReopen},
		{"concurrent appends are all there exactly once", testConcurrent},
		{"an append after another has the higher position", testRealTimeOrder},
		{"read starts after a position and keeps its limits", testLimits},
		{"a waiting read wakes for the next block", testWake},
		{"many readers wake", testManyReaders},
		{"a context that ends interrupts", testContext},
		{"big blocks pass up to the limit", testBig},
		{"an empty block is refused", testRefuseEmpty},
		{"close is idempotent and ends reads", testClose},
	}
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) { law.test(t, fresh(t)) })
	}
}

// patience bounds what must not hang; no test waits for it when all is well.
const patience = 60 * time.Second

func start(t *testing.T, open OpenFunc) (context.Context, journal.Driver) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	d, err := open(ctx)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return ctx, d
}

func mustAppend(ctx context.Context, t *testing.T, d journal.Driver, block []byte) journal.Position {
	t.Helper()
	pos, err := d.Append(ctx, block)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return pos
}

// readAll reads everything up to last in steps, checking that positions ascend.
func readAll(ctx context.Context, t *testing.T, d journal.Driver, last journal.Position) []journal.RawBlock {
	t.Helper()
	var all []journal.RawBlock
	for after := journal.Position(0); after < last; {
		blocks, err := d.Read(ctx, after, 100, 1<<20)
		if err != nil || len(blocks) == 0 {
			t.Fatalf("read after %d: %d blocks, %v", after, len(blocks), err)
		}
		for _, b := range blocks {
			if b.Position <= after {
				t.Fatalf("position %d follows %d", b.Position, after)
			}
			after = b.Position
		}
		all = append(all, blocks...)
	}
	return all
}

func wantKind(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("%s: got %v, want fault %v", what, err, kind)
	}
}

func testEmpty(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	if last, err := d.Last(ctx); last != 0 || err != nil {
		t.Errorf("last = %d, %v; want 0", last, err)
	}
	if err := d.Healthy(ctx); err != nil {
		t.Errorf("healthy: %v", err)
	}
	if d.MaxBlock() < journal.DefaultBlockBytes*2 {
		t.Errorf("max block %d leaves no room for blocks of %d", d.MaxBlock(), journal.DefaultBlockBytes)
	}
}

func testOrder(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	var positions []journal.Position
	for i := range 50 {
		block := fmt.Appendf(nil, "block %d", i)
		pos := mustAppend(ctx, t, d, block)
		clear(block) // a driver must have taken its own copy
		if i == 0 && pos < 1 || i > 0 && pos <= positions[i-1] {
			t.Fatalf("append %d got position %d after %v", i, pos, positions)
		}
		positions = append(positions, pos)
		if last, err := d.Last(ctx); last != pos || err != nil {
			t.Fatalf("last = %d, %v; want %d", last, err, pos)
		}
	}
	for i, b := range readAll(ctx, t, d, positions[49]) {
		if b.Position != positions[i] || string(b.Data) != fmt.Sprintf("block %d", i) {
			t.Fatalf("block %d: position %d, %q", i, b.Position, b.Data)
		}
	}
}

func testReopen(t *testing.T, open OpenFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var want []journal.RawBlock
	for round := range 3 {
		d, err := open(ctx)
		if err != nil {
			t.Fatalf("open %d: %v", round, err)
		}
		for i := range 10 {
			data := fmt.Appendf(nil, "round %d block %d", round, i)
			want = append(want, journal.RawBlock{Position: mustAppend(ctx, t, d, data), Data: data})
		}
		last, err := d.Last(ctx)
		if err != nil || last != want[len(want)-1].Position {
			t.Fatalf("last = %d, %v", last, err)
		}
		got := readAll(ctx, t, d, last)
		if len(got) != len(want) {
			t.Fatalf("round %d: %d blocks, want %d", round, len(got), len(want))
		}
		for i := range got {
			if got[i].Position != want[i].Position || !bytes.Equal(got[i].Data, want[i].Data) {
				t.Fatalf("round %d: block %d is %q at %d", round, i, got[i].Data, got[i].Position)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
}

func testConcurrent(t *testing.T, open OpenFunc) {
	const writers, each = 16, 25
	ctx, d := start(t, open)
	var mu sync.Mutex
	acked := map[journal.Position]string{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				block := fmt.Sprintf("writer %d block %d", w, i)
				pos, err := d.Append(ctx, []byte(block))
				mu.Lock()
				if err != nil {
					t.Errorf("append: %v", err)
				} else if other, taken := acked[pos]; taken {
					t.Errorf("position %d given to %q and %q", pos, other, block)
				}
				acked[pos] = block
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	last, err := d.Last(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := readAll(ctx, t, d, last)
	if len(got) != writers*each {
		t.Errorf("%d blocks, want %d", len(got), writers*each)
	}
	for _, b := range got {
		if acked[b.Position] != string(b.Data) {
			t.Errorf("position %d holds %q, acknowledged was %q", b.Position, b.Data, acked[b.Position])
		}
	}
}

func testRealTimeOrder(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	var mu sync.Mutex
	var newest journal.Position // of the appends that have returned
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				mu.Lock()
				before := newest
				mu.Unlock()
				pos, err := d.Append(ctx, []byte("x"))
				if err != nil || pos <= before {
					t.Errorf("position %d, %v; position %d had been given before", pos, err, before)
					return
				}
				mu.Lock()
				newest = max(newest, pos)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func testLimits(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	var positions []journal.Position
	for range 10 {
		positions = append(positions, mustAppend(ctx, t, d, make([]byte, 1000)))
	}
	tests := []struct {
		name                string
		after               journal.Position
		maxBlocks, maxBytes int
		first, atMost       int // index of the first block, most blocks
	}{
		{"from the start", 0, 100, 1 << 20, 0, 10},
		{"after the fourth", positions[3], 100, 1 << 20, 4, 6},
		{"blocks are limited", 0, 3, 1 << 20, 0, 3},
		{"bytes are limited", 0, 100, 2500, 0, 3},
		{"one block comes whatever the bytes", positions[8], 1, 1, 9, 1},
		{"no limits count as one", positions[1], 0, 0, 2, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			blocks, err := d.Read(ctx, tt.after, tt.maxBlocks, tt.maxBytes)
			if err != nil || len(blocks) == 0 || len(blocks) > tt.atMost {
				t.Fatalf("%d blocks, %v; want 1 to %d", len(blocks), err, tt.atMost)
			}
			for i, b := range blocks {
				if b.Position != positions[tt.first+i] {
					t.Errorf("block %d has position %d, want %d", i, b.Position, positions[tt.first+i])
				}
			}
		})
	}
}

func testWake(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	after := mustAppend(ctx, t, d, []byte("old"))
	got := make(chan journal.RawBlock)
	go func() {
		defer close(got)
		for range 20 {
			blocks, err := d.Read(ctx, after, 1, 1)
			if err != nil {
				t.Errorf("read: %v", err)
				return
			}
			after = blocks[0].Position
			got <- blocks[0]
		}
	}()
	for i := range 20 {
		want := fmt.Sprintf("new %d", i)
		pos := mustAppend(ctx, t, d, []byte(want))
		if b := <-got; b.Position != pos || string(b.Data) != want {
			t.Fatalf("read %q at %d, want %q at %d", b.Data, b.Position, want, pos)
		}
	}
	if _, more := <-got; more {
		t.Error("the reader saw more than was written")
	}
}

func testManyReaders(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for after := journal.Position(0); after < 20; {
				blocks, err := d.Read(ctx, after, 5, 1<<20)
				if err != nil {
					t.Errorf("read: %v", err)
					return
				}
				after = blocks[len(blocks)-1].Position
			}
		})
	}
	for range 20 {
		mustAppend(ctx, t, d, []byte("x"))
	}
	wg.Wait()
}

func testContext(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	ended, cancel := context.WithCancel(ctx)
	result := make(chan error)
	go func() {
		_, err := d.Read(ended, 0, 1, 1)
		result <- err
	}()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v, want context.Canceled", err)
	}
	if _, err := d.Append(ended, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v, want context.Canceled", err)
	}
	if _, err := d.Append(ctx, []byte("y")); err != nil {
		t.Errorf("append after a cancelled one: %v", err)
	}
}

func testBig(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	random := rand.NewChaCha8([32]byte{7})
	var want [][]byte
	for _, size := range []int{1, journal.DefaultBlockBytes, d.MaxBlock() / 2, d.MaxBlock()} {
		block := make([]byte, size)
		_, _ = random.Read(block) // never fails
		want = append(want, block)
		mustAppend(ctx, t, d, block)
	}
	_, err := d.Append(ctx, make([]byte, d.MaxBlock()+1))
	wantKind(t, "above the limit", err, fault.TooLarge)
	last, err := d.Last(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := readAll(ctx, t, d, last)
	if len(got) != len(want) {
		t.Fatalf("%d blocks, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].Data, want[i]) {
			t.Errorf("block %d of %d bytes came back changed", i, len(want[i]))
		}
	}
}

func testRefuseEmpty(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	_, err := d.Append(ctx, nil)
	wantKind(t, "append nil", err, fault.Invalid)
	_, err = d.Append(ctx, []byte{})
	wantKind(t, "append nothing", err, fault.Invalid)
	if last, err := d.Last(ctx); last != 0 || err != nil {
		t.Errorf("last = %d, %v; want 0", last, err)
	}
}

func testClose(t *testing.T, open OpenFunc) {
	ctx, d := start(t, open)
	pos := mustAppend(ctx, t, d, []byte("x"))
	result := make(chan error)
	go func() {
		_, err := d.Read(ctx, pos, 1, 1)
		result <- err
	}()
	for range 2 {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	wantKind(t, "a waiting read", <-result, fault.Unavailable)
	_, err := d.Append(ctx, []byte("y"))
	wantKind(t, "append after close", err, fault.Unavailable)
	_, err = d.Last(ctx)
	wantKind(t, "last after close", err, fault.Unavailable)
	wantKind(t, "healthy after close", d.Healthy(ctx), fault.Unavailable)
}

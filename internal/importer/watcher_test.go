package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/journal"
	"parley/internal/lifecycle"
)

// watch is a watcher of one folder whose polls the test makes itself.
type watch struct {
	*Watcher
	t     *testing.T
	dir   string
	clock *lifecycle.Manual
	sink  *keeper
	log   bytes.Buffer
}

func newWatch(t *testing.T) *watch {
	t.Helper()
	w := &watch{t: t, dir: filepath.Join(t.TempDir(), "in"), clock: lifecycle.NewManual(begin), sink: &keeper{}}
	src := crm(t)
	w.Watcher = NewWatcher(WatcherOptions{Sources: func() []WatchedSource { return []WatchedSource{{src, w.dir}} },
		Sink: w.sink, Ledger: newMemory(), Clock: w.clock, Logger: slog.New(slog.NewTextHandler(&w.log, nil))})
	w.polls(1) // makes the folder
	return w
}

func (w *watch) polls(n int) {
	for range n {
		w.poll(context.Background())
		w.clock.Advance(time.Second)
	}
}

func (w *watch) put(name, content string) { w.t.Helper(); write(w.t, w.dir, name, content) }

// tree lists the files below the folder.
func (w *watch) tree() []string {
	w.t.Helper()
	var out []string
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, strings.TrimPrefix(path, w.dir+"/"))
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	sort.Strings(out)
	return out
}

func rowsOf(ids ...string) string {
	text := "id,email,since\n"
	for _, id := range ids {
		text += id + ",,2026-01-01\n"
	}
	return text
}

func TestWatcherTakesFilesInTheOrderOfNames(t *testing.T) {
	w := newWatch(t)
	w.put("b.csv", rowsOf("3", "4"))
	w.put("a.csv", rowsOf("1", "2"))
	w.polls(1)
	same(t, w.sink.ids(), nil)
	w.polls(1)
	same(t, w.sink.ids(), []string{"1", "2", "3", "4"})
	same(t, w.tree(), []string{"done/a.csv", "done/b.csv"})
	if len(w.seen) != 0 {
		t.Errorf("it still remembers %v", w.seen)
	}
}

func TestWatcherLetsAFileGrow(t *testing.T) {
	w := newWatch(t)
	w.put("b.csv", rowsOf("9"))
	w.put("a.csv", rowsOf("1"))
	w.polls(1)
	w.put("a.csv", rowsOf("1", "2"))
	w.polls(1)
	same(t, w.sink.ids(), nil) // b waits for a: its rows may be updates of a's
	w.polls(1)
	same(t, w.sink.ids(), []string{"1", "2", "9"})
}

// TestWatcherSeesARewriteOfTheSameSize goes by the time of change.
func TestWatcherSeesARewriteOfTheSameSize(t *testing.T) {
	w := newWatch(t)
	w.put("a.csv", rowsOf("1"))
	w.polls(1)
	w.put("a.csv", rowsOf("2"))
	if err := os.Chtimes(filepath.Join(w.dir, "a.csv"), time.Time{}, begin.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.polls(1)
	same(t, w.sink.ids(), nil)
	w.polls(1)
	same(t, w.sink.ids(), []string{"2"})
}

func TestWatcherLeavesOtherThingsAlone(t *testing.T) {
	w := newWatch(t)
	outside := write(t, t.TempDir(), "secret.csv", rowsOf("1"))
	if err := os.Symlink(outside, filepath.Join(w.dir, "link.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "sub.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".hidden.csv", "a.csv.tmp", "b.PART"} {
		w.put(name, rowsOf("1"))
	}
	w.polls(3)
	same(t, w.sink.ids(), nil)
	same(t, w.tree(), []string{".hidden.csv", "a.csv.tmp", "b.PART", "link.csv"})
	if err := os.Rename(filepath.Join(w.dir, "a.csv.tmp"), filepath.Join(w.dir, "a.csv")); err != nil {
		t.Fatal(err)
	}
	w.polls(2)
	same(t, w.sink.ids(), []string{"1"})
}

func TestWatcherPutsBadFilesAside(t *testing.T) {
	w := newWatch(t)
	w.put("a.csv", "id,email,id\n1,ada@example.org,2\n")
	w.put("b.csv", rowsOf("1"))
	w.polls(2)
	same(t, w.sink.ids(), []string{"1"})
	same(t, w.tree(), []string{"done/b.csv", "failed/a.csv", "failed/a.csv.error.txt"})
	text, err := os.ReadFile(filepath.Join(w.dir, "failed", "a.csv.error.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "Columns 1 and 3 of the header have the same name, id; rename one of them. Then put the file into the watched folder again.\n"; string(text) != want {
		t.Errorf("the text is %q", text)
	}
	if strings.Contains(w.log.String(), "ada") || !strings.Contains(w.log.String(), "a file was refused") {
		t.Errorf("the log says %s (I12)", w.log.String())
	}
}

func TestWatcherKeepsFilesOfTheSameName(t *testing.T) {
	w := newWatch(t)
	for range 3 {
		w.put("a.csv", rowsOf("1"))
		w.clock = lifecycle.NewManual(begin)
		w.o.Clock = w.clock
		w.polls(2)
	}
	same(t, w.tree(), []string{"done/20260301T120001.123456Z-2-a.csv", "done/20260301T120001.123456Z-a.csv", "done/a.csv"})
	same(t, w.sink.ids(), []string{"1"}) // the same bytes are imported once
}

// TestI1WatcherSurvivesCrashes: a new watcher finds the file that the dead one
// left, with half of its rows in the journal, or with all and not yet moved.
func TestI1WatcherSurvivesCrashes(t *testing.T) {
	w := newWatch(t)
	w.put("a.csv", many(chunkRows+1))
	w.sink.answer = func(n int) error {
		if n == 2 {
			return down()
		}
		return nil
	}
	w.polls(2)
	same(t, w.tree(), []string{"a.csv"})
	w.Watcher = NewWatcher(w.o) // the process is another one
	w.polls(2)
	same(t, w.tree(), []string{"done/a.csv"})
	ids := w.sink.ids()
	if len(ids) != 2*chunkRows+1 || ids[chunkRows] != "0" || ids[2*chunkRows] != "2000" {
		t.Errorf("%d entries", len(ids))
	}
	if err := os.Rename(filepath.Join(w.dir, "done", "a.csv"), filepath.Join(w.dir, "a.csv")); err != nil {
		t.Fatal(err)
	}
	w.Watcher = NewWatcher(w.o)
	w.polls(2)
	same(t, w.tree(), []string{"done/a.csv"})
	if len(w.sink.ids()) != len(ids) {
		t.Error("a finished import was repeated")
	}
}

// TestWatcherWaitsForTheJournal: a file is not at fault when the journal is, it
// is tried again ever less often, and keeps its place before later ones.
func TestWatcherWaitsForTheJournal(t *testing.T) {
	w := newWatch(t)
	w.sink.answer = func(int) error { return down() }
	w.put("a.csv", rowsOf("1"))
	w.put("b.csv", rowsOf("2"))
	w.polls(64)
	if w.sink.appends != 6 { // after 0, 2, 6, 14, 30 and 62 seconds
		t.Errorf("%d tries in a minute", w.sink.appends)
	}
	same(t, w.tree(), []string{"a.csv", "b.csv"})
	w.sink.answer = nil
	w.polls(60)
	same(t, w.sink.ids(), []string{"1", "2"})
	same(t, w.tree(), []string{"done/a.csv", "done/b.csv"})
}

func TestWatcherCorrectedFileIsTriedAtOnce(t *testing.T) {
	w := newWatch(t)
	w.sink.answer = func(int) error { return down() }
	w.put("a.csv", rowsOf("1"))
	w.polls(20)
	w.sink.answer = nil
	w.put("a.csv", rowsOf("1", "2"))
	w.polls(2)
	same(t, w.sink.ids(), []string{"1", "2"})
}

func TestWatcherUnusableFolderIsSaidOnceInAWhile(t *testing.T) {
	w := newWatch(t)
	if err := os.Remove(w.dir); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(w.dir), "in", "a file in the folder's place")
	w.polls(10)
	if n := strings.Count(w.log.String(), "The folder cannot be used"); n != 3 {
		t.Errorf("said %d times in 10 polls", n)
	}
	if err := os.Remove(w.dir); err != nil {
		t.Fatal(err)
	}
	w.polls(1)
	w.put("a.csv", rowsOf("1"))
	w.polls(2)
	same(t, w.sink.ids(), []string{"1"})
}

// TestWatcherRuns under a clock, with sources that change meanwhile.
func TestWatcherRuns(t *testing.T) {
	clock := newSignalClock()
	src := crm(t)
	k := &keeper{}
	var watched atomic.Pointer[[]WatchedSource]
	watched.Store(&[]WatchedSource{})
	w := NewWatcher(WatcherOptions{Sources: func() []WatchedSource { return *watched.Load() }, Sink: k, Clock: clock,
		Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()

	<-clock.waits
	dir := t.TempDir()
	write(t, dir, "a.csv", rowsOf("1"))
	watched.Store(&[]WatchedSource{{src, dir}})
	for range 2 {
		clock.Advance(time.Second)
		if d := <-clock.waits; d != time.Second {
			t.Errorf("it waits %v", d)
		}
	}
	same(t, k.ids(), []string{"1"})
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestWatcherStopsInTheMiddle: the end of the service leaves the file in place.
func TestWatcherStopsInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.csv", many(3*chunkRows))
	ctx, cancel := context.WithCancel(context.Background())
	src := crm(t)
	w := NewWatcher(WatcherOptions{Sources: func() []WatchedSource { return []WatchedSource{{src, dir}} },
		Sink: stopping{cancel}, Clock: lifecycle.NewManual(begin), Logger: slog.New(slog.DiscardHandler)})
	w.poll(ctx)
	w.poll(ctx)
	if ctx.Err() == nil {
		t.Fatal("nothing was imported")
	}
	if _, err := os.Stat(filepath.Join(dir, "a.csv")); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
}

// stopping is a sink during whose first append the service ends.
type stopping struct{ cancel context.CancelFunc }

func (s stopping) Append(ctx context.Context, _ ...journal.Entry) error {
	s.cancel()
	return ctx.Err()
}

func TestWatcherSaysHowMuchOfADamagedFileIsThere(t *testing.T) {
	w := newWatch(t)
	path := zip(t, w.dir, "a.csv.gz", many(3*chunkRows))
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.put("a.csv.gz", string(body[:len(body)-9]))
	w.polls(2)
	text, err := os.ReadFile(filepath.Join(w.dir, "failed", "a.csv.gz.error.txt"))
	if err != nil {
		t.Fatal(err)
	}
	n := len(w.sink.ids())
	if said := fmt.Sprintf(" %d rows before that were accepted", n); n == 0 || !strings.Contains(string(text), said) {
		t.Errorf("%d rows are there, the text is %q", n, text)
	}
}

// TestWatcherFileThatCannotBeMoved stays, is imported once, and holds its place.
func TestWatcherFileThatCannotBeMoved(t *testing.T) {
	w := newWatch(t)
	inTheWay := filepath.Join(w.dir, doneFolder)
	if err := os.Symlink(write(t, t.TempDir(), "x", ""), inTheWay); err != nil {
		t.Fatal(err)
	}
	w.put("a.csv", rowsOf("1"))
	w.put("b.csv", rowsOf("2"))
	w.polls(20)
	same(t, w.tree(), []string{"a.csv", "b.csv", "done"})
	same(t, w.sink.ids(), []string{"1"})
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	w.polls(20)
	same(t, w.tree(), []string{"done/a.csv", "done/b.csv"})
	same(t, w.sink.ids(), []string{"1", "2"})
}

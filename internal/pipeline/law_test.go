package pipeline_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	_ "github.com/mattn/go-sqlite3"
	"pgregory.net/rapid"

	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lake"
	"parley/internal/lake/laketest"
	"parley/internal/pipeline/pipelinetest"
	"parley/internal/state"
	"parley/internal/state/sqlitestate"
)

// bench makes databases for laws: a prepared file is copied, which spares
// building the schema for each of hundreds.
type bench struct {
	dir      string
	template []byte
	n        atomic.Int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir()}
	if dir, err := os.MkdirTemp("/dev/shm", "parley-law"); err == nil { // memory, where there is some, spares hundreds of fsyncs
		t.Cleanup(func() { shut(t, func() error { return os.RemoveAll(dir) }) })
		b.dir = dir
	}
	path := filepath.Join(b.dir, "template.db")
	store, err := sqlitestate.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if b.template, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) file(t rapid.TB) string {
	t.Helper()
	for _, tail := range []string{"", "-wal", "-shm"} { // the one before last is read no more
		if err := os.Remove(b.path(b.n.Load()-2) + tail); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	path := b.path(b.n.Add(1))
	if err := os.WriteFile(path, b.template, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (b *bench) path(n int64) string { return filepath.Join(b.dir, fmt.Sprintf("%d.db", n)) }

func (b *bench) store(t rapid.TB) (*state.Store, string) {
	t.Helper()
	path := b.file(t)
	store, err := sqlitestate.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return store, path
}

// run gives the state after a history when the worker reads so many blocks at a time.
func (b *bench) run(t rapid.TB, h pipelinetest.History, blocks int) string {
	t.Helper()
	ctx := context.Background()
	store, path := b.store(t)
	defer shut(t, store.Close)
	j, err := h.Journal(ctx, pipelinetest.Chunked{Driver: journaltest.NewMemory(), Blocks: blocks})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, j.Close)
	if err := pipelinetest.Process(ctx, j, store, lake.New(laketest.NewMemory()), journal.Position(len(h))); err != nil {
		t.Fatal(err)
	}
	return dump(t, path)
}

func shut(t rapid.TB, fn func() error) {
	t.Helper()
	if err := fn(); err != nil {
		t.Error(err)
	}
}

func dump(t rapid.TB, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, db.Close)
	out, err := pipelinetest.Dump(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t rapid.TB, want, got, what string) {
	t.Helper()
	if d := pipelinetest.Difference(want, got); d != "" {
		t.Fatalf("%s: %s", what, d)
	}
}

func TestI4SameJournalSameState(t *testing.T) {
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) {
		h := pipelinetest.Draw(t, pipelinetest.Options{Blocks: 15})
		same(t, b.run(t, h, 3), b.run(t, h, 3), "the second run differs")
	})
}

// State rebuilt from the journal in one go equals state built block by block.
func TestI5IncrementalEqualsRebuild(t *testing.T) {
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) {
		h := pipelinetest.Draw(t, pipelinetest.Options{Blocks: 40})
		same(t, b.run(t, h, 1), b.run(t, h, 64), "the rebuild differs")
	})
}

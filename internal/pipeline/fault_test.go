package pipeline_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
	"pgregory.net/rapid"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lake"
	"parley/internal/lake/laketest"
	"parley/internal/pipeline/pipelinetest"
	"parley/internal/state"
)

// chance decides what fails. It is safe for concurrent use.
type chance struct {
	mu     sync.Mutex
	rng    *rand.Rand
	one    int    // in so many calls fails; 0: none
	stop   func() // called at one of the calls instead of failing
	calls  int
	stopAt int
}

func (c *chance) happens() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.stop != nil && c.calls >= c.stopAt {
		c.stop()
		c.stop = nil
	}
	return c.one > 0 && c.rng.IntN(c.one) == 0
}

func (c *chance) set(one, stopAt int, stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.one, c.calls, c.stopAt, c.stop = one, 0, stopAt, stop
}

var errBroken = errors.New("the disk is full, as the test wanted")

// flakyDB opens SQLite connections whose statements and commits fail by chance;
// a commit fails before it has happened or after.
type flakyDB struct {
	path   string
	chance *chance
}

func (f flakyDB) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (f flakyDB) Connect(context.Context) (driver.Conn, error) {
	c, err := (&sqlite3.SQLiteDriver{}).Open("file:" + f.path + "?_journal_mode=WAL&_busy_timeout=30000&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	return &flakyConn{c.(*sqlite3.SQLiteConn), f.chance}, nil
}

type flakyConn struct {
	*sqlite3.SQLiteConn
	chance *chance
}

func (c *flakyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.SQLiteConn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return flakyTx{tx, c.chance}, nil
}

func (c *flakyConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	if strings.HasPrefix(q, "INSERT") && c.chance.happens() {
		return nil, errBroken
	}
	return c.SQLiteConn.ExecContext(ctx, q, args)
}

type flakyTx struct {
	driver.Tx
	chance *chance
}

func (t flakyTx) Commit() error {
	if t.chance.happens() {
		return errors.Join(errBroken, t.Rollback())
	}
	if err := t.Tx.Commit(); err != nil {
		return err
	}
	if t.chance.happens() {
		return errBroken
	}
	return nil
}

func openFlaky(t rapid.TB, path string, c *chance) *state.Store {
	t.Helper()
	pool := func() *sql.DB {
		db := sql.OpenDB(flakyDB{path, c})
		db.SetMaxOpenConns(1)
		return db
	}
	store, err := state.Open(context.Background(), state.Driver{Replay: pool(), Sync: pool(), Read: pool(),
		Dialect: state.Dialect{Name: "sqlite", Goose: goose.DialectSQLite3, MaxParameters: 32000, Classify: func(err error) fault.Kind {
			if errors.Is(err, errBroken) {
				return fault.Unavailable
			}
			return fault.Internal
		}}})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// flakyJournal reads pieces of random size, or fails.
type flakyJournal struct {
	*journaltest.Faulty
	chance *chance
}

func (f flakyJournal) Read(ctx context.Context, after journal.Position, _, maxBytes int) ([]journal.RawBlock, error) {
	if f.chance.happens() {
		f.FailReads(journaltest.ErrDown)
		defer f.Heal()
	}
	f.chance.mu.Lock()
	blocks := 1 + f.chance.rng.IntN(6)
	f.chance.mu.Unlock()
	return f.Faulty.Read(ctx, after, blocks, maxBytes)
}

// flakyLake fails before or after it has stored a batch.
type flakyLake struct {
	*laketest.Memory
	chance *chance
}

func (f flakyLake) Append(ctx context.Context, b lake.Batch) error {
	broken := fault.New(fault.Unavailable, "test", "The lake is down, as the test wanted.")
	if f.chance.happens() {
		return broken
	}
	if err := f.Memory.Append(ctx, b); err != nil {
		return err
	}
	if f.chance.happens() {
		return broken
	}
	return nil
}

// Whatever fails, and wherever a worker is stopped and another goes on, state
// ends as that of an undisturbed run, byte for byte.
func TestI3ExactlyOnceUnderFaults(t *testing.T) {
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		h := pipelinetest.Draw(t, pipelinetest.Options{Blocks: 25})
		want := b.run(t, h, 64)
		c := &chance{rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))}
		path := b.file(t)
		store := openFlaky(t, path, c)
		defer shut(t, store.Close)
		j, err := h.Journal(ctx, flakyJournal{journaltest.Break(journaltest.NewMemory()), c})
		if err != nil {
			t.Fatal(err)
		}
		defer shut(t, j.Close)
		lk := lake.New(flakyLake{laketest.NewMemory(), c})
		for range rapid.IntRange(1, 4).Draw(t, "workers") {
			disturbed, cancel := context.WithCancel(ctx)
			c.set(rapid.SampledFrom([]int{0, 5, 30}).Draw(t, "one in"), rapid.IntRange(1, 60).Draw(t, "stop at"), cancel)
			upTo := journal.Position(rapid.IntRange(1, len(h)).Draw(t, "up to"))
			err := pipelinetest.Process(disturbed, j, store, lk, upTo)
			stopped := disturbed.Err() != nil
			cancel()
			if err != nil && !stopped && fault.KindOf(err) != fault.Unavailable {
				t.Fatal(err)
			}
		}
		c.set(0, 0, nil)
		if err := pipelinetest.Process(ctx, j, store, lk, journal.Position(len(h))); err != nil {
			t.Fatal(err)
		}
		same(t, want, dump(t, path), "the disturbed run differs")
	})
}

// A commit whose answer was lost may have brought in a workspace version; what
// follows must go by that one.
func TestI3AVersionWhoseCommitSeemedToFail(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	var h pipelinetest.History
	for i := range 20 {
		yaml := []string{pipelinetest.Agreement, pipelinetest.Other}[i%2] // only the second lets an order without sku in
		id := string(rune('a' + i))
		h = append(h, []journal.Entry{pipelinetest.Apply(yaml)},
			[]journal.Entry{{Kind: journal.Event, Source: "web", ID: id, ReceivedAt: pipelinetest.Begin,
				Payload: []byte(`{"type":"track","event":"Order","userId":"u1"}`)}})
	}
	want := b.run(t, h, 1)
	c := &chance{rng: rand.New(rand.NewPCG(1, 1))}
	path := b.file(t)
	store := openFlaky(t, path, c)
	defer shut(t, store.Close)
	j, err := h.Journal(ctx, pipelinetest.Chunked{Driver: journaltest.NewMemory(), Blocks: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, j.Close)
	c.set(6, 0, nil)
	err = pipelinetest.Process(ctx, j, store, lake.New(laketest.NewMemory()), journal.Position(len(h)))
	if err != nil && fault.KindOf(err) != fault.Unavailable {
		t.Fatal(err)
	}
	c.set(0, 0, nil)
	if err := pipelinetest.Process(ctx, j, store, lake.New(laketest.NewMemory()), journal.Position(len(h))); err != nil {
		t.Fatal(err)
	}
	same(t, want, dump(t, path), "the disturbed run differs")
}

// Package statetest holds a driver of the state port to its contract: the
// conformance suite, a canonical dump to compare two stores, and a PostgreSQL
// database of one's own for a test.
package statetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"parley/internal/state"
)

// OpenFunc opens the same database each time it is called. The suite closes
// what it opened; several may be open at once.
type OpenFunc func(ctx context.Context) (*state.Store, error)

// Run holds a driver to the contract of the state port. open returns a store on
// a new, empty database; it must close it when the test ends.
func Run(t *testing.T, open func(t testing.TB) *state.Store) {
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			law.test(t, &fixture{ctx: patience(t), s: open(t)})
		})
	}
}

// RunReopen checks what needs the same database opened again. fresh returns the
// opener of a new, empty database.
func RunReopen(t *testing.T, fresh func(t testing.TB) OpenFunc) {
	for _, law := range reopenLaws {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			law.test(t, fresh(t))
		})
	}
}

type law struct {
	name string
	test func(*testing.T, *fixture)
}

var laws = []law{
	{"empty inputs do nothing", testEmpty},
	{"receipts keep every value and are replaced", testReceipts},
	{"bulk sizes pass and repeated keys are answered once", testBulk},
	{"counters add up", testCounters},
	{"row versions and unique values", testRows},
	{"identifiers keep every value", testIdentifiers},
	{"repeated keys give each row once", testRepeatedKeys},
	{"assertions are counted again", testAssertions},
	{"people page by id", testPeople},
	{"merges point to the last survivor", testMerge},
	{"memberships page by person", testMemberships},
	{"timers come due in order", testTimers},
	{"workspace versions", testWorkspace},
	{"asks add up", testAsks},
	{"deliveries keep every value", testDeliveries},
	{"the most urgent deliveries come first", testQueue},
	{"dead letters are ordered bytewise", testDead},
	{"a batch is open until it is closed", testBatch},
	{"I9: the summary counts every row", testSummaries},
	{"I7: books are chained and ordered", testBooks},
	{"I7: an altered book is found", testAltered},
	{"I7: a line is never written twice", testAppendOnly},
	{"the outbox is taken over in order", testOutbox},
	{"quarantine keeps any bytes and filters", testQuarantine},
	{"imported files", testImported},
	{"progress and settings", testProgress},
	{"leases fence", testLease},
	{"TestI3RollbackLeavesNothing", testRollback},
	{"TestI3SwallowedErrorCommitsNothing", testSwallowed},
	{"I3: a panic rolls back", testPanic},
	{"one writer at a time", testOneWriter},
	{"readers see the last commit and wait for no writer", testReaders},
	{"a view is one picture", testSnapshot},
	{"a context that ends interrupts and leaves nothing", testContext},
	{"a writer that waits heeds its context", testWaitingContext},
	{"close is idempotent", testClose},
}

var reopenLaws = []struct {
	name string
	test func(*testing.T, OpenFunc)
}{
	{"what was committed is there after reopening", testReopen},
	{"several open at once", testOpenTogether},
	{"one writer among several stores", testWritersOfTwoStores},
	{"a newer schema is refused", testNewerSchema},
}

// fixture is a store with shorthands; what fails ends the test.
type fixture struct {
	ctx context.Context
	s   *state.Store
}

// patience bounds what must not hang; no test waits for it when all is well.
func patience(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func (f *fixture) update(t testing.TB, fn func(context.Context, *state.Tx) error) {
	t.Helper()
	if err := f.s.Update(f.ctx, state.Replayable, func(tx *state.Tx) error { return fn(f.ctx, tx) }); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func (f *fixture) view(t testing.TB, fn func(context.Context, *state.Tx) error) {
	t.Helper()
	if err := f.s.View(f.ctx, func(tx *state.Tx) error { return fn(f.ctx, tx) }); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// look runs one read and returns its answer.
func look[T any](t testing.TB, f *fixture, read func(context.Context, *state.Tx) (T, error)) T {
	t.Helper()
	var out T
	f.view(t, func(ctx context.Context, tx *state.Tx) (err error) {
		out, err = read(ctx, tx)
		return err
	})
	return out
}

// same compares by Go syntax, which shows the first difference best.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// at is an instant with microseconds, n of them after a fixed one.
func at(n int64) time.Time { return time.UnixMicro(1_321_000_000_123_456 + n).UTC() }

// big does not fit a float64 exactly.
const big = int64(1)<<53 + 1

// texts are values that careless SQL breaks on.
var texts = []string{
	"", "a", "B", "ä", "z", "Ünïcødé ☃ 日本語 🚗", `it's "quoted" \ back`, "?; DROP TABLE receipt; -- $1 %s", "line\nbreak\ttab", "\U0010ffff",
}

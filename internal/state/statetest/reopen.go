package statetest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"parley/internal/fault"
	"parley/internal/state"
)

func open(t testing.TB, ctx context.Context, openIt OpenFunc) *state.Store {
	t.Helper()
	s, err := openIt(ctx)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func testReopen(t *testing.T, openIt OpenFunc) {
	f := &fixture{ctx: patience(t)}
	f.s = open(t, f.ctx, openIt)
	seed(t, f)
	f.update(t, writeAll)
	before := dump(t, f)
	for range 2 {
		if err := f.s.Close(); err != nil {
			t.Fatal(err)
		}
		f.s = open(t, f.ctx, openIt)
		same(t, "reopened", dump(t, f), before)
	}
	if err := put(f.ctx, f.s, state.Durable, "more"); err != nil {
		t.Fatal(err)
	}
}

// testOpenTogether opens a new database from several places at once, as
// workers do that start together.
func testOpenTogether(t *testing.T, openIt OpenFunc) {
	ctx := patience(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s, err := openIt(ctx)
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			if err := increment(ctx, s, state.Durable); err != nil {
				t.Errorf("update: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	group.Wait()
	got := look(t, &fixture{ctx, open(t, ctx, openIt)}, func(ctx context.Context, tx *state.Tx) (state.Progress, error) { return tx.Progress(ctx) })
	same(t, "increments", got.Position, 4)
}

func testWritersOfTwoStores(t *testing.T, openIt OpenFunc) {
	ctx := patience(t)
	race(t, ctx, open(t, ctx, openIt), open(t, ctx, openIt))
}

func testNewerSchema(t *testing.T, openIt OpenFunc) {
	f := &fixture{ctx: patience(t)}
	f.s = open(t, f.ctx, openIt)
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		insert := "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)"
		if f.s.Dialect() == "postgres" {
			insert = "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)"
		}
		_, err := tx.Raw().ExecContext(ctx, insert)
		return err
	})
	s, err := openIt(f.ctx)
	if err == nil {
		_ = s.Close() // the test has failed anyway
	}
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(fault.Message(err), "999") {
		t.Fatalf("a newer schema: %v", err)
	}
}

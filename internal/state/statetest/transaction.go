package statetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"parley/internal/event"
	"parley/internal/state"
)

func put(ctx context.Context, s *state.Store, d state.Durability, keys ...string) error {
	return s.Update(ctx, d, func(tx *state.Tx) error {
		for _, k := range keys {
			if err := tx.SetMeta(ctx, k, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func has(t testing.TB, ctx context.Context, s *state.Store, key string) bool {
	t.Helper()
	var ok bool
	if err := s.View(ctx, func(tx *state.Tx) (err error) {
		_, ok, err = tx.Meta(ctx, key)
		return err
	}); err != nil {
		t.Fatalf("view: %v", err)
	}
	return ok
}

var errStop = errors.New("stop here")

// writeAll writes to many tables.
func writeAll(ctx context.Context, tx *state.Tx) error {
	return errors.Join(
		tx.SetProgress(ctx, state.Progress{Position: 7, NextPerson: 7}),
		tx.PutReceipts(ctx, []state.Receipt{receipt("web", "new", 1), receipt("web", "old", 2)}),
		tx.AddCounts(ctx, map[state.CounterKey]int64{{Source: "web", Outcome: state.Processed}: 1}),
		tx.PutPeople(ctx, []state.Person{{ID: 1, Doc: []byte("new")}}),
		tx.Merge(ctx, []state.Alias{{Person: 2, Survivor: 1}}),
		tx.PutDeliveries(ctx, []state.Delivery{row("act", 1, "d")}),
		tx.AppendDisclosures(ctx, "b", []state.Disclosure{{Person: 1}}),
	)
}

func seed(t testing.TB, f *fixture) string {
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		return errors.Join(
			tx.PutReceipts(ctx, []state.Receipt{receipt("web", "old", 1)}),
			tx.PutPeople(ctx, []state.Person{{ID: 1, Doc: []byte("old")}, {ID: 2, Doc: []byte("old")}}),
			tx.AddCounts(ctx, map[state.CounterKey]int64{{Source: "web", Outcome: state.Processed}: 1}),
		)
	})
	return dump(t, f)
}

func testRollback(t *testing.T, f *fixture) {
	before := seed(t, f)
	for _, d := range []state.Durability{state.Replayable, state.Durable} {
		err := f.s.Update(f.ctx, d, func(tx *state.Tx) error {
			if err := writeAll(f.ctx, tx); err != nil {
				return err
			}
			return errStop
		})
		if !errors.Is(err, errStop) {
			t.Fatalf("the caller's error is lost: %v", err)
		}
		same(t, "after a rollback", dump(t, f), before)
	}
	f.update(t, writeAll)
	if dump(t, f) == before {
		t.Fatal("the writes change nothing, so the test shows nothing")
	}
}

// testSwallowed: the caller overlooks a failed statement. A database may have
// ended the transaction with it, or go on without the lost statement.
func testSwallowed(t *testing.T, f *fixture) {
	before := seed(t, f)
	err := f.s.Update(f.ctx, state.Durable, func(tx *state.Tx) error {
		if err := writeAll(f.ctx, tx); err != nil {
			return err
		}
		_, _ = tx.Raw().ExecContext(f.ctx, "INSERT INTO disclosure SELECT * FROM disclosure")
		if err := tx.AppendDisclosures(f.ctx, "b", []state.Disclosure{{Person: 1}}); err != nil {
			return err
		}
		return errStop
	})
	if err == nil {
		t.Fatal("no error")
	}
	err = f.s.Update(f.ctx, state.Durable, func(tx *state.Tx) error {
		// A column that cannot be null fails inside the port's own statement.
		if _, err := tx.Raw().ExecContext(f.ctx, "ALTER TABLE person RENAME TO person_gone"); err != nil {
			return err
		}
		_ = tx.PutPeople(f.ctx, []state.Person{{ID: 5, Doc: []byte("{}")}})
		if err := tx.SetMeta(f.ctx, "after", "the failure"); err == nil {
			t.Error("a statement ran after one that failed")
		}
		if _, err := tx.Receipts(f.ctx, []event.Key{{Source: "web", ID: "old"}}); err == nil {
			t.Error("a read ran after a statement that failed")
		}
		return nil
	})
	if err == nil {
		t.Fatal("committed although a statement failed")
	}
	same(t, "after a swallowed error", dump(t, f), before)
}

func testPanic(t *testing.T, f *fixture) {
	before := seed(t, f)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is lost")
			}
		}()
		_ = f.s.Update(f.ctx, state.Replayable, func(tx *state.Tx) error {
			_ = writeAll(f.ctx, tx)
			panic("a bug")
		})
	}()
	same(t, "after a panic", dump(t, f), before)
	f.update(t, writeAll) // the writer's place is free again
}

// increment adds one to a number that every writer reads and writes.
func increment(ctx context.Context, s *state.Store, d state.Durability) error {
	return s.Update(ctx, d, func(tx *state.Tx) error {
		p, err := tx.Progress(ctx)
		if err != nil {
			return err
		}
		p.Position++
		return tx.SetProgress(ctx, p)
	})
}

func race(t *testing.T, ctx context.Context, stores ...*state.Store) {
	const writers, times = 6, 15
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			for n := range times {
				if err := increment(ctx, stores[i%len(stores)], state.Durability((i+n)%2)); err != nil {
					t.Errorf("update: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	got := look(t, &fixture{ctx, stores[0]}, func(ctx context.Context, tx *state.Tx) (state.Progress, error) { return tx.Progress(ctx) })
	same(t, "increments", got.Position, writers*times)
}

func testOneWriter(t *testing.T, f *fixture) { race(t, f.ctx, f.s) }

func testReaders(t *testing.T, f *fixture) {
	for _, d := range []state.Durability{state.Replayable, state.Durable} {
		before := seed(t, f)
		err := f.s.Update(f.ctx, d, func(tx *state.Tx) error {
			if err := tx.SetMeta(f.ctx, "under way", "x"); err != nil {
				return err
			}
			if err := tx.PutPeople(f.ctx, []state.Person{{ID: 1, Doc: []byte("new")}}); err != nil {
				return err
			}
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					if b, err := Dump(f.ctx, f.s); err != nil || string(b) != before {
						t.Errorf("a reader beside the writer: %v\n%s", err, b)
					}
				})
			}
			group.Wait() // would hang if readers waited for the writer
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !has(t, f.ctx, f.s, "under way") {
			t.Fatal("a reader after the commit does not see it")
		}
		f.update(t, func(ctx context.Context, tx *state.Tx) error {
			_, err := tx.Raw().ExecContext(ctx, "DELETE FROM meta WHERE key = 'under way'")
			return err
		})
	}
}

func testSnapshot(t *testing.T, f *fixture) {
	f.view(t, func(ctx context.Context, tx *state.Tx) error {
		if _, ok, err := tx.Meta(ctx, "new"); ok || err != nil {
			t.Errorf("before: %v %v", ok, err)
		}
		if err := put(ctx, f.s, state.Replayable, "new"); err != nil {
			t.Errorf("a writer beside a reader: %v", err)
		}
		if _, ok, err := tx.Meta(ctx, "new"); ok || err != nil {
			t.Errorf("the picture moved: %v %v", ok, err)
		}
		return nil
	})
	if !has(t, f.ctx, f.s, "new") {
		t.Error("lost")
	}
	if err := f.s.View(f.ctx, func(tx *state.Tx) error { return tx.SetMeta(f.ctx, "written", "by a reader") }); err == nil {
		t.Error("a reader may write")
	}
}

func testContext(t *testing.T, f *fixture) {
	before := seed(t, f)
	ctx, cancel := context.WithCancel(f.ctx)
	err := f.s.Update(ctx, state.Durable, func(tx *state.Tx) error {
		if err := writeAll(ctx, tx); err != nil {
			return err
		}
		cancel()
		return tx.SetMeta(ctx, "more", "x")
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled in the middle: %v", err)
	}
	same(t, "after a cancelled update", dump(t, f), before)
	ctx, cancel = context.WithCancel(f.ctx)
	err = f.s.Update(ctx, state.Durable, func(tx *state.Tx) error {
		defer cancel()
		return writeAll(ctx, tx)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before the commit: %v", err)
	}
	same(t, "after an update cancelled before its commit", dump(t, f), before)
	for what, call := range map[string]func() error{
		"update": func() error { return put(ctx, f.s, state.Replayable, "late") },
		"view":   func() error { return f.s.View(ctx, func(*state.Tx) error { return nil }) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
	if err := put(f.ctx, f.s, state.Durable, "works"); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func testWaitingContext(t *testing.T, f *fixture) {
	f.update(t, func(context.Context, *state.Tx) error {
		ctx, cancel := context.WithCancel(f.ctx)
		var group sync.WaitGroup
		group.Go(func() {
			if err := put(ctx, f.s, state.Replayable, "waits"); !errors.Is(err, context.Canceled) {
				t.Errorf("a writer that waits: %v", err)
			}
		})
		cancel()
		group.Wait() // would hang if it waited for us
		return nil
	})
}

func testClose(t *testing.T, f *fixture) {
	for range 3 {
		if err := f.s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := put(f.ctx, f.s, state.Durable, "late"); err == nil {
		t.Error("an update after close")
	}
	if err := f.s.View(f.ctx, func(*state.Tx) error { return nil }); err == nil {
		t.Error("a view after close")
	}
}

package statetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/fault"
	"parley/internal/state"
)

// row is a delivery that waits.
func row(activation string, person int64, dest string) state.Delivery {
	return state.Delivery{Destination: dest, Mode: destination.Include, Member: delivery.Member{
		Activation: activation, Person: person, Version: 1, Want: true, Fields: map[string]string{"email": "e"}}}
}

func testDeliveries(t *testing.T, f *fixture) {
	full := state.Delivery{Destination: texts[6], Member: delivery.Member{Activation: texts[5], Person: big, Version: big, Want: true,
		Fields: map[string]string{texts[5]: texts[6]}, Reason: "r", Acked: 3, AckedWant: true, AckedFields: map[string]string{"a": "b"},
		Batch: "batch", Handed: 4, Attempts: 5, NextTry: at(1), Dead: "dead", InDoubt: true, DoubtFields: map[string]string{"c": ""}}}
	bare := state.Delivery{Destination: "d", Member: delivery.Member{Activation: "b", Person: big}}
	put := func(list ...state.Delivery) {
		f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutDeliveries(ctx, list) })
	}
	read := func() []state.Delivery {
		got := look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Delivery, error) {
			return tx.Deliveries(ctx, []int64{big, 1})
		})
		slices.SortFunc(got, func(a, b state.Delivery) int { return strings.Compare(a.Activation, b.Activation) })
		return got
	}
	put(full, bare, row("other", 2, "d"))
	same(t, "rows of a person", read(), []state.Delivery{bare, full})
	full.Version, full.Dead = big+1, ""
	put(full)
	same(t, "replaced", read(), []state.Delivery{bare, full})
	flying := look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Delivery, error) {
		return tx.DeliveriesInBatch(ctx, "batch")
	})
	same(t, "in the batch", flying, []state.Delivery{full})
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.DropDelivery(ctx, "b", big) })
	same(t, "dropped", read(), []state.Delivery{full})
}

func testQueue(t *testing.T, f *fixture) {
	next := func() string {
		var out string
		f.view(t, func(ctx context.Context, tx *state.Tx) error {
			at, ok, err := tx.NextDelivery(ctx, "d")
			out = fmt.Sprint(at, ok)
			return err
		})
		return out
	}
	same(t, "nothing waits", next(), fmt.Sprint(time.Time{}, false))
	make := func(activation string, person int64, change func(*state.Delivery)) state.Delivery {
		d := row(activation, person, "d")
		change(&d)
		return d
	}
	leave := func(d *state.Delivery) { d.Want, d.Fields, d.AckedWant, d.Acked = false, nil, true, 1 }
	list := []state.Delivery{
		make("in", 30, func(d *state.Delivery) { d.NextTry = at(5) }),
		make("in", 2, func(*state.Delivery) {}), make("in", 10, func(*state.Delivery) {}),
		make("ä", 1, func(*state.Delivery) {}), make("z", 1, func(*state.Delivery) {}), make("B", 1, func(*state.Delivery) {}), make("a", 1, func(*state.Delivery) {}),
		make("in", 40, func(d *state.Delivery) { d.NextTry = at(3) }),
		make("in", 50, leave),
		make("not", 60, func(d *state.Delivery) { d.Mode = destination.Suppress }),
		make("not", 70, func(d *state.Delivery) { d.Mode = destination.Suppress; leave(d) }),
		make("not", 65, func(d *state.Delivery) { d.Mode = destination.Suppress; d.NextTry = at(900) }),
		// None of these waits.
		make("in", 80, func(d *state.Delivery) { d.Batch = "b" }), make("in", 81, func(d *state.Delivery) { d.Dead = "no" }),
		make("in", 82, func(d *state.Delivery) { d.AckedWant, d.AckedFields = true, d.Fields }),
		row("in", 83, "elsewhere"),
	}
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutDeliveries(ctx, list) })
	queue := func(now time.Time, limit int) (out []string) {
		for _, d := range look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Delivery, error) {
			return tx.WaitingDeliveries(ctx, "d", now, limit)
		}) {
			out = append(out, fmt.Sprint(d.Activation, d.Person))
		}
		return out
	}
	want := []string{"not60", "not70", "in50", "B1", "a1", "z1", "ä1", "in2", "in10", "in40", "in30"}
	same(t, "queue", queue(at(5), 100), want)
	for limit := range want {
		same(t, "limited", queue(at(5), limit), want[:limit])
	}
	same(t, "earlier", queue(at(2), 100), want[:9])
	same(t, "later", queue(at(900), 2), []string{"not60", "not65"})
	same(t, "next", next(), fmt.Sprint(time.Time{}, true))
	for i := range list[:12] {
		list[i].NextTry = at(int64(100 - i))
	}
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutDeliveries(ctx, list) })
	same(t, "next of all", next(), fmt.Sprint(at(89), true))
}

func testDead(t *testing.T, f *fixture) {
	var list []state.Delivery
	for _, activation := range []string{"ä", "b", "B", "a", "Z"} {
		for _, person := range []int64{10, 9} {
			d := row(activation, person, "d")
			d.Dead = "gave up"
			list = append(list, d)
		}
	}
	list = append(list, row("a", 1, "d"))
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutDeliveries(ctx, list) })
	var got []string
	for _, d := range look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Delivery, error) { return tx.DeadDeliveries(ctx, 9) }) {
		got = append(got, fmt.Sprint(d.Activation, d.Person))
	}
	same(t, "dead letters", got, []string{"B9", "B10", "Z9", "Z10", "a9", "a10", "b9", "b10", "ä9"})
}

func testBatch(t *testing.T, f *fixture) {
	open := func(dest string) *destination.Batch {
		return look(t, f, func(ctx context.Context, tx *state.Tx) (*destination.Batch, error) { return tx.OpenBatch(ctx, dest) })
	}
	put := func(dest string, b destination.Batch, isOpen bool) {
		f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutBatch(ctx, dest, b, isOpen) })
	}
	batch := func(id string, n int64) destination.Batch {
		return destination.Batch{ID: id, Activation: "act", Audience: "aud", Mode: destination.Suppress, At: at(n), Members: []destination.Member{
			{Person: "7", Version: big, Action: destination.Add, Fields: map[string]string{"email": texts[5]}}}}
	}
	if b := open("d"); b != nil {
		t.Fatalf("a batch before any: %v", b)
	}
	put("d", batch("later", 9), true)
	put("d", batch("B", 5), true)
	put("d", batch("a", 5), true)
	put("other", batch("other", 1), true)
	for _, id := range []string{"B", "a"} {
		same(t, "open", *open("d"), batch(id, 5))
		put("d", batch(id, 5), false)
	}
	same(t, "open", *open("d"), batch("later", 9))
	put("d", batch("later", 9), false)
	if b := open("d"); b != nil {
		t.Fatalf("still open: %v", b)
	}
	if d := dump(t, f); strings.Count(d, texts[5]) != 1 {
		t.Fatalf("personal values of closed batches are kept:\n%s", d)
	}
}

func testSummaries(t *testing.T, f *fixture) {
	var list []state.Delivery
	for i := range int64(20) {
		d := row("act", i, "d")
		switch {
		case i < 3:
			d.Batch = "b"
		case i < 5:
			d.Dead = "no"
		case i < 9:
			d.AckedWant, d.AckedFields = true, d.Fields
		case i < 12:
			d.Want, d.Fields, d.Reason = false, nil, "left"
		case i < 14:
			d.Want, d.Fields, d.Reason, d.AckedWant = false, nil, "refused:ads", true
		}
		list = append(list, d)
	}
	list = append(list, row(texts[6], 1, texts[5]))
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutDeliveries(ctx, list) })
	got := look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.DeliverySummary, error) {
		return tx.DeliverySummaries(ctx)
	})
	slices.SortFunc(got, func(a, b state.DeliverySummary) int { return strings.Compare(a.Activation, b.Activation) })
	same(t, "summaries", got, []state.DeliverySummary{
		{Activation: "act", Destination: "d", Desired: 15, Acknowledged: 6, Waiting: 8, InFlight: 3, Dead: 2,
			Unwanted: map[string]int64{"left": 3, "refused:ads": 2}},
		{Activation: texts[6], Destination: texts[5], Desired: 1, Waiting: 1, Unwanted: map[string]int64{}},
	})
}

// book writes n lines in two transactions.
func book(t *testing.T, f *fixture, name string, n int) []state.Disclosure {
	t.Helper()
	lines := make([]state.Disclosure, n)
	for i := range lines {
		text := texts[i%len(texts)]
		lines[i] = state.Disclosure{At: at(int64(i)), Person: int64(i % 3), Activation: text, Destination: "d" + text, Purpose: text,
			Decision: []string{"released", "refused"}[i%2], Ground: text, Version: big, Batch: text}
	}
	for _, part := range [][]state.Disclosure{lines[:n/3], lines[n/3:]} {
		f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.AppendDisclosures(ctx, name, part) })
	}
	return lines
}

func testBooks(t *testing.T, f *fixture) {
	decisions, handover := book(t, f, state.Decisions, 450), book(t, f, "handover:Ä", 7)
	f.view(t, func(ctx context.Context, tx *state.Tx) error {
		for name, want := range map[string][]state.Disclosure{state.Decisions: decisions, "handover:Ä": handover} {
			var got []state.Disclosure
			err := tx.Book(ctx, name, func(d state.Disclosure) error { got = append(got, d); return nil })
			same(t, name, []any{got, err}, []any{want, nil})
			n, err := tx.VerifyBook(ctx, name)
			same(t, "verified", []any{n, err}, []any{len(want), nil})
		}
		for i, d := range decisions {
			if d.Seq != int64(i+1) || d.Hash == "" || i > 0 && d.Prev != decisions[i-1].Hash {
				t.Fatalf("line %d: %+v", i, d)
			}
		}
		counts, err := tx.CountDecisions(ctx)
		same(t, "counts", []any{counts, err}, []any{map[string]int64{"released": 225, "refused": 225}, nil})
		stop := fault.New(fault.Busy, "test", "enough")
		if err := tx.Book(ctx, state.Decisions, func(state.Disclosure) error { return stop }); err != stop {
			t.Errorf("the reader's own error: %v", err)
		}
		of, err := tx.DisclosuresOf(ctx, []int64{2, 1, 2, 404})
		if err != nil || len(of) != 304 {
			t.Errorf("of two people: %d lines, %v", len(of), err)
		}
		if !slices.IsSortedFunc(of, func(a, b state.Disclosure) int {
			return strings.Compare(fmt.Sprintf("%s %9d", a.Book, a.Seq), fmt.Sprintf("%s %9d", b.Book, b.Seq))
		}) {
			t.Error("not by book and seq")
		}
		return nil
	})
}

func testAltered(t *testing.T, f *fixture) {
	book(t, f, "b", 20)
	for what, change := range map[string]string{
		"a changed person": "UPDATE disclosure SET person = 99 WHERE seq = 11",
		"a changed time":   "UPDATE disclosure SET at = at + 1 WHERE seq = 11",
		"a changed ground": "UPDATE disclosure SET ground = 'consent' WHERE seq = 11",
		"a changed hash":   "UPDATE disclosure SET hash = 'x' WHERE seq = 11",
		"a removed line":   "DELETE FROM disclosure WHERE seq = 11",
		"swapped lines":    "UPDATE disclosure SET seq = CASE seq WHEN 11 THEN -12 ELSE -11 END WHERE seq IN (11, 12)",
	} {
		undo := fault.New(fault.Busy, "test", "undo")
		err := f.s.Update(f.ctx, state.Replayable, func(tx *state.Tx) error {
			if _, err := tx.Raw().ExecContext(f.ctx, change); err != nil {
				return err
			}
			if _, err := tx.Raw().ExecContext(f.ctx, "UPDATE disclosure SET seq = -seq WHERE seq < 0"); err != nil {
				return err
			}
			_, err := tx.VerifyBook(f.ctx, "b")
			if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "line 11") {
				t.Errorf("%s: %v", what, err)
			}
			return undo
		})
		if err != undo {
			t.Fatalf("%s: %v", what, err)
		}
	}
	n := look(t, f, func(ctx context.Context, tx *state.Tx) (int64, error) { return tx.VerifyBook(ctx, "b") })
	same(t, "undone", n, 20)
}

// testAppendOnly: the database itself refuses a second line in a line's place.
func testAppendOnly(t *testing.T, f *fixture) {
	book(t, f, "b", 3)
	before := dump(t, f)
	err := f.s.Update(f.ctx, state.Replayable, func(tx *state.Tx) error {
		if err := tx.AppendDisclosures(f.ctx, "b", []state.Disclosure{{Person: 1}}); err != nil {
			return err
		}
		_, err := tx.Raw().ExecContext(f.ctx, "INSERT INTO disclosure SELECT * FROM disclosure WHERE seq = 3")
		return err
	})
	if err == nil {
		t.Fatal("a line was written twice")
	}
	same(t, "the book", dump(t, f), before)
}

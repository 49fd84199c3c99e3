package statetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/state"
)

func node(namespace, value string) event.Identifier {
	return event.Identifier{Namespace: namespace, Value: value}
}

func testIdentifiers(t *testing.T, f *fixture) {
	want := map[event.Identifier]state.Identifier{}
	var keys []event.Identifier
	for i, ns := range texts {
		for j, value := range texts {
			n := int64(i*len(texts) + j)
			id := state.Identifier{Identifier: node(ns, value), Person: big + n%7, FirstSeen: at(n)}
			want[id.Identifier], keys = id, append(keys, id.Identifier)
		}
	}
	put := func(list []state.Identifier) {
		f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutIdentifiers(ctx, list) })
	}
	all := make([]state.Identifier, 0, len(want))
	for _, k := range keys {
		all = append(all, want[k])
	}
	put(all)
	moved := want[keys[3]]
	moved.Person = 1
	want[moved.Identifier] = moved
	put([]state.Identifier{moved})

	got := look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Identifier, error) {
		return tx.Identifiers(ctx, append([]event.Identifier{node("none", "")}, keys...))
	})
	same(t, "number", len(got), len(keys))
	for _, id := range got {
		same(t, "identifier", id, want[id.Identifier])
	}
	of := look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Identifier, error) {
		return tx.IdentifiersOf(ctx, []int64{big + 2, 1, 404})
	})
	if of[0] != moved || !slices.IsSortedFunc(of[1:], func(a, b state.Identifier) int {
		return slices.Compare([]string{a.Namespace, a.Value}, []string{b.Namespace, b.Value})
	}) {
		t.Fatalf("identifiers of two people: %v", of)
	}
	f.view(t, func(ctx context.Context, tx *state.Tx) error {
		p, err := tx.Find(ctx, moved.Identifier)
		same(t, "found", []any{p, err}, []any{1, nil})
		_, err = tx.Find(ctx, node("email", "secret@example.org"))
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("unknown identifier: %v", err)
		}
		return nil
	})
}

func testRepeatedKeys(t *testing.T, f *fixture) {
	ids := make([]event.Identifier, 0, 2000)
	var list []state.Identifier
	var people []int64
	for i := range 1000 {
		id := node("n", fmt.Sprint(i))
		list = append(list, state.Identifier{Identifier: id, Person: int64(i)})
		ids, people = append(ids, id), append(people, int64(i))
	}
	ids, people = append(ids, ids...), append(people, people...)
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		if err := tx.PutIdentifiers(ctx, list); err != nil {
			return err
		}
		if err := tx.PutDeliveries(ctx, []state.Delivery{row("act", 7, "dest")}); err != nil {
			return err
		}
		return tx.AppendDisclosures(ctx, "b", []state.Disclosure{{Person: 7}})
	})
	f.view(t, func(ctx context.Context, tx *state.Tx) error {
		a, err1 := tx.Identifiers(ctx, ids)
		b, err2 := tx.IdentifiersOf(ctx, people)
		c, err3 := tx.Deliveries(ctx, people)
		d, err4 := tx.DisclosuresOf(ctx, people)
		same(t, "rows", []any{len(a), len(b), len(c), len(d), err1, err2, err3, err4}, []any{1000, 1000, 1, 1, nil, nil, nil, nil})
		return nil
	})
}

func testAssertions(t *testing.T, f *fixture) {
	var all []state.Assertion
	var ids []event.Identifier
	for i, v := range texts {
		all = append(all, state.Assertion{A: node("a", v), B: node("b", texts[(i+1)%len(texts)]), Source: v, Seq: big + int64(i), EventID: v,
			At: at(int64(i)), N: 1, LastAt: at(int64(i)), Refused: v})
		ids = append(ids, node("a", v), node("b", v))
	}
	other := all[2]
	other.Source, other.Seq = "another source", 1
	all = append(all, other)
	add := func(list ...state.Assertion) {
		f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.AddAssertions(ctx, list) })
	}
	add(all...)
	again := all[1]
	again.Seq, again.EventID, again.At, again.N, again.LastAt, again.Refused = 99, "later", at(50), 3, at(60), "limit"
	add(again)
	all[1].N, all[1].LastAt, all[1].Refused = 4, at(60), "limit" // the first event stays the first
	slices.SortFunc(all, func(a, b state.Assertion) int { return int(a.Seq - b.Seq) })
	read := func(ids ...event.Identifier) []state.Assertion {
		return look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Assertion, error) { return tx.AssertionsOf(ctx, ids) })
	}
	same(t, "all, each once, by seq", read(ids...), all)
	same(t, "of the left side", read(other.A), []state.Assertion{other, look0(all, other.A, other.Source)})
	same(t, "of the right side", read(other.B), []state.Assertion{other, look0(all, other.A, other.Source)})
}

// look0 finds the assertion of identifier a that is not of a source.
func look0(all []state.Assertion, a event.Identifier, not string) state.Assertion {
	for _, x := range all {
		if x.A == a && x.Source != not {
			return x
		}
	}
	return state.Assertion{}
}

func testPeople(t *testing.T, f *fixture) {
	var all []state.Person
	for i, text := range texts {
		all = append(all, state.Person{ID: big + int64(i), Doc: []byte(text)})
	}
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutPeople(ctx, all) })
	all[1].Doc = []byte(`{"replaced":true}`)
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutPeople(ctx, all[1:2]) })
	f.view(t, func(ctx context.Context, tx *state.Tx) error {
		n, err := tx.CountPeople(ctx)
		same(t, "count", []any{n, err}, []any{len(all), nil})
		docs, err := tx.People(ctx, []int64{all[0].ID, all[5].ID, all[5].ID, 1})
		same(t, "by id", []any{len(docs), string(docs[all[0].ID]), string(docs[all[5].ID]), err}, []any{2, texts[0], texts[5], nil})
		var paged []state.Person
		for after := int64(0); ; {
			page, err := tx.PeopleAfter(ctx, after, 3)
			if err != nil || len(page) == 0 {
				same(t, "paged", []any{paged, err}, []any{all, nil})
				return err
			}
			paged, after = append(paged, page...), page[len(page)-1].ID
		}
	})
}

func testMerge(t *testing.T, f *fixture) {
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		for p := int64(1); p <= 5; p++ {
			if err := tx.PutPeople(ctx, []state.Person{{ID: p, Doc: []byte("{}")}}); err != nil {
				return err
			}
			if err := tx.PutTimers(ctx, []state.Timer{{Person: p, At: at(p)}}); err != nil {
				return err
			}
			if err := tx.PutMemberships(ctx, []state.Membership{{Audience: "a", Person: p}}); err != nil {
				return err
			}
		}
		return tx.Merge(ctx, []state.Alias{{Person: 5, Survivor: 4, At: at(0)}, {Person: 4, Survivor: 2, At: at(1)}})
	})
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		return tx.Merge(ctx, []state.Alias{{Person: 3, Survivor: 2, At: at(2)}, {Person: 2, Survivor: 1, At: at(3)}})
	})
	f.view(t, func(ctx context.Context, tx *state.Tx) error {
		for p := int64(1); p <= 5; p++ {
			s, err := tx.Survivor(ctx, p)
			same(t, "survivor", []any{s, err}, []any{1, nil})
		}
		s, err := tx.Survivor(ctx, 77)
		same(t, "who was never merged", []any{s, err}, []any{77, nil})
		merges, err1 := tx.CountMerges(ctx)
		people, err2 := tx.CountPeople(ctx)
		timers, err3 := tx.TimersDue(ctx, at(1000), 10)
		sizes, err4 := tx.AudienceSizes(ctx)
		same(t, "left", []any{merges, people, timers, sizes, err1, err2, err3, err4},
			[]any{4, 1, []state.Timer{{Person: 1, At: at(1)}}, map[string]int64{"a": 1}, nil, nil, nil, nil})
		return nil
	})
}

func testMemberships(t *testing.T, f *fixture) {
	var all []state.Membership
	for _, audience := range texts {
		for p := int64(1); p <= 25; p++ {
			all = append(all, state.Membership{Audience: audience, Person: big + p, Since: at(p)})
		}
	}
	all[0].Since = time.Time{}
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutMemberships(ctx, all) })
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		return tx.DropMemberships(ctx, []state.Membership{all[0], all[26], {Audience: "none", Person: 1}})
	})
	for i, audience := range texts {
		want := slices.Clone(all[i*25 : i*25+25])
		switch i {
		case 0:
			want = want[1:]
		case 1:
			want = slices.Delete(want, 1, 2)
		}
		var got []state.Membership
		for after := int64(0); ; {
			page := look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Membership, error) {
				return tx.Members(ctx, audience, after, 7)
			})
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1].Person
		}
		same(t, "members of "+audience, got, want)
	}
	sizes := look(t, f, func(ctx context.Context, tx *state.Tx) (map[string]int64, error) { return tx.AudienceSizes(ctx) })
	same(t, "sizes", []any{len(sizes), sizes[""], sizes["a"], sizes["B"]}, []any{len(texts), 24, 24, 25})
	slices.Reverse(all)
	state.SortMemberships(all)
	if all[0].Audience != "" || all[25].Audience != texts[7] || all[0].Person != big+1 {
		t.Fatalf("sorted: %v", all[:30])
	}
}

func timer(person int64, at time.Time) state.Timer { return state.Timer{Person: person, At: at} }

func testTimers(t *testing.T, f *fixture) {
	none := look(t, f, func(ctx context.Context, tx *state.Tx) (time.Time, error) { return tx.NextTimer(ctx) })
	same(t, "no timer", none, time.Time{})
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		return tx.PutTimers(ctx, []state.Timer{timer(big+3, at(20)), timer(big+1, at(20)), timer(7, at(10)), timer(8, at(30)), timer(9, at(5)), timer(10, at(20))})
	})
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		return tx.PutTimers(ctx, []state.Timer{timer(9, time.Time{}), timer(8, at(11)), timer(404, time.Time{}), timer(10, at(21))})
	})
	due := func(until time.Time, limit int) []state.Timer {
		return look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Timer, error) { return tx.TimersDue(ctx, until, limit) })
	}
	all := []state.Timer{timer(7, at(10)), timer(8, at(11)), timer(big+1, at(20)), timer(big+3, at(20)), timer(10, at(21))}
	same(t, "at the very instant", due(at(20), 100), all[:4])
	same(t, "limited", due(at(1000), 3), all[:3])
	same(t, "too early", len(due(at(9), 10)), 0)
	next := look(t, f, func(ctx context.Context, tx *state.Tx) (time.Time, error) { return tx.NextTimer(ctx) })
	same(t, "next", next, at(10))
}

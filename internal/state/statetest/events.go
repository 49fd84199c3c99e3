package statetest

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/state"
)

func receipt(source, id string, n int64) state.Receipt {
	return state.Receipt{Key: event.Key{Source: source, ID: id}, Position: journal.Position(big + n), Index: int(n), ReceivedAt: at(n),
		Outcome: state.Processed, Detail: source, Person: big + n, Duplicates: n}
}

func testReceipts(t *testing.T, f *fixture) {
	var all []state.Receipt
	var keys []event.Key
	for i, source := range texts {
		for j, id := range texts {
			r := receipt(source, id, int64(i*100+j))
			all, keys = append(all, r), append(keys, r.Key)
		}
	}
	all[0].ReceivedAt, all[0].Person = time.Time{}, 0
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutReceipts(ctx, all) })
	check := func() {
		t.Helper()
		got := look(t, f, func(ctx context.Context, tx *state.Tx) (map[event.Key]state.Receipt, error) {
			return tx.Receipts(ctx, keys)
		})
		for _, want := range all {
			same(t, "receipt", got[want.Key], want)
		}
		same(t, "number", len(got), len(all))
	}
	check()
	for i := range all[:30] {
		all[i] = state.Receipt{Key: all[i].Key, Outcome: state.Duplicate, ReceivedAt: at(-1).Truncate(time.Second), Detail: "again", Duplicates: 2}
	}
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutReceipts(ctx, all[:30]) })
	check()
	none := look(t, f, func(ctx context.Context, tx *state.Tx) (map[event.Key]state.Receipt, error) {
		return tx.Receipts(ctx, []event.Key{{Source: "a", ID: "A"}, {Source: "A", ID: "a"}, {Source: "a ", ID: "a"}})
	})
	same(t, "keys that differ in case or space", len(none), 0)
}

// testBulk is above the 65,535 parameters that one statement may have.
func testBulk(t *testing.T, f *fixture) {
	for _, n := range []int{1, 2, 19, 21, 199, 201, 7777} {
		source := fmt.Sprint("bulk", n)
		all := make([]state.Receipt, n)
		var keys []event.Key
		for i := range all {
			all[i] = receipt(source, fmt.Sprint(i), int64(i))
			keys = append(keys, all[i].Key, event.Key{Source: source, ID: fmt.Sprint("unknown", i)}, all[i/2].Key)
		}
		f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutReceipts(ctx, all) })
		got := look(t, f, func(ctx context.Context, tx *state.Tx) (map[event.Key]state.Receipt, error) {
			return tx.Receipts(ctx, keys)
		})
		same(t, "number", len(got), n)
		for _, want := range all {
			if got[want.Key] != want {
				t.Fatalf("got %+v, want %+v", got[want.Key], want)
			}
		}
	}
}

func testCounters(t *testing.T, f *fixture) {
	hour := at(0).Truncate(time.Hour)
	key := func(source string, h int, o state.Outcome) state.CounterKey {
		return state.CounterKey{Source: source, Hour: hour.Add(time.Duration(h) * time.Hour), Outcome: o}
	}
	counts := map[state.CounterKey]int64{}
	for _, source := range texts {
		for h := range 3 {
			counts[key(source, h, state.Processed)] = big
			counts[key(source, h, "received")] = int64(h + 1)
		}
	}
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.AddCounts(ctx, counts) })
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		return tx.AddCounts(ctx, map[state.CounterKey]int64{key("B", 1, state.Processed): 5, key("a", 0, "received"): -1, key("new", 0, state.Refused): 7})
	})
	counts[key("B", 1, state.Processed)] += 5
	counts[key("a", 0, "received")]--
	counts[key("new", 0, state.Refused)] = 7
	read := func(source string) []state.Count {
		return look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Count, error) { return tx.Counts(ctx, source) })
	}
	got := map[state.CounterKey]int64{}
	var last state.Count
	for i, c := range read("") {
		got[c.CounterKey] = c.N
		if i > 0 && (c.Source < last.Source || c.Source == last.Source && c.Hour.Before(last.Hour)) {
			t.Fatalf("%+v stands after %+v", c, last)
		}
		last = c
	}
	if !maps.Equal(got, counts) {
		t.Fatalf("got %v, want %v", got, counts)
	}
	same(t, "of one source", read("new"), []state.Count{{CounterKey: key("new", 0, state.Refused), N: 7}})
	same(t, "of an unknown source", len(read("A")), 0)
}

func testRows(t *testing.T, f *fixture) {
	versions := map[event.Key]state.RowVersion{}
	owners := map[state.UniqueKey]string{}
	var list []state.RowVersion
	var keys []event.Key
	var unique []state.UniqueKey
	for i, source := range texts {
		for j, key := range texts {
			v := state.RowVersion{Source: source, Key: key, Hash: fmt.Sprint(i, j), Version: big + int64(j)}
			if j%2 == 0 {
				v.Holds = []state.Holding{{Fields: source, Hash: key}, {Fields: key, Hash: ""}}
			}
			k := event.Key{Source: source, ID: key}
			versions[k], list, keys = v, append(list, v), append(keys, k)
			u := state.UniqueKey{Source: source, Fields: key, Hash: source + key}
			owners[u], unique = texts[(i+j)%len(texts)], append(unique, u)
		}
	}
	put := func() {
		f.update(t, func(ctx context.Context, tx *state.Tx) error {
			if err := tx.PutRowVersions(ctx, list); err != nil {
				return err
			}
			return tx.PutUniqueOwners(ctx, owners)
		})
	}
	check := func() {
		t.Helper()
		f.view(t, func(ctx context.Context, tx *state.Tx) error {
			got, err := tx.RowVersions(ctx, append(keys, event.Key{Source: "none"}))
			if err != nil || !maps.EqualFunc(got, versions, func(a, b state.RowVersion) bool { return reflect.DeepEqual(a, b) }) {
				t.Errorf("row versions: %v %v", got, err)
			}
			who, err := tx.UniqueOwners(ctx, append(unique, state.UniqueKey{Source: "none"}))
			if err != nil || !maps.Equal(who, owners) {
				t.Errorf("unique values: %v %v", who, err)
			}
			return nil
		})
	}
	put()
	check()
	list = list[:1]
	list[0].Version, list[0].Hash = 2, "new"
	versions[keys[0]], owners[unique[0]] = list[0], "new owner"
	put()
	check()
}

// testEmpty calls everything that takes a list without any.
func testEmpty(t *testing.T, f *fixture) {
	before := dump(t, f)
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		for name, do := range map[string]func() error{
			"PutReceipts":       func() error { return tx.PutReceipts(ctx, nil) },
			"AddCounts":         func() error { return tx.AddCounts(ctx, nil) },
			"PutRowVersions":    func() error { return tx.PutRowVersions(ctx, nil) },
			"PutUniqueOwners":   func() error { return tx.PutUniqueOwners(ctx, nil) },
			"PutIdentifiers":    func() error { return tx.PutIdentifiers(ctx, nil) },
			"AddAssertions":     func() error { return tx.AddAssertions(ctx, nil) },
			"PutPeople":         func() error { return tx.PutPeople(ctx, nil) },
			"Merge":             func() error { return tx.Merge(ctx, nil) },
			"PutMemberships":    func() error { return tx.PutMemberships(ctx, nil) },
			"DropMemberships":   func() error { return tx.DropMemberships(ctx, nil) },
			"PutTimers":         func() error { return tx.PutTimers(ctx, nil) },
			"AddAsks":           func() error { return tx.AddAsks(ctx, nil) },
			"PutDeliveries":     func() error { return tx.PutDeliveries(ctx, nil) },
			"AppendDisclosures": func() error { return tx.AppendDisclosures(ctx, "b", nil) },
			"PutQuarantined":    func() error { return tx.PutQuarantined(ctx, nil) },
			"MarkReplayed":      func() error { return tx.MarkReplayed(ctx, nil) },
			"DropDelivery":      func() error { return tx.DropDelivery(ctx, "none", 1) },
		} {
			if err := do(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	f.view(t, func(ctx context.Context, tx *state.Tx) error {
		for name, read := range map[string]func() (int, error){
			"Receipts":       func() (int, error) { m, err := tx.Receipts(ctx, nil); return len(m), err },
			"RowVersions":    func() (int, error) { m, err := tx.RowVersions(ctx, nil); return len(m), err },
			"UniqueOwners":   func() (int, error) { m, err := tx.UniqueOwners(ctx, nil); return len(m), err },
			"Identifiers":    func() (int, error) { m, err := tx.Identifiers(ctx, nil); return len(m), err },
			"IdentifiersOf":  func() (int, error) { m, err := tx.IdentifiersOf(ctx, nil); return len(m), err },
			"AssertionsOf":   func() (int, error) { m, err := tx.AssertionsOf(ctx, nil); return len(m), err },
			"People":         func() (int, error) { m, err := tx.People(ctx, nil); return len(m), err },
			"Deliveries":     func() (int, error) { m, err := tx.Deliveries(ctx, nil); return len(m), err },
			"DisclosuresOf":  func() (int, error) { m, err := tx.DisclosuresOf(ctx, nil); return len(m), err },
			"QuarantineList": func() (int, error) { m, err := tx.QuarantineList(ctx, state.QuarantineFilter{}); return len(m), err },
			"VerifyBook":     func() (int, error) { n, err := tx.VerifyBook(ctx, "none"); return int(n), err },
			"Summaries":      func() (int, error) { m, err := tx.DeliverySummaries(ctx); return len(m), err },
		} {
			if n, err := read(); err != nil || n != 0 {
				t.Errorf("%s of nothing: %d, %v", name, n, err)
			}
		}
		return nil
	})
	same(t, "dump", dump(t, f), before)
}

func dump(t testing.TB, f *fixture) string {
	t.Helper()
	b, err := Dump(f.ctx, f.s)
	if err != nil {
		t.Fatalf("dump: %v", err)
	}
	return string(b)
}

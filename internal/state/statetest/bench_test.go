package statetest_test

import (
	"fmt"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/state"
)

// BenchmarkState writes and reads as the pipeline does: 5,000 rows a transaction.
func BenchmarkState(b *testing.B) {
	for _, driver := range []struct {
		name string
		open func(testing.TB) *state.Store
	}{{"sqlite", openSQLite}, {"postgres", openPostgres}} {
		b.Run(driver.name, func(b *testing.B) {
			s := driver.open(b)
			// Ids in order are written to neighbouring pages, random ones to a page each.
			b.Run("put receipts/in order", func(b *testing.B) { benchPutReceipts(b, s, "a", 1) })
			b.Run("put receipts/random", func(b *testing.B) { benchPutReceipts(b, s, "b", 0x9e3779b97f4a7c15) })
			b.Run("get receipts", func(b *testing.B) { benchGetReceipts(b, s) })
			b.Run("put people", func(b *testing.B) { benchPutPeople(b, s) })
			b.Run("get people", func(b *testing.B) { benchGetPeople(b, s) })
		})
	}
}

const chunk = 5000

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N*chunk)/b.Elapsed().Seconds(), "rows/s")
}

func transact(b *testing.B, s *state.Store, write bool, fn func(*state.Tx) error) {
	b.Helper()
	err := error(nil)
	if write {
		err = s.Update(b.Context(), state.Replayable, fn)
	} else {
		err = s.View(b.Context(), fn)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func benchPutReceipts(b *testing.B, s *state.Store, source string, spread uint64) {
	list := make([]state.Receipt, chunk)
	n := time.Now().UnixNano()
	for b.Loop() {
		for i := range list {
			n++
			list[i] = state.Receipt{Key: event.Key{Source: source, ID: fmt.Sprintf("%016x", uint64(n)*spread)}, Outcome: state.Processed,
				ReceivedAt: time.UnixMicro(n), Person: n}
		}
		transact(b, s, true, func(tx *state.Tx) error { return tx.PutReceipts(b.Context(), list) })
	}
	perSecond(b)
}

func benchGetReceipts(b *testing.B, s *state.Store) {
	list := make([]state.Receipt, 0, chunk)
	keys := make([]event.Key, 0, chunk)
	for i := range chunk {
		k := event.Key{Source: "known", ID: fmt.Sprintf("%x", uint64(i)*0x9e3779b97f4a7c15)}
		list, keys = append(list, state.Receipt{Key: k}), append(keys, k)
	}
	transact(b, s, true, func(tx *state.Tx) error { return tx.PutReceipts(b.Context(), list) })
	for b.Loop() {
		transact(b, s, false, func(tx *state.Tx) error {
			got, err := tx.Receipts(b.Context(), keys)
			if len(got) != chunk {
				b.Fatal(len(got))
			}
			return err
		})
	}
	perSecond(b)
}

func crowd(first int64) []state.Person {
	doc := make([]byte, 800)
	for i := range doc {
		doc[i] = 'a' + byte(i%26)
	}
	list := make([]state.Person, chunk)
	for i := range list {
		list[i] = state.Person{ID: first + int64(i), Doc: doc}
	}
	return list
}

func benchPutPeople(b *testing.B, s *state.Store) {
	n := 0
	for b.Loop() {
		n++
		list := crowd(int64(n%4) * chunk) // replaced after the first rounds
		transact(b, s, true, func(tx *state.Tx) error { return tx.PutPeople(b.Context(), list) })
	}
	perSecond(b)
}

func benchGetPeople(b *testing.B, s *state.Store) {
	list := crowd(0)
	transact(b, s, true, func(tx *state.Tx) error { return tx.PutPeople(b.Context(), list) })
	ids := make([]int64, chunk)
	for i, p := range list {
		ids[i] = p.ID
	}
	for b.Loop() {
		transact(b, s, false, func(tx *state.Tx) error {
			got, err := tx.People(b.Context(), ids)
			if len(got) != chunk {
				b.Fatal(len(got))
			}
			return err
		})
	}
	perSecond(b)
}

package statetest_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/state"
	"parley/internal/state/pgstate"
	"parley/internal/state/sqlitestate"
	"parley/internal/state/statetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openStore(t testing.TB, s *state.Store, err error) *state.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func openSQLite(t testing.TB) *state.Store {
	s, err := sqlitestate.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	return openStore(t, s, err)
}

func openPostgres(t testing.TB) *state.Store {
	s, err := pgstate.Open(t.Context(), statetest.Postgres(t))
	return openStore(t, s, err)
}

// step changes a store and may report what it saw.
type step func(ctx context.Context, tx *state.Tx) (string, error)

// TestI4SameStepsSameState makes the same random changes on both drivers: what
// is stored, answered and refused must be the same. Cases share the databases,
// so later ones meet what earlier ones left.
func TestI4SameStepsSameState(t *testing.T) {
	postgres, sqlite := openPostgres(t), openSQLite(t)
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.OneOf(puts()...), 1, 12).Draw(t, "steps")
		failing := rapid.Bool().Draw(t, "rolled back")
		var seen [2]string
		for i, s := range []*state.Store{sqlite, postgres} {
			err := s.Update(ctx, state.Replayable, func(tx *state.Tx) error {
				for _, do := range steps {
					said, err := do(ctx, tx)
					if err != nil {
						return err
					}
					seen[i] += said + "\n"
				}
				if failing {
					return context.Canceled
				}
				return nil
			})
			if (err != nil) != failing {
				t.Fatalf("%s: %v", s.Dialect(), err)
			}
			dump, err := statetest.Dump(ctx, s)
			if err != nil {
				t.Fatal(err)
			}
			seen[i] += string(dump)
		}
		if seen[0] != seen[1] {
			t.Fatalf("the drivers differ:\nsqlite:\n%s\npostgres:\n%s", seen[0], seen[1])
		}
	})
}

var (
	text   = rapid.OneOf(rapid.SampledFrom([]string{"", "a", "A", "ä", "b", "it's", "☃", "?", "$1"}), rapid.StringMatching(`[^\x00]{0,8}`))
	number = rapid.OneOf(rapid.Int64Range(1, 6), rapid.Int64Range(1, 1<<62))
	small  = rapid.Int64Range(1, 6)
	when   = rapid.Custom(func(t *rapid.T) time.Time {
		if us := rapid.Int64Range(0, 1<<52).Draw(t, "time"); us > 0 {
			return time.UnixMicro(us).UTC()
		}
		return time.Time{}
	})
)

// many draws a list in which no two have the same key.
func many[T any](t *rapid.T, key func(T) string, draw func(*rapid.T) T) []T {
	return rapid.SliceOfNDistinct(rapid.Custom(draw), 0, 30, key).Draw(t, "list")
}

// does makes a generator of steps.
func does(draw func(t *rapid.T) step) *rapid.Generator[step] { return rapid.Custom(draw) }

func quiet(do func(context.Context, *state.Tx) error) step {
	return func(ctx context.Context, tx *state.Tx) (string, error) { return "", do(ctx, tx) }
}

func puts() []*rapid.Generator[step] {
	return []*rapid.Generator[step]{
		does(receipts), does(counts), does(nodes), does(claims), does(persons), does(members), does(deliveries), does(lines), does(settings),
	}
}

func receipts(t *rapid.T) step {
	list := many(t, func(r state.Receipt) string { return fmt.Sprintf("%q %q", r.Source, r.ID) }, func(t *rapid.T) state.Receipt {
		return state.Receipt{Key: event.Key{Source: text.Draw(t, "source"), ID: text.Draw(t, "id")}, Position: journal.Position(number.Draw(t, "pos")),
			Outcome: state.Outcome(text.Draw(t, "outcome")), Detail: text.Draw(t, "detail"), ReceivedAt: when.Draw(t, "at"), Person: number.Draw(t, "person")}
	})
	return func(ctx context.Context, tx *state.Tx) (string, error) {
		keys := []event.Key{{Source: "a", ID: "A"}, {Source: "a", ID: "a"}}
		for _, r := range list {
			keys = append(keys, r.Key, r.Key)
		}
		before, err := tx.Receipts(ctx, keys)
		if err != nil {
			return "", err
		}
		return fmt.Sprint(before), tx.PutReceipts(ctx, list) // fmt sorts maps
	}
}

func counts(t *rapid.T) step {
	m := rapid.MapOfN(rapid.Custom(func(t *rapid.T) state.CounterKey {
		return state.CounterKey{Source: text.Draw(t, "source"), Hour: when.Draw(t, "hour"), Outcome: state.Outcome(text.Draw(t, "outcome"))}
	}), rapid.Int64Range(-5, 1<<40), 0, 30).Draw(t, "counts")
	source := text.Draw(t, "source")
	return func(ctx context.Context, tx *state.Tx) (string, error) {
		if err := tx.AddCounts(ctx, m); err != nil {
			return "", err
		}
		all, err := tx.Counts(ctx, source)
		return fmt.Sprint(all), err
	}
}

func nodes(t *rapid.T) step {
	list := many(t, func(i state.Identifier) string { return fmt.Sprintf("%q %q", i.Namespace, i.Value) }, func(t *rapid.T) state.Identifier {
		return state.Identifier{Identifier: event.Identifier{Namespace: text.Draw(t, "ns"), Value: text.Draw(t, "value")}, Person: small.Draw(t, "person"), FirstSeen: when.Draw(t, "seen")}
	})
	return func(ctx context.Context, tx *state.Tx) (string, error) {
		if err := tx.PutIdentifiers(ctx, list); err != nil {
			return "", err
		}
		of, err := tx.IdentifiersOf(ctx, []int64{1, 3, 3, 9})
		return fmt.Sprint(of), err
	}
}

func claims(t *rapid.T) step {
	type pair struct{ A, B event.Identifier }
	list := many(t, func(a state.Assertion) string { return fmt.Sprintf("%q", []any{pair{a.A, a.B}, a.Source}) }, func(t *rapid.T) state.Assertion {
		return state.Assertion{A: event.Identifier{Namespace: "a", Value: text.Draw(t, "a")}, B: event.Identifier{Namespace: "b", Value: text.Draw(t, "b")},
			Source: text.Draw(t, "source"), Seq: number.Draw(t, "seq"), EventID: text.Draw(t, "event"), At: when.Draw(t, "at"), N: small.Draw(t, "n"),
			LastAt: when.Draw(t, "last"), Refused: text.Draw(t, "refused")}
	})
	return quiet(func(ctx context.Context, tx *state.Tx) error { return tx.AddAssertions(ctx, list) })
}

func persons(t *rapid.T) step {
	list := many(t, func(p state.Person) string { return fmt.Sprint(p.ID) }, func(t *rapid.T) state.Person {
		return state.Person{ID: number.Draw(t, "id"), Doc: []byte(text.Draw(t, "doc"))}
	})
	loser := small.Draw(t, "loser")
	merge := state.Alias{Person: loser + 1, Survivor: loser, At: when.Draw(t, "at")}
	after := small.Draw(t, "after")
	return func(ctx context.Context, tx *state.Tx) (string, error) {
		if err := tx.PutPeople(ctx, list); err != nil {
			return "", err
		}
		if err := tx.Merge(ctx, []state.Alias{merge}); err != nil {
			return "", err
		}
		page, err := tx.PeopleAfter(ctx, after, 4)
		if err != nil {
			return "", err
		}
		s, err := tx.Survivor(ctx, after)
		return fmt.Sprint(page, s), err
	}
}

func members(t *rapid.T) step {
	list := many(t, func(m state.Membership) string { return fmt.Sprintf("%q %d", m.Audience, m.Person) }, func(t *rapid.T) state.Membership {
		return state.Membership{Audience: text.Draw(t, "audience"), Person: small.Draw(t, "person"), Since: when.Draw(t, "since")}
	})
	timers := many(t, func(m state.Timer) string { return fmt.Sprint(m.Person) }, func(t *rapid.T) state.Timer {
		return state.Timer{Person: small.Draw(t, "person"), At: when.Draw(t, "at")}
	})
	until := when.Draw(t, "until")
	return func(ctx context.Context, tx *state.Tx) (string, error) {
		if err := tx.PutMemberships(ctx, list); err != nil {
			return "", err
		}
		if err := tx.DropMemberships(ctx, list[:len(list)/3]); err != nil {
			return "", err
		}
		if err := tx.PutTimers(ctx, timers); err != nil {
			return "", err
		}
		due, err := tx.TimersDue(ctx, until, 5)
		if err != nil {
			return "", err
		}
		sizes, err := tx.AudienceSizes(ctx)
		return fmt.Sprint(due, sizes), err
	}
}

func deliveries(t *rapid.T) step {
	list := many(t, func(d state.Delivery) string { return fmt.Sprintf("%q %d", d.Activation, d.Person) }, func(t *rapid.T) state.Delivery {
		return state.Delivery{Destination: rapid.SampledFrom([]string{"d", "D"}).Draw(t, "dest"),
			Mode: rapid.SampledFrom([]destination.Mode{destination.Include, destination.Suppress}).Draw(t, "mode"),
			Member: delivery.Member{Activation: text.Draw(t, "activation"), Person: small.Draw(t, "person"), Version: 1,
				Want: rapid.Bool().Draw(t, "want"), AckedWant: rapid.Bool().Draw(t, "acked"), Reason: text.Draw(t, "reason"),
				NextTry: when.Draw(t, "try"), Dead: rapid.SampledFrom([]string{"", "", "dead"}).Draw(t, "dead")}}
	})
	now, limit := when.Draw(t, "now"), rapid.IntRange(0, 20).Draw(t, "limit")
	return func(ctx context.Context, tx *state.Tx) (string, error) {
		if err := tx.PutDeliveries(ctx, list); err != nil {
			return "", err
		}
		waiting, err := tx.WaitingDeliveries(ctx, "d", now, limit)
		if err != nil {
			return "", err
		}
		dead, err := tx.DeadDeliveries(ctx, limit)
		if err != nil {
			return "", err
		}
		next, ok, err := tx.NextDelivery(ctx, "d")
		return fmt.Sprint(waiting, dead, next, ok), err
	}
}

func lines(t *rapid.T) step {
	book := rapid.SampledFrom([]string{state.Decisions, "handover:ä"}).Draw(t, "book")
	list := many(t, func(d state.Disclosure) string { return fmt.Sprint(d) }, func(t *rapid.T) state.Disclosure {
		return state.Disclosure{At: when.Draw(t, "at"), Person: small.Draw(t, "person"), Activation: text.Draw(t, "activation"),
			Purpose: text.Draw(t, "purpose"), Decision: text.Draw(t, "decision"), Ground: text.Draw(t, "ground"), Version: number.Draw(t, "version")}
	})
	return func(ctx context.Context, tx *state.Tx) (string, error) {
		mine := append([]state.Disclosure(nil), list...) // appending writes into it
		if err := tx.AppendDisclosures(ctx, book, mine); err != nil {
			return "", err
		}
		n, err := tx.VerifyBook(ctx, book)
		return fmt.Sprint(n), err
	}
}

func settings(t *rapid.T) step {
	key, value := text.Draw(t, "key"), text.Draw(t, "value")
	q := state.QuarantinedRecord{ID: number.Draw(t, "id"), Source: key, Payload: []byte(value), Status: "open", ReceivedAt: when.Draw(t, "at")}
	return func(ctx context.Context, tx *state.Tx) (string, error) {
		if err := tx.SetMeta(ctx, key, value); err != nil {
			return "", err
		}
		if err := tx.PutQuarantined(ctx, []state.QuarantinedRecord{q}); err != nil {
			return "", err
		}
		list, err := tx.QuarantineList(ctx, state.QuarantineFilter{Source: strings.ToUpper(key)})
		return fmt.Sprint(list), err
	}
}

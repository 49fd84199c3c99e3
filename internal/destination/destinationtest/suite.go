// Package destinationtest holds what tests and the demonstration need of the
// receiving side: the conformance suite that every connector passes, a Fake
// connector whose failures can be scripted, and a WebhookSink that receives.
package destinationtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"parley/internal/destination"
)

// Subject is one freshly opened connector with its empty destination.
type Subject struct {
	Connector destination.Connector
	// Effect returns a text of everything the destination now holds.
	Effect func() string
}

// Conform checks a connector against the contract of destination.Connector.
// open is called once per check.
func Conform(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for _, c := range []struct {
		name  string
		check func(*testing.T, Subject)
	}{
		{"one result per member", oneResultPerMember},
		{"the same batch again changes nothing", idempotent},
		{"another batch with the same members counts", notTooIdempotent},
		{"an ended context is honoured", honoursContext},
		{"odd fields do no harm", oddFields},
		{"the batch is left as it was", leavesBatchAlone},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Connector.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			c.check(t, s)
		})
	}
}

// Batch returns a batch of n members, persons sorted, every third a removal.
func Batch(id string, n int) destination.Batch {
	b := destination.Batch{ID: id, Activation: "conformance", Audience: "everyone", Mode: destination.Include,
		At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for i := range n {
		m := destination.Member{Person: fmt.Sprintf("%04d", i+1), Version: int64(i + 1), Action: destination.Add,
			Fields: map[string]string{"email": fmt.Sprintf("p%d@example.org", i+1), "phone": "+44 20 7946 0958"}}
		if i%3 == 2 {
			m.Action = destination.Remove
		}
		b.Members = append(b.Members, m)
	}
	return b
}

func deliver(t *testing.T, s Subject, b destination.Batch) {
	t.Helper()
	results, err := s.Connector.Deliver(context.Background(), b)
	if err != nil {
		t.Fatalf("deliver: %v", err)
	}
	if len(results) != len(b.Members) {
		t.Fatalf("%d results for %d members", len(results), len(b.Members))
	}
	for i, r := range results {
		if r.Outcome != destination.Delivered {
			t.Errorf("member %d: outcome %d, %s", i, r.Outcome, r.Reason)
		}
	}
}

func oneResultPerMember(t *testing.T, s Subject) {
	for _, n := range []int{1, 2, 250} {
		deliver(t, s, Batch(fmt.Sprintf("size-%d", n), n))
	}
}

func idempotent(t *testing.T, s Subject) {
	empty := s.Effect()
	deliver(t, s, Batch("again", 5))
	once := s.Effect()
	if once == empty {
		t.Fatal("the first hand-over left no trace")
	}
	deliver(t, s, Batch("again", 5))
	if twice := s.Effect(); twice != once {
		t.Errorf("a repetition changed the destination:\n%s\n%s", once, twice)
	}
}

func notTooIdempotent(t *testing.T, s Subject) {
	deliver(t, s, Batch("first", 2))
	once := s.Effect()
	b := Batch("second", 2)
	b.Members[0].Version, b.Members[0].Action = 9, destination.Remove
	deliver(t, s, b)
	if s.Effect() == once {
		t.Error("a second batch left no trace")
	}
}

func honoursContext(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	empty := s.Effect()
	if _, err := s.Connector.Deliver(ctx, Batch("late", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v does not say that the context was cancelled", err)
	}
	if s.Effect() != empty {
		t.Error("something was handed over after the end")
	}
}

func oddFields(t *testing.T, s Subject) {
	for i, fields := range []map[string]string{
		nil, {}, {"": ""}, {"": "x", "person": "x", "version": "", "action": "a", "mode": "m"},
		{"a,b\"c\r\nd": "1,\"2\"\r\n3\n"}, {"email": "=1+1"}, {"email": "\xff\x00\u202e"},
		{"emoji 🎈": "ünïcödé 🎈"}, {"long": string(make([]byte, 100_000))},
	} {
		b := Batch(fmt.Sprintf("odd-%d", i), 2)
		b.Members[0].Fields = fields
		deliver(t, s, b)
	}
}

func leavesBatchAlone(t *testing.T, s Subject) {
	b := Batch("mine", 4)
	deliver(t, s, b)
	if got, want := fmt.Sprint(b), fmt.Sprint(Batch("mine", 4)); got != want {
		t.Errorf("the batch was changed:\n%s\n%s", got, want)
	}
}

package dispatch

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/destination/destinationtest"
	"parley/internal/lifecycle"
)

// act is one step of a random history.
type act struct {
	kind       string
	activation string
	person     int64
	email      string
	n          int
}

var activations = []delivery.Activation{
	{Name: "inc", Audience: "a", Destination: "shop", Mode: destination.Include},
	{Name: "sup", Audience: "b", Destination: "shop", Mode: destination.Suppress},
	{Name: "ads", Audience: "a", Destination: "ads", Mode: destination.Include},
}

func drawHistory(t *rapid.T) []act {
	one := rapid.Custom(func(t *rapid.T) act {
		return act{
			kind:       rapid.SampledFrom([]string{"desire", "desire", "desire", "fail", "lose", "hang", "reject", "retry", "advance", "restart"}).Draw(t, "kind"),
			activation: rapid.SampledFrom([]string{"inc", "sup", "ads"}).Draw(t, "activation"),
			person:     rapid.Int64Range(1, 5).Draw(t, "person"),
			email:      rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "email"),
			n:          rapid.IntRange(1, 4).Draw(t, "n"),
		}
	})
	return rapid.SliceOfN(one, 1, 40).Draw(t, "history")
}

// world runs dispatchers one after the other over the same store and fakes.
type world struct {
	store *memory
	clock *lifecycle.Manual
	fakes map[string]*destinationtest.Fake
	d     *Dispatcher
	stop  func()
}

func newWorld() *world {
	w := &world{store: newMemory(activations...), clock: lifecycle.NewManual(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)),
		fakes: map[string]*destinationtest.Fake{"shop": {}, "ads": {}}}
	w.start(2, 0)
	return w
}

func (w *world) start(batch int, rate float64) {
	w.d = New(w.store, []Target{
		{Name: "shop", Connector: w.fakes["shop"], BatchSize: batch, RatePerSecond: rate},
		{Name: "ads", Connector: w.fakes["ads"], BatchSize: batch, RatePerSecond: rate},
	}, Options{Clock: w.clock})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	d := w.d
	go func() { defer close(done); _ = d.Run(ctx) }()
	w.stop = func() { cancel(); <-done }
}

func (w *world) do(a act) {
	fake := w.fakes[w.store.activations[a.activation].Destination]
	switch a.kind {
	case "desire":
		w.store.desire(a.activation, a.person, a.email)
		w.d.Nudge(w.store.activations[a.activation].Destination)
	case "fail":
		fake.FailTimes(a.n)
	case "lose":
		fake.LoseAckTimes(a.n)
	case "hang":
		fake.HangTimes(1)
	case "reject":
		fake.Reject(strconv.FormatInt(a.person, 10), "not accepted")
	case "retry":
		fake.RetryTimes(strconv.FormatInt(a.person, 10), a.n, time.Minute)
	case "advance":
		w.clock.Advance(time.Duration(a.n*a.n*a.n) * 7 * time.Second)
	case "restart":
		w.stop()
		w.start(2, 0)
	}
	if a.n%2 == 0 { // otherwise the next step meets the worker in mid-flight
		synctest.Wait()
	}
}

// drain lets time pass until nothing is open but dead letters.
func (w *world) drain() error {
	for _, f := range w.fakes {
		f.HangTimes(0)
	}
	w.stop() // whatever hangs now is taken up again
	w.start(2, 0)
	for range 500 {
		synctest.Wait()
		if w.store.open() == 0 {
			return nil
		}
		w.clock.Advance(time.Hour)
	}
	return fmt.Errorf("%d members are open for ever", w.store.open())
}

func (w *world) compare() error {
	for _, a := range activations {
		fake := w.fakes[a.Destination]
		if v := fake.Violations(); len(v) > 0 {
			return fmt.Errorf("%s: %v", a.Destination, v)
		}
		list := fake.List(a.Name)
		for person := int64(1); person <= 5; person++ {
			m := w.store.row(a.Name, person)
			if m.Dead != "" {
				continue
			}
			e, has := list[strconv.FormatInt(person, 10)]
			if has != m.Want || (has && !maps.Equal(e.Fields, m.Fields)) {
				return fmt.Errorf("%s has %d: %v %v, desired %+v", a.Name, person, has, e, m)
			}
		}
	}
	disclosed := map[string]bool{}
	for _, id := range w.store.disclosures {
		disclosed[id] = true
	}
	for _, f := range w.fakes {
		for _, b := range f.Batches() {
			if !disclosed[b.ID] {
				return fmt.Errorf("batch %s left without a line in the book", b.ID)
			}
		}
	}
	return nil
}

func TestI9DesiredEqualsAcknowledgedAfterAnyHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		history := drawHistory(rt)
		var err error
		synctest.Test(t, func(*testing.T) {
			w := newWorld()
			for _, a := range history {
				w.do(a)
			}
			if err = w.drain(); err == nil {
				err = w.compare()
			}
			w.stop()
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}

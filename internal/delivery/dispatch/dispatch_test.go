package dispatch

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"parley/internal/destination"
	"parley/internal/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// in runs a test in a bubble where synctest.Wait waits for the workers.
func in(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer func() { w.stop() }()
		test(t, w)
	})
}

func (w *world) want(activation string, person int64, email string) {
	w.do(act{kind: "desire", activation: activation, person: person, email: email, n: 2})
}

func (w *world) advance(d time.Duration) { w.clock.Advance(d); synctest.Wait() }

func TestANudgeHandsOverAtOnce(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.want("inc", 1, "a")
		if len(w.fakes["shop"].List("inc")) != 1 || w.store.open() != 0 {
			t.Error("nothing was handed over without the clock moving")
		}
		w.d.Nudge("nobody")
		if s := w.d.Status()[0]; s.Handovers != 1 || s.LastSuccess.IsZero() {
			t.Errorf("%+v", s)
		}
	})
}

func TestWithoutANudgeTheStoreIsAskedAgain(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.store.desire("inc", 1, "a") // as another process would
		w.advance(idle)
		if len(w.fakes["shop"].List("inc")) != 1 {
			t.Error("not handed over")
		}
	})
}

func TestI9OneBlockedDestinationDoesNotDelayAnother(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		release := w.fakes["shop"].Block()
		w.want("inc", 1, "a")
		w.want("ads", 1, "a")
		if len(w.fakes["ads"].List("ads")) != 1 {
			t.Error("ads waited for shop")
		}
		if len(w.fakes["shop"].List("inc")) != 0 {
			t.Error("the blocked destination was not blocked")
		}
		release()
		synctest.Wait()
		if len(w.fakes["shop"].List("inc")) != 1 {
			t.Error("shop was not served after its release")
		}
	})
}

func TestSuppressionJumpsTheQueue(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		release := w.fakes["shop"].Block()
		for p := range int64(5) {
			w.want("inc", p+1, "a")
		}
		w.want("sup", 5, "a")
		release()
		synctest.Wait()
		got := w.fakes["shop"].Batches()
		// The first include was claimed before there was a suppression.
		if len(got) < 3 || got[0].Mode != destination.Include || got[1].Mode != destination.Suppress {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheBreakerPausesAndRecovers(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.fakes["shop"].FailTimes(patience)
		for p := range int64(patience) {
			w.want("inc", p+1, "a")
		}
		s := w.d.Status()[0]
		if s.Failures != patience || !s.PausedUntil.Equal(w.clock.Now().Add(firstPause)) || s.LastError == "" {
			t.Fatalf("%+v", s)
		}
		w.want("sup", 9, "a")
		if n := len(w.fakes["shop"].Batches()); n != 0 {
			t.Fatalf("%d hand-overs in the pause", n)
		}
		w.advance(firstPause)
		s = w.d.Status()[0]
		if s.Failures != 0 || s.LastError != "" || len(w.fakes["shop"].List("sup")) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestRetryAfterOfAllPausesTheDestination(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.fakes["shop"].RetryTimes("1", 1, time.Minute)
		w.want("inc", 1, "a")
		w.want("inc", 2, "a")
		w.advance(59 * time.Second)
		if n := len(w.fakes["shop"].List("inc")); n != 0 {
			t.Fatalf("%d handed over before the time asked for", n)
		}
		w.advance(time.Second)
		if n := len(w.fakes["shop"].List("inc")); n != 2 {
			t.Errorf("%d handed over after it", n)
		}
	})
}

func TestTheRateIsKept(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.stop()
		w.start(1, 2)
		synctest.Wait()
		for p := range int64(5) {
			w.want("inc", p+1, "a")
		}
		for i, want := range []int{1, 2, 3, 4, 5} {
			if got := len(w.fakes["shop"].Batches()); got != want {
				t.Fatalf("after %d half seconds: %d hand-overs", i, got)
			}
			w.advance(499 * time.Millisecond)
			if got := len(w.fakes["shop"].Batches()); got != want {
				t.Fatalf("too early: %d hand-overs", got)
			}
			w.advance(time.Millisecond)
		}
	})
}

func TestALostAnswerIsFollowedByTheRemoval(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.fakes["shop"].LoseAckTimes(1)
		w.want("inc", 1, "a")
		w.want("inc", 1, "")
		w.advance(time.Minute)
		if n := len(w.fakes["shop"].List("inc")); n != 0 || w.store.open() != 0 {
			t.Errorf("%d on the list, %d open", n, w.store.open())
		}
	})
}

func TestI3ACrashInFlightRepeatsTheSameBatch(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.fakes["shop"].HangTimes(1)
		w.want("inc", 1, "a")
		w.stop()
		if w.store.open() != 1 {
			t.Fatal("the hand-over that was cut short counts as answered")
		}
		w.start(2, 0)
		synctest.Wait()
		if n := len(w.fakes["shop"].Calls()); n != 2 || w.store.open() != 0 || len(w.store.disclosures) != 1 {
			t.Errorf("%d calls, %d open, %d disclosures", n, w.store.open(), len(w.store.disclosures))
		}
	})
}

func TestI6AConsentWithdrawnInFlightIsNotSentAgain(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.fakes["shop"].HangTimes(1)
		w.want("inc", 1, "a")
		w.stop()
		w.store.desire("inc", 1, "")
		w.start(2, 0)
		w.advance(time.Hour)
		got := w.fakes["shop"].Batches()
		if len(got) != 2 || got[1].Members[0].Action != destination.Remove || w.store.open() != 0 {
			t.Errorf("%+v", got)
		}
		if calls := w.fakes["shop"].Calls(); len(calls) != 2 || calls[0] == calls[1] {
			t.Errorf("the withdrawn batch was sent again: %v", calls)
		}
	})
}

func TestAFailingStoreIsAskedAgain(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.store.breakDown(errors.New("disk"))
		w.want("inc", 1, "a")
		if w.d.Status()[0].LastError == "" {
			t.Error("the status hides it")
		}
		w.store.breakDown(nil)
		w.advance(storeWait)
		if len(w.fakes["shop"].List("inc")) != 1 {
			t.Error("not handed over after the store came back")
		}
	})
}

// broken is a connector that answers as its function does, and may break its contract.
type broken struct{ deliver func() []destination.Result }

func (b broken) Deliver(context.Context, destination.Batch) ([]destination.Result, error) {
	return b.deliver(), nil
}
func (b broken) Close() error { return nil }

func TestI9ABrokenConnectorHurtsOnlyItself(t *testing.T) {
	for name, deliver := range map[string]func() []destination.Result{
		"panics":           func() []destination.Result { panic("ada@example.org") },
		"too many results": func() []destination.Result { return make([]destination.Result, 9) },
		"no results":       func() []destination.Result { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newMemory(activations...)
				var seen []Handover
				d := New(store, []Target{{Name: "shop", Connector: broken{deliver}}},
					Options{Clock: lifecycle.NewManual(time.Unix(0, 0)), Observe: func(h Handover) { seen = append(seen, h) }})
				store.desire("inc", 1, "a")
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- d.Run(ctx) }()
				synctest.Wait()
				cancel()
				if err := <-done; err != nil {
					t.Errorf("run ended with %v", err)
				}
				if len(seen) != 1 || seen[0].Err == nil || seen[0].Retry != 1 {
					t.Fatalf("%+v", seen)
				}
				if strings.Contains(seen[0].Err.Error(), "ada") {
					t.Errorf("the error quotes a personal value: %v", seen[0].Err)
				}
				if m := store.row("inc", 1); !m.InDoubt || m.Batch != "" {
					t.Errorf("%+v", m)
				}
			})
		})
	}
}

func TestAnAnswerThatArrivesWithTheEndIsWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(activations...)
		store.desire("inc", 1, "a")
		ctx, cancel := context.WithCancel(t.Context())
		c := broken{func() []destination.Result { cancel(); return make([]destination.Result, 1) }}
		d := New(store, []Target{{Name: "shop", Connector: c}}, Options{Clock: lifecycle.NewManual(time.Unix(0, 0))})
		if err := d.Run(ctx); err != nil || store.open() != 0 {
			t.Errorf("%v, %d open", err, store.open())
		}
	})
}

package delivery

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/destination"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func on(email string) Desired {
	return Desired{Want: true, Fields: map[string]string{"email": email}}
}

func off(reason string) Desired { return Desired{Reason: reason} }

func wish(m Member, in Desired) Member {
	next, _ := Desire(m, in)
	return next
}

// hand puts m in a batch and settles it with an outcome.
func hand(m Member, o destination.Outcome) Member {
	sent := m.Change()
	return m.Sent("b").Settled("b", sent, destination.Result{Outcome: o, Reason: "x"}, now)
}

func TestDesire(t *testing.T) {
	acked := hand(wish(Member{}, on("a")), destination.Delivered)
	for name, c := range map[string]struct {
		prev    Member
		in      Desired
		changed bool
		version int64
		due     bool
	}{
		"never seen and unwanted is not stored":         {Member{}, off("left"), false, 0, false},
		"first wish":                                    {Member{}, on("a"), true, 1, true},
		"first wish without fields":                     {Member{}, Desired{Want: true}, true, 1, true},
		"the same wish":                                 {wish(Member{}, on("a")), on("a"), false, 1, true},
		"other fields":                                  {wish(Member{}, on("a")), on("b"), true, 2, true},
		"unwanted before anything was handed over":      {wish(Member{}, on("a")), off("left"), true, 2, false},
		"acknowledged and wanted":                       {acked, on("a"), false, 1, false},
		"acknowledged and unwanted":                     {acked, off("left"), true, 2, true},
		"only the reason changes":                       {wish(acked, off("left")), off("refused:ads"), true, 2, true},
		"the same reason":                               {wish(acked, off("left")), off("left"), false, 2, true},
		"back to what is acknowledged":                  {wish(acked, off("left")), on("a"), true, 3, false},
		"back, but the removal is in doubt":             {hand(wish(acked, off("left")), destination.Retry), on("a"), true, 3, true},
		"unwanted while in flight waits for the answer": {wish(Member{}, on("a")).Sent("b"), off("left"), true, 2, false},
		"unwanted while in doubt is removed":            {hand(wish(Member{}, on("a")), destination.Retry), off("left"), true, 2, true},
		"unwanted after a refusal needs no removal":     {hand(wish(Member{}, on("a")), destination.Rejected), off("left"), true, 2, false},
		"a dead letter stays dead under the same wish":  {hand(wish(Member{}, on("a")), destination.Rejected), on("a"), false, 1, false},
		"a new wish revives it":                         {hand(wish(Member{}, on("a")), destination.Rejected), on("b"), true, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, changed := Desire(c.prev, c.in)
			if changed != c.changed || got.Version != c.version || got.Due(now) != c.due {
				t.Errorf("changed %v, version %d, due %v: %+v", changed, got.Version, got.Due(now), got)
			}
		})
	}
}

func TestSettledCountsOnce(t *testing.T) {
	m := wish(Member{}, on("a"))
	sent := m.Change()
	m = m.Sent("b1")
	if got := m.Settled("other", sent, destination.Result{}, now); got.Acked != 0 || got.Batch != "b1" {
		t.Errorf("an answer to another batch was taken in: %+v", got)
	}
	m = m.Settled("b1", sent, destination.Result{}, now)
	again := m.Settled("b1", sent, destination.Result{Outcome: destination.Rejected}, now)
	if again.Dead != "" || m.Acked != 1 || !m.AckedWant {
		t.Errorf("%+v", again)
	}
}

func TestAnAnswerToAnOlderVersionLeavesTheNewerDue(t *testing.T) {
	for name, o := range map[string]destination.Outcome{
		"delivered": destination.Delivered, "rejected": destination.Rejected, "retry": destination.Retry,
	} {
		t.Run(name, func(t *testing.T) {
			m := wish(Member{}, on("a"))
			sent := m.Change()
			m = wish(m.Sent("b"), on("b")).Settled("b", sent, destination.Result{Outcome: o, Reason: "x"}, now)
			if !m.Due(now) || m.Dead != "" || m.Attempts != 0 || m.Change().Version != 2 {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestRemoveCarriesTheFieldsTheDestinationKnows(t *testing.T) {
	acked := wish(wish(hand(wish(Member{}, on("a")), destination.Delivered), on("b")), off("left"))
	doubt := wish(hand(wish(Member{}, on("a")), destination.Retry), off("left"))
	for name, m := range map[string]Member{"acknowledged": acked, "in doubt": doubt} {
		c := m.Change()
		if c.Action != destination.Remove || c.Fields["email"] != "a" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestRetriesEndInADeadLetterThatCanBeRevived(t *testing.T) {
	m, at := wish(Member{}, on("a")), now
	var waited time.Duration
	for i := 1; i <= MaxAttempts; i++ {
		if !m.Due(at) {
			t.Fatalf("attempt %d is not due", i)
		}
		sent := m.Change()
		m = m.Sent("b").Settled("b", sent, destination.Result{Outcome: destination.Retry, Reason: "busy"}, at)
		if m.Dead == "" && m.Due(m.NextTry.Add(-1)) {
			t.Fatalf("attempt %d is due too early", i+1)
		}
		waited += m.NextTry.Sub(at)
		at = m.NextTry
	}
	if m.Dead == "" || m.Due(at.Add(1000*time.Hour)) || waited < 24*time.Hour {
		t.Fatalf("not dead after %v: %+v", waited, m)
	}
	if !m.Revive().Due(at) {
		t.Error("a revived dead letter is not due")
	}
}

func TestRetryAfterIsTheLeastWait(t *testing.T) {
	m := wish(Member{}, on("a"))
	m = m.Sent("b").Settled("b", m.Change(), destination.Result{Outcome: destination.Retry, After: time.Hour}, now)
	if !m.NextTry.Equal(now.Add(time.Hour)) {
		t.Errorf("next try %v", m.NextTry)
	}
}

func TestI6ResendableOnlyWhileStillWanted(t *testing.T) {
	m := wish(Member{Person: 7}, on("a"))
	b := destination.Batch{ID: "b", Members: []destination.Member{m.Change()}}
	m = m.Sent("b")
	gone := Member{Person: 7, AckedWant: true}
	for name, c := range map[string]struct {
		b    destination.Batch
		row  Member
		want bool
	}{
		"unchanged":          {b, m, true},
		"consent withdrawn":  {b, wish(m, off("refused:ads")), false},
		"other fields":       {b, wish(m, on("b")), false},
		"row erased":         {b, Member{}, false},
		"a removal may stay": {destination.Batch{Members: []destination.Member{gone.Change()}}, gone, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Resendable(c.b, map[string]Member{"7": c.row}); got != c.want {
				t.Errorf("resendable %v", got)
			}
		})
	}
}

// The law of the machine: whatever wishes, losses and refusals came before,
// the destination's entry equals the desired one as soon as nothing is due any
// more, except for a dead letter.
func TestI9DesiredEqualsAcknowledgedForOneMember(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Member
		var has *map[string]string // the destination's truth
		var flight *destination.Member
		apply := func() {
			if flight.Action == destination.Remove {
				has = nil
			} else {
				f := flight.Fields
				has = &f
			}
		}
		at, last := now, int64(0)
		step := func(applied bool, o destination.Outcome) {
			if applied {
				apply()
			}
			m = m.Settled("b", *flight, destination.Result{Outcome: o, Reason: "x"}, at)
			flight = nil
		}
		for range rapid.IntRange(0, 25).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				m = wish(m, on(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "email")))
			case 1:
				m = wish(m, off("left"))
			case 2:
				at = at.Add(48 * time.Hour)
				if m.Due(at) {
					c := m.Change()
					if c.Version < last {
						t.Fatalf("version %d after %d", c.Version, last)
					}
					last, flight, m = c.Version, &c, m.Sent("b")
				}
			case 3, 4:
				if flight == nil {
					continue
				}
				o := rapid.SampledFrom([]destination.Outcome{destination.Delivered, destination.Rejected, destination.Retry}).Draw(t, "outcome")
				applied := o == destination.Delivered || (o == destination.Retry && rapid.Bool().Draw(t, "applied all the same"))
				step(applied, o)
			}
		}
		if flight != nil {
			step(true, destination.Retry) // the answer was lost in a crash
		}
		for range 3 {
			if at = at.Add(48 * time.Hour); !m.Due(at) {
				break
			}
			c := m.Change()
			flight, m = &c, m.Sent("b")
			step(true, destination.Delivered)
		}
		if m.Dead != "" {
			return
		}
		if m.Open() || (has != nil) != m.Want || (m.Want && !maps.Equal(*has, m.Fields)) {
			t.Fatalf("the destination has %v, desired %+v", has, m)
		}
	})
}

package audience

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/event"
)

// agrees fails unless the memberships are those of the reference, and the next
// instant is the earliest of theirs and lies ahead.
func agrees(t *rapid.T, set *Set, s *Subject, now time.Time, got Memberships, next time.Time) {
	if len(got) != len(set.audiences) {
		t.Fatalf("memberships of %d audiences, want %d", len(got), len(set.audiences))
	}
	var earliest time.Time
	for _, c := range set.audiences {
		m := got[c.Name]
		if want := Evaluate(c, s, now); m.Member != want {
			t.Fatalf("%s at %s: incremental %v, reference %v", c.Name, now, m.Member, want)
		}
		if !m.Next.IsZero() && !m.Next.After(now) {
			t.Fatalf("%s: next %s is not after %s", c.Name, m.Next, now)
		}
		earliest = earlier(earliest, m.Next)
	}
	if !next.Equal(earliest) {
		t.Fatalf("next %s, want the earliest %s", next, earliest)
	}
}

// step changes the subject in one random way and says what changed.
func step(t *rapid.T, s *Subject, id int) (Change, Occurrence, bool) {
	switch rapid.IntRange(0, 6).Draw(t, "step") {
	case 0:
		name := rapid.SampledFrom(traitNames).Draw(t, "trait")
		s.Traits = maps.Clone(s.Traits)
		s.Traits[name] = rapid.SampledFrom(values).Draw(t, "to")
		return Change{Traits: []string{name}}, Occurrence{}, false
	case 1:
		p := rapid.SampledFrom(purposes).Draw(t, "purpose")
		s.Consents = maps.Clone(s.Consents)
		s.Consents[p] = rapid.SampledFrom(stands).Draw(t, "to")
		return Change{Consents: []string{p}}, Occurrence{}, false
	case 2:
		s.Identifiers = []event.Identifier{{Namespace: rapid.SampledFrom([]string{"email", "phone"}).Draw(t, "identifier"), Value: "v"}}
		return Change{Identifiers: true}, Occurrence{}, false
	case 3:
		s.Person = rapid.SampledFrom([]string{"p1", "p2", "p3"}).Draw(t, "person")
		return Change{Person: true}, Occurrence{}, false
	}
	o := drawOccurrence(t, id)
	s.History = insert(s.History, o)
	return Change{Events: []string{o.Name}}, o, true
}

// advance moves the clock, preferably to an edge of the next instant.
func advance(t *rapid.T, now, next time.Time) time.Time {
	to := now.Add(time.Duration(rapid.IntRange(0, 8).Draw(t, "advance")) * 30 * time.Second)
	if edge := rapid.IntRange(-1, 2).Draw(t, "edge"); edge < 2 && !next.IsZero() {
		to = next.Add(time.Duration(edge) * time.Microsecond)
	}
	if to.Before(now) {
		return now
	}
	return to
}

func TestI8IncrementalEqualsReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, s, now := drawSet(t), drawSubject(t), drawInstant(t, "now")
		got, next := set.Evaluate(s, now, nil, Change{})
		agrees(t, set, s, now, got, next)
		for i := range rapid.IntRange(1, 15).Draw(t, "steps") {
			var change Change
			if rapid.Bool().Draw(t, "time only") {
				now = advance(t, now, next)
			} else {
				change, _, _ = step(t, s, 100+i)
			}
			before := maps.Clone(got)
			prev := got
			got, next = set.Evaluate(s, now, prev, change)
			if !reflect.DeepEqual(prev, before) {
				t.Fatalf("the previous memberships were modified")
			}
			agrees(t, set, s, now, got, next)
		}
	})
}

func TestI8NothingChangesBeforeNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, s, now := drawSet(t), drawSubject(t), drawInstant(t, "now")
		got, _ := set.Evaluate(s, now, nil, Change{})
		for _, at := range moments(s.History) {
			for _, c := range set.audiences {
				m := got[c.Name]
				ahead := at.After(now) && (m.Next.IsZero() || at.Before(m.Next))
				if ahead && Evaluate(c, s, at) != m.Member {
					t.Fatalf("%s changes at %s, before its next instant %s", c.Name, at, m.Next)
				}
			}
		}
	})
}

// A single event condition names the exact instant, not merely a safe one.
func TestI8NextOfOneConditionIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		condition := Condition{Event: drawEvent(t)}
		if rapid.Bool().Draw(t, "didNot") {
			condition = Condition{DidNot: condition.Event}
		}
		set, err := Compile([]Spec{{Name: "one", Where: condition}})
		if err != nil {
			t.Fatal(err)
		}
		s, now := drawSubject(t), drawInstant(t, "now")
		got, next := set.Evaluate(s, now, nil, Change{})
		var want time.Time
		for _, at := range moments(s.History) {
			if at.After(now) && Evaluate(set.audiences[0], s, at) != got["one"].Member {
				want = at
				break
			}
		}
		if !next.Equal(want) {
			t.Fatalf("next %s, want %s", next, want)
		}
	})
}

func TestI8TrimmedHistoryChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, full, now := drawSet(t), drawSubject(t), drawInstant(t, "now")
		trim := func(history []Occurrence) []Occurrence {
			var kept []Occurrence
			for _, o := range history {
				if k, ok := set.Visible().Keep(o, now); ok {
					kept = append(kept, k)
				}
			}
			return kept
		}
		small := *full
		small.History = trim(full.History)
		same := func(at time.Time) {
			for _, c := range set.audiences {
				if Evaluate(c, full, at) != Evaluate(c, &small, at) {
					t.Fatalf("%s differs at %s when trimmed at %s", c.Name, at, now)
				}
			}
		}
		got, next := set.Evaluate(&small, now, nil, Change{})
		for i := range rapid.IntRange(1, 8).Draw(t, "steps") {
			same(now)
			agrees(t, set, full, now, got, next)
			for _, at := range moments(full.History) {
				if at.After(now) {
					same(at)
				}
			}
			change, o, isEvent := step(t, full, 100+i)
			history := small.History
			if isEvent {
				history = insert(history, o)
			}
			small = *full
			now = advance(t, now, next)
			small.History = trim(history)
			got, next = set.Evaluate(&small, now, got, change)
		}
	})
}

func TestI8OrderOfHistoryAndSpecsIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs, s, now := drawSpecs(t), drawSubject(t), drawInstant(t, "now")
		one, err := Compile(specs)
		if err != nil {
			t.Fatal(err)
		}
		other, err := Compile(rapid.Permutation(specs).Draw(t, "specs"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(one.Names(), other.Names()) {
			t.Fatalf("names %v and %v", one.Names(), other.Names())
		}
		shuffled := *s
		shuffled.History = rapid.Permutation(s.History).Draw(t, "history")
		a, nextA := one.Evaluate(s, now, nil, Change{})
		b, nextB := other.Evaluate(&shuffled, now, nil, Change{})
		if !reflect.DeepEqual(a, b) || !nextA.Equal(nextB) {
			t.Fatalf("answers %v and %v", a, b)
		}
		for i, c := range one.audiences {
			if Evaluate(c, s, now) != Evaluate(other.audiences[i], &shuffled, now) {
				t.Fatalf("the reference depends on order for %s", c.Name)
			}
			if x, y := c.Explain(s, now), other.audiences[i].Explain(&shuffled, now); !reflect.DeepEqual(x, y) {
				t.Fatalf("explanations differ: %+v and %+v", x, y)
			}
		}
	})
}

func TestI8ExplanationAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, s, now := drawSet(t), drawSubject(t), drawInstant(t, "now")
		for _, c := range set.audiences {
			x := c.Explain(s, now)
			if x.Holds != Evaluate(c, s, now) {
				t.Fatalf("%s: explanation says %v", c.Name, x.Holds)
			}
			if x.Condition == "" || x.Condition == "(nothing)" {
				t.Fatalf("a condition without words: %+v", x)
			}
		}
	})
}

// The index never forgets an audience: one that a change is said not to touch
// keeps its answer.
func TestDependsOnCoversEveryChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, s, now := drawSet(t), drawSubject(t), drawInstant(t, "now")
		before := map[string]bool{}
		for _, c := range set.audiences {
			before[c.Name] = Evaluate(c, s, now)
		}
		change, _, _ := step(t, s, 100)
		touched := set.DependsOn(change)
		for _, c := range set.audiences {
			if Evaluate(c, s, now) != before[c.Name] && !slices.Contains(touched, c.Name) {
				t.Fatalf("%s changed but %v does not list it", c.Name, fmt.Sprint(change))
			}
		}
	})
}

package delivery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/destination"
)

func TestActivationValidate(t *testing.T) {
	good := Activation{Name: "vips", Owner: "crm", Audience: "vip", Destination: "shop", Mode: destination.Include,
		Purpose: "ads", Fields: map[string]string{"email": "identifier.email"}, Require: []string{"email"}}
	for name, c := range map[string]struct {
		change func(*Activation)
		want   string
	}{
		"good":              {func(*Activation) {}, ""},
		"no fields at all":  {func(a *Activation) { a.Fields, a.Require = nil, nil }, ""},
		"empty":             {func(a *Activation) { *a = Activation{} }, "name,owner,audience,destination,mode,purpose"},
		"name with a slash": {func(a *Activation) { a.Name = "../x" }, "name"},
		"unknown mode":      {func(a *Activation) { a.Mode = "both" }, "mode"},
		"field sources": {func(a *Activation) {
			a.Fields = map[string]string{"email": "email", "a": "trait.", "b": "event.x", "c": "trait.x.y"}
		}, "fields.a,fields.b,fields.email"},
		"field names": {func(a *Activation) {
			a.Fields = map[string]string{"email": "trait.x", "Person": "trait.x", "a b": "trait.x"}
		}, "fields.Person,fields.a b"},
		"required absent": {func(a *Activation) { a.Require = []string{"email", "phone"} }, "require[1]"},
	} {
		t.Run(name, func(t *testing.T) {
			a := good
			c.change(&a)
			var paths []string
			for _, p := range a.Validate() {
				paths = append(paths, p.Path)
			}
			if got := strings.Join(paths, ","); got != c.want {
				t.Errorf("problems at %q, want %q", got, c.want)
			}
		})
	}
}

func TestBackoffNeverShrinks(t *testing.T) {
	for i := -1; i < 20; i++ {
		if Backoff(i) <= 0 || Backoff(i+1) < Backoff(i) {
			t.Errorf("attempt %d waits %v, the next %v", i, Backoff(i), Backoff(i+1))
		}
	}
}

func TestPickPutsSuppressionFirst(t *testing.T) {
	modes := map[string]destination.Mode{"inc": destination.Include, "inc2": destination.Include, "sup": destination.Suppress}
	row := func(activation string, person int64, want bool) Member {
		m := wish(Member{Activation: activation, Person: person}, on("x"))
		if !want {
			m = wish(hand(m, destination.Delivered), off("left"))
		}
		return m
	}
	later := row("inc", 1, true)
	later.NextTry = now.Add(time.Second)
	longWait := row("inc2", 9, true)
	longWait.NextTry = now.Add(-time.Hour)
	overdue := row("inc", 2, true)
	overdue.NextTry = now.Add(-time.Minute)
	for name, c := range map[string]struct {
		in    []Member
		limit int
		want  string
	}{
		"nothing":                     {nil, 9, ""},
		"not yet due":                 {[]Member{later}, 9, ""},
		"unknown activation":          {[]Member{row("old", 1, true)}, 9, ""},
		"suppression before all":      {[]Member{row("inc", 1, false), row("sup", 2, true)}, 9, "sup/2"},
		"lifting before inclusion":    {[]Member{row("inc", 1, true), row("sup", 2, false)}, 9, "sup/2"},
		"adding suppression first":    {[]Member{row("sup", 1, false), row("sup", 2, true)}, 1, "sup/2"},
		"leaving before entering":     {[]Member{row("inc", 1, true), row("inc", 2, false)}, 1, "inc/2"},
		"leaving elsewhere first too": {[]Member{row("inc", 1, true), row("inc2", 2, false)}, 9, "inc2/2"},
		"one activation, all kinds":   {[]Member{row("inc", 10, true), row("inc", 9, false), row("inc2", 1, true)}, 9, "inc/10 inc/9"},
		"the longest waiting first":   {[]Member{overdue, longWait}, 9, "inc2/9"},
		"limit none":                  {[]Member{row("inc", 1, true)}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				var got []string
				for _, m := range Pick(modes, c.in, c.limit, now) {
					got = append(got, fmt.Sprintf("%s/%d", m.Activation, m.Person))
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("got %v, want %s", got, c.want)
				}
				slices.Reverse(c.in)
			}
		})
	}
}

func TestAbsorb(t *testing.T) {
	fresh := Member{}
	wanted := func(e string) Member { return wish(Member{}, on(e)) }
	acked := func(e string) Member { return hand(wanted(e), destination.Delivered) }
	for name, c := range map[string]struct {
		survivor, absorbed Member
		keying             destination.Keying
		takesOver, removes bool // the absorbed side is taken over; its row stays and is due
		leaves             bool // the absorbed row stays
	}{
		"fields: absorbed never handed over": {acked("a"), wanted("b"), destination.ByFields, false, false, false},
		"fields: absorbed only":              {wanted("a"), acked("b"), destination.ByFields, true, false, false},
		"fields: survivor without a row":     {fresh, acked("b"), destination.ByFields, true, false, false},
		"fields: both, equal":                {acked("a"), acked("a"), destination.ByFields, false, false, false},
		"fields: both, different":            {acked("a"), acked("b"), destination.ByFields, false, true, true},
		"fields: absorbed in doubt":          {acked("a"), hand(wanted("a"), destination.Retry), destination.ByFields, false, true, true},
		"fields: absorbed in flight":         {acked("a"), wanted("a").Sent("b"), destination.ByFields, false, false, true},
		"person: both, equal":                {acked("a"), acked("a"), destination.ByPerson, false, true, true},
		"person: absorbed only":              {wanted("a"), acked("b"), destination.ByPerson, false, true, true},
		"person: absorbed never handed over": {acked("a"), wanted("b"), destination.ByPerson, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.survivor.Person, c.absorbed.Person = 1, 2
			kept, leaving := Absorb(c.survivor, c.absorbed, c.keying)
			tookOver := kept.AckedWant && kept.AckedFields["email"] == "b"
			if kept.Person != 1 || tookOver != c.takesOver {
				t.Errorf("survivor %+v", kept)
			}
			if (leaving != nil) != c.leaves {
				t.Fatalf("absorbed row %+v", leaving)
			}
			if leaving == nil {
				return
			}
			at := now.Add(time.Hour)
			if leaving.Want || leaving.Reason != ReasonMerged || leaving.Due(at) != c.removes {
				t.Errorf("absorbed row %+v", leaving)
			}
		})
	}
}

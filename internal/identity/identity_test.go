package identity

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/event"
)

var testRules = Rules{Namespaces: []Namespace{
	{Name: "user_id", Unique: true, Priority: 1},
	{Name: "email", Normalise: "email", Limit: 2, Priority: 2},
	{Name: "anonymous_id", Limit: 3, Window: "1d", Priority: 9, Blocked: []string{"kiosk"}},
}}

func compiled(t interface{ Fatal(...any) }) *Compiled {
	c, err := testRules.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ids(text string) []event.Identifier {
	var out []event.Identifier
	for _, part := range strings.Fields(text) {
		ns, v, _ := strings.Cut(part, ":")
		out = append(out, event.Identifier{Namespace: map[string]string{"u": "user_id", "e": "email", "a": "anonymous_id"}[ns], Value: v})
	}
	return out
}

var day = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestResolve(t *testing.T) {
	cases := []struct {
		name    string
		events  []string
		people  string // identifiers of each person, by number
		refused []string
	}{
		{"one event, one person", []string{"u:1 e:a@x.org a:d1"}, "1=[a:d1 e:a@x.org u:1]", nil},
		{"a login joins the device's past", []string{"a:d1", "u:1 a:d1"}, "1=[a:d1 u:1]", nil},
		{"an e-mail joins two devices", []string{"a:d1 e:a@x.org", "a:d2 e:a@x.org"}, "1=[a:d1 a:d2 e:a@x.org]", nil},
		{"a shared device never joins two customers", []string{"u:1 a:d1", "u:2 a:d1"}, "1=[a:d1 u:1] 2=[u:2]", []string{"unique user_id"}},
		{"a limit refuses the value too many", []string{"u:1 e:a@x.org", "u:1 e:b@x.org", "u:1 e:c@x.org"},
			"1=[e:a@x.org e:b@x.org u:1]", []string{"limit email"}},
		{"the oldest survives", []string{"a:d1", "u:1", "u:1 a:d1"}, "1=[a:d1 u:1]", nil},
		{"two people with different customers stay apart through an e-mail", []string{"u:1 e:a@x.org", "u:2 e:a@x.org", "e:a@x.org"},
			"1=[e:a@x.org u:1] 2=[u:2]", []string{"unique user_id"}},
		{"two customers in one event", []string{"u:1 u:2"}, "1=[u:1]", []string{"unique user_id"}},
		{"junk identifies nobody", []string{"a:null a:kiosk a:undefined e:not-an-address"}, "", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rules := compiled(t)
			g := NewGraph(rules, 1, 1)
			var refused []string
			for _, e := range c.events {
				usable, _ := rules.Normalise(ids(e))
				for _, a := range g.Resolve(usable, day).Assertions {
					if a.Refused != "" {
						refused = append(refused, a.Refused)
					}
				}
			}
			if got := show(g); got != c.people {
				t.Errorf("people %s, want %s", got, c.people)
			}
			if !reflect.DeepEqual(refused, c.refused) {
				t.Errorf("refused %q, want %q", refused, c.refused)
			}
		})
	}
}

func TestLimitWindowForgetsOldValues(t *testing.T) {
	rules := compiled(t)
	g := NewGraph(rules, 1, 1)
	for i := range 6 {
		out := g.Resolve(ids(fmt.Sprintf("u:1 a:d%d", i)), day.Add(time.Duration(i)*10*time.Hour))
		if r := out.Assertions[0].Refused; r != "" {
			t.Fatalf("device %d was refused (%s) although fewer than three are younger than a day", i, r)
		}
	}
	out := g.Resolve(ids("u:1 a:x"), day.Add(50*time.Hour))
	out = g.Resolve(ids("u:1 a:y"), day.Add(50*time.Hour))
	if out.Assertions[0].Refused != "limit anonymous_id" {
		t.Fatalf("a fourth device within a day passed: %+v", out.Assertions)
	}
}

func show(g *Graph) string {
	var people []int64
	for p := range g.nodes {
		people = append(people, p)
	}
	sort.Slice(people, func(i, j int) bool { return people[i] < people[j] })
	var out []string
	for _, p := range people {
		var parts []string
		for _, n := range g.nodes[p] {
			parts = append(parts, n.Namespace[:1]+":"+n.Value)
		}
		out = append(out, fmt.Sprintf("%d=%v", p, parts))
	}
	return strings.Join(out, " ")
}

func drawHistory(t *rapid.T) [][]event.Identifier {
	id := rapid.Custom(func(t *rapid.T) event.Identifier {
		ns := rapid.SampledFrom([]string{"user_id", "email", "anonymous_id"}).Draw(t, "ns")
		v := fmt.Sprint(rapid.IntRange(10, 15).Draw(t, "v"))
		if ns == "email" {
			v += "@x.org"
		}
		return event.Identifier{Namespace: ns, Value: v}
	})
	return rapid.SliceOfN(rapid.SliceOfN(id, 1, 4), 0, 40).Draw(t, "history")
}

// A graph that sees only what an event needs, loaded from the store each time,
// must conclude the same as one that holds everything (I5: incremental = rebuild).
func TestI5IncrementalEqualsRebuild(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := compiled(t)
		whole := NewGraph(rules, 1, 1)
		store := map[int64][]Node{} // stands for the state port
		next, seq := int64(1), int64(1)
		for i, claimed := range drawHistory(t) {
			at := day.Add(time.Duration(i) * 5 * time.Hour)
			usable, _ := rules.Normalise(claimed)
			want := whole.Resolve(usable, at)

			part := NewGraph(rules, next, seq)
			for p, nodes := range store {
				for _, n := range nodes {
					if contains(usable, n.Identifier) {
						part.Load(p, nodes)
						break
					}
				}
			}
			got := part.Resolve(usable, at)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("event %d: incremental %+v, rebuild %+v", i, got, want)
			}
			for _, m := range got.Merges {
				delete(store, m.From)
			}
			store[got.Person] = part.Nodes(got.Person)
			next, seq = part.Next()
		}
	})
}

func contains(list []event.Identifier, id event.Identifier) bool {
	for _, x := range list {
		if x == id {
			return true
		}
	}
	return false
}

// Whatever the history, no person ever holds more values than the rules allow.
func TestI5RulesHoldForEveryPerson(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := compiled(t)
		g := NewGraph(rules, 1, 1)
		for _, claimed := range drawHistory(t) {
			usable, _ := rules.Normalise(claimed)
			g.Resolve(usable, day)
		}
		for p, nodes := range g.nodes {
			n := map[string]int{}
			for _, x := range nodes {
				n[x.Namespace]++
				if g.person[x.Identifier] != p {
					t.Fatalf("%v is listed with %d and belongs to %d", x, p, g.person[x.Identifier])
				}
			}
			if n["user_id"] > 1 || n["email"] > 2 || n["anonymous_id"] > 3 {
				t.Fatalf("person %d breaks a rule: %v", p, n)
			}
		}
	})
}

func TestNormalisers(t *testing.T) {
	cases := []struct{ rule, in, want string }{
		{"email", "  Ada@Example.ORG ", "ada@example.org"},
		{"email", "Ａda@example.org", "ada@example.org"},
		{"email", "ada@", ""},
		{"email", "ada lovelace@example.org", ""},
		{"phone", "+44 20 7946 0958", "+442079460958"},
		{"phone", "0044 (0)20 7946 0958", "+442079460958"},
		{"phone", "020 7946 0958", ""},
		{"digits", "17-850.0", "178500"},
		{"lower", " ABC ", "abc"},
		{"", " x ", "x"},
		{"none", " x ", " x "},
	}
	for _, c := range cases {
		t.Run(c.rule+" "+c.in, func(t *testing.T) {
			if got := normalisers[c.rule](c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestValidateNamesTheFieldAndTheWayOut(t *testing.T) {
	r := Rules{Namespaces: []Namespace{{Name: "a", Normalise: "rot13"}, {Name: "a", Window: "3 days"}, {Limit: -1}}}
	var got []string
	for _, p := range r.Validate() {
		got = append(got, p.Path)
	}
	want := []string{"namespaces[0].normalise", "namespaces[1].name", "namespaces[1].window", "namespaces[1].window", "namespaces[2].name", "namespaces[2].limit"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Identifiers come from anyone's browser: whatever they hold, normalising must
// neither panic nor let control characters or over-long values through.
func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"", "ada@example.org", "+44 20 7946 0958", "\x00", "\xff\xfe", strings.Repeat("x", 600), "[object Object]"} {
		f.Add(s)
	}
	rules, err := (&Rules{Namespaces: []Namespace{{Name: "email", Normalise: "email"}, {Name: "phone", Normalise: "phone"}, {Name: "id"}}}).Compile()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		usable, dropped := rules.Normalise([]event.Identifier{{Namespace: "email", Value: s}, {Namespace: "phone", Value: s}, {Namespace: "id", Value: s}})
		if len(usable)+len(dropped) != 3 {
			t.Fatalf("%d usable and %d dropped of 3", len(usable), len(dropped))
		}
		for _, u := range usable {
			if u.Value == "" || len(u.Value) > 3*MaxValue || strings.ContainsRune(u.Value, 0) {
				t.Fatalf("an unusable value of %d bytes passed in %s", len(u.Value), u.Namespace)
			}
		}
	})
}

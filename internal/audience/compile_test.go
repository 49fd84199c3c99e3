package audience

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/fault"
)

func refersTo(names ...string) Condition {
	var c Condition
	for _, name := range names {
		c.Any = append(c.Any, Condition{Audience: name})
	}
	return c
}

func TestCompileResolvesReferences(t *testing.T) {
	email := Condition{Identified: "email"}
	cases := []struct {
		name  string
		specs []Spec
		says  string
	}{
		{"no name", []Spec{{Where: email}}, "no name"},
		{"same name", []Spec{{Name: "a", Where: email}, {Name: "a", Where: email}}, `Two audiences are called "a"`},
		{"missing", []Spec{{Name: "buyers", Where: email}, {Name: "b", Where: refersTo("buyer")}}, `"b" refers to an audience "buyer" that does not exist; did you mean "buyers"?`},
		{"missing, nothing near", []Spec{{Name: "b", Where: refersTo("customers")}}, "create it first"},
		{"itself", []Spec{{Name: "a", Where: refersTo("a")}}, "circle: a → a;"},
		{"circle", []Spec{{Name: "x", Where: refersTo("a")}, {Name: "a", Where: refersTo("c")}, {Name: "c", Where: refersTo("b")}, {Name: "b", Where: Condition{Not: &Condition{Audience: "c"}}}}, "circle: c → b → c;"},
		{"invalid inside", []Spec{{Name: "a", Where: Condition{All: []Condition{email, {Any: []Condition{}}}}}}, `"a", where.all[1].any: `},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(c.specs)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("want %q, got %v", c.says, err)
			}
		})
	}
	set, err := Compile([]Spec{{Name: "a", Where: refersTo("m", "z")}, {Name: "z", Where: refersTo("m")}, {Name: "m", Where: email}})
	if err != nil || !slices.Equal(set.Names(), []string{"m", "z", "a"}) {
		t.Errorf("names %v, %v", set.Names(), err)
	}
	if empty, err := Compile(nil); err != nil || len(empty.Names()) != 0 {
		t.Errorf("a workspace without audiences: %v", err)
	}
}

func TestDependsOn(t *testing.T) {
	set, err := Compile([]Spec{
		{Name: "bought", Where: Condition{Event: &EventTest{Name: "bought"}}},
		{Name: "city", Where: Condition{Trait: &TraitTest{Name: "city", Op: "exists"}}},
		{Name: "ads", Where: Condition{Consent: &ConsentTest{Purpose: "ads", Is: "granted"}}},
		{Name: "email", Where: Condition{Identified: "email"}},
		{Name: "share", Where: Condition{Bucket: &BucketTest{Seed: "s", To: 1}}},
		{Name: "quiet", Where: Condition{Not: &Condition{Any: []Condition{{DidNot: &EventTest{Name: "bought"}}, {Audience: "city"}}}}},
		{Name: "both", Where: Condition{All: []Condition{{Audience: "quiet"}, {Audience: "ads"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		change Change
		want   string
	}{
		{"time only", Change{}, ""},
		{"event", Change{Events: []string{"bought"}}, "bought quiet both"},
		{"unknown event", Change{Events: []string{"sold"}}, ""},
		{"trait", Change{Traits: []string{"city"}}, "city quiet both"},
		{"consent", Change{Consents: []string{"ads"}}, "ads both"},
		{"identifiers", Change{Identifiers: true}, "email"},
		{"person", Change{Person: true}, "share"},
		{"definition", Change{Audiences: []string{"quiet", "gone"}}, "quiet both"},
		{"everything", Change{Everything: true}, strings.Join(set.Names(), " ")},
	}
	for _, c := range cases {
		got, want := set.DependsOn(c.change), strings.Fields(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	cases := []struct{ where, want string }{
		{`{"all":[{"trait":{"name":"country","op":"in","value":["CH","DE"]}},{"any":[{"identified":"email"},{"audience":"vip"}]}]}`,
			`country is one of "CH", "DE" and (has an identifier of kind email or is in the audience "vip")`},
		{`{"event":{"name":"bought"}}`, `there is an event "bought", at any time up to now`},
		{`{"didNot":{"name":"bought","window":{"last":"1d"}}}`, `it is not so that there is an event "bought", in the last day`},
		{`{"event":{"name":"bought","atLeast":2,"window":{"last":"30d"},"where":[{"property":"kind","op":"is","value":"car"},{"property":"paid","op":"exists"}]}}`,
			`the number of events "bought" is at least 2 where kind is "car" and paid is known, in the last 30 days`},
		{`{"event":{"name":"bought","measure":"avg","property":"total","atLeast":5,"atMost":9.5,"window":{"from":"2026-01-01T00:00:00Z"}}}`,
			`the average total of events "bought" is between 5 and 9.5, from 2026-01-01T00:00:00Z`},
		{`{"event":{"name":"bought","atLeast":0,"atMost":0}}`, `the number of events "bought" is exactly 0, at any time up to now`},
		{`{"not":{"consent":{"purpose":"ads","is":"granted"}}}`, `not (consent to ads is granted)`},
		{`{"bucket":{"seed":"s","from":0,"to":1000}}`, `falls in parts 0 up to, not including, 1000 of 10000 of the split "s"`},
	}
	for _, c := range cases {
		condition, err := ParseCondition([]byte(c.where))
		if err != nil {
			t.Fatal(err)
		}
		if got := Describe(condition); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	// Conditions that are not valid must not panic.
	Describe(Condition{})
	Describe(Condition{Trait: &TraitTest{Op: "?", Value: []byte("{")}, Not: &Condition{}})
	Describe(Condition{Event: &EventTest{Measure: "?", Window: &Window{Last: "d"}}})
}

func TestExplainShowsEvidenceAndNoPersonalValue(t *testing.T) {
	const secret = "Ada Lovelace"
	specs := []Spec{
		{Name: "buyers", Where: Condition{Event: &EventTest{Name: "bought", Window: &Window{Last: "1h"}}}},
		{Name: "top", Where: Condition{All: []Condition{
			{Audience: "buyers"}, {Audience: "buyers"},
			{Trait: &TraitTest{Name: "name", Op: "exists"}},
			{Event: &EventTest{Name: "bought", Measure: "sum", Property: "total", AtLeast: ptr(json.Number("30"))}},
		}}},
	}
	set, err := Compile(specs)
	if err != nil {
		t.Fatal(err)
	}
	s := &Subject{Person: secret, Traits: map[string]any{"name": secret}, History: story(t)}
	top, _ := set.Audience("top")
	x := top.Explain(s, start)
	if !x.Holds || len(x.Parts) != 4 || x.Condition != "all of these hold" {
		t.Fatalf("got %+v", x)
	}
	if len(x.Parts[0].Parts) != 1 || len(x.Parts[1].Parts) != 0 {
		t.Error("an audience is explained in full once")
	}
	// The event a minute ahead keeps the person in for an hour after it.
	if want := start.Add(61 * time.Minute); !x.Parts[0].Next.Equal(want) {
		t.Errorf("next of buyers: %s", x.Parts[0].Next)
	}
	sum := x.Parts[3].Evidence
	if sum == nil || sum.Count != 3 || sum.Measure != "sum" || sum.Value != "30.3" || len(sum.Events) != 3 || sum.Events[0].ID != "c" || sum.Events[2].ID != "a" {
		t.Errorf("evidence %+v", sum)
	}
	if text, _ := json.Marshal(x); strings.Contains(string(text), secret) {
		t.Errorf("a personal value in the explanation: %s", text)
	}
}

func ptr[T any](v T) *T { return &v }

package profile

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"parley/internal/fault"
)

var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func specOf(rule Rule, kind string) *TraitSpec {
	s := &TraitSpec{Name: "t", Owner: "crm", Type: kind, Rule: rule}
	if rule == Priority {
		s.Sources = []string{"crm", "shop"}
	}
	return s
}

func seen(hour int, source, id string, v any) Observation {
	return Observation{Trait: "t", Value: v, Provenance: Provenance{Source: source, ID: id, Time: start.Add(time.Duration(hour) * time.Hour)}}
}

func TestEachRuleChoosesItsValue(t *testing.T) {
	for name, tc := range map[string]struct {
		rule Rule
		obs  []Observation
		want any
		from string // id
	}{
		"latest":                  {Latest, []Observation{seen(2, "a", "1", "x"), seen(1, "a", "2", "y")}, "x", "1"},
		"default is latest":       {"", []Observation{seen(2, "a", "1", "x"), seen(3, "a", "2", "y")}, "y", "2"},
		"null clears latest":      {Latest, []Observation{seen(1, "a", "1", "x"), seen(2, "a", "2", nil)}, nil, ""},
		"an older null does not":  {Latest, []Observation{seen(2, "a", "1", "x"), seen(1, "a", "2", nil)}, "x", "1"},
		"same time, by source":    {Latest, []Observation{seen(1, "b", "1", "x"), seen(1, "a", "2", "y")}, "x", "1"},
		"earliest":                {Earliest, []Observation{seen(2, "a", "1", "x"), seen(1, "a", "2", "y")}, "y", "2"},
		"null is not earliest":    {Earliest, []Observation{seen(2, "a", "1", "x"), seen(1, "a", "2", nil)}, "x", "1"},
		"best source":             {Priority, []Observation{seen(1, "crm", "1", "x"), seen(9, "shop", "2", "y"), seen(10, "web", "3", "z")}, "x", "1"},
		"best source, its latest": {Priority, []Observation{seen(1, "crm", "1", "x"), seen(2, "crm", "2", "y")}, "y", "2"},
		"most frequent":           {MostFrequent, []Observation{seen(1, "a", "1", "x"), seen(2, "a", "2", "x"), seen(3, "a", "3", "y")}, "x", "2"},
		"tie to the last seen":    {MostFrequent, []Observation{seen(1, "a", "1", "x"), seen(3, "a", "2", "y")}, "y", "2"},
		"an event counts once":    {MostFrequent, []Observation{seen(1, "a", "1", "x"), seen(1, "a", "1", "x"), seen(1, "a", "1", "x"), seen(2, "a", "2", "y"), seen(3, "a", "3", "y")}, "y", "3"},
		"an updated row too":      {MostFrequent, []Observation{seen(1, "a", "1", "x"), seen(2, "a", "1", "y"), seen(0, "a", "2", "x"), seen(0, "a", "3", "y")}, "y", "1"},
		"longest in characters":   {Longest, []Observation{seen(1, "a", "1", "äöü"), seen(2, "a", "2", "abcd")}, "abcd", "2"},
		"union, sorted":           {Union, []Observation{seen(3, "a", "1", "y"), seen(1, "a", "2", "x"), seen(2, "a", "3", "x")}, []any{"x", "y"}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := specOf(tc.rule, "string")
			specs, err := NewSpecs([]TraitSpec{*spec})
			if err != nil {
				t.Fatal(err)
			}
			var p Profile
			for _, o := range tc.obs {
				p.Observe(spec, o)
			}
			v, from, ok := p.Value(specs, "t")
			if ok != (tc.want != nil) || !reflect.DeepEqual(v, tc.want) || from.ID != tc.from {
				t.Errorf("got %v from %q (%v), want %v from %q", v, from.ID, ok, tc.want, tc.from)
			}
			if _, there := p.Values(specs)["t"]; there != ok {
				t.Error("Values and Value disagree")
			}
		})
	}
}

func TestTypesAreKeptOrRefused(t *testing.T) {
	n := func(s string) json.Number { return json.Number(s) }
	for i, tc := range []struct {
		kind string
		in   any
		want any // nil: refused
	}{
		{"string", "x", "x"}, {"string", n("10115"), "10115"}, {"string", true, nil}, {"string", []any{}, nil},
		{"integer", n("9007199254740993"), n("9007199254740993")}, {"integer", n("5.0"), n("5")}, {"integer", "42", n("42")},
		{"integer", n("5.5"), nil}, {"integer", "x", nil}, {"integer", "042", nil}, {"integer", n("1e3"), nil}, {"integer", n("-0.0"), n("0")},
		{"number", n("1.50"), n("1.50")}, {"number", "1e3", n("1e3")}, {"number", n("NaN"), nil}, {"number", true, nil},
		{"boolean", true, true}, {"boolean", "false", false}, {"boolean", n("1"), nil}, {"boolean", "yes", nil},
		{"date", "2024-02-29", "2024-02-29"}, {"date", "2024-02-29T23:00:00-05:00", "2024-02-29"}, {"date", "2023-02-29", nil}, {"date", n("20240229"), nil},
		{"timestamp", "2024-02-29T23:00:00-05:00", "2024-03-01T04:00:00Z"}, {"timestamp", "2024-02-29", "2024-02-29T00:00:00Z"}, {"timestamp", "noon", nil},
		{"", map[string]any{"b": n("1.0"), "a": []any{"<"}}, map[string]any{"b": n("1.0"), "a": []any{"<"}}}, {"", 3.5, nil}, {"", n("x"), nil},
		{"string", "\u2028 \"q\" <b> \x01", "\u2028 \"q\" <b> \x01"}, {"string", "bad\xff", "bad\uFFFD"},
	} {
		spec := specOf(Latest, tc.kind)
		specs, _ := NewSpecs([]TraitSpec{*spec})
		var p Profile
		ok := p.Observe(spec, seen(1, "a", "1", tc.in))
		v, _, _ := p.Value(specs, "t")
		if ok != (tc.want != nil) || !reflect.DeepEqual(v, tc.want) {
			t.Errorf("%d: %s %v: got %#v (%v), want %#v", i, tc.kind, tc.in, v, ok, tc.want)
		}
		if !ok && p.Len() != 0 {
			t.Errorf("%d: a refused observation left a trace", i)
		}
	}
}

func TestOnlyDeclaredTraitsAreKept(t *testing.T) {
	spec := specOf(Latest, "")
	var p Profile
	if p.Observe(spec, Observation{Trait: "other", Value: "x"}) || p.Len() != 0 {
		t.Error("an undeclared trait was kept")
	}
	p.Observe(spec, seen(1, "a", "1", "x"))
	if got := Merge(Specs{}, &p, nil); got.Len() != 0 {
		t.Error("merge kept an undeclared trait")
	}
	if p.Len() != 1 {
		t.Error("merge changed its input")
	}
}

func TestProvenanceSurvivesStorage(t *testing.T) {
	spec := specOf(Latest, "string")
	specs, _ := NewSpecs([]TraitSpec{*spec})
	var p, back Profile
	want := Provenance{Source: "s\"ü", ID: "id\\1", Time: start.Add(123456 * time.Microsecond)}
	p.Observe(spec, Observation{Trait: "t", Value: "<ä>", Provenance: want})
	b, err := json.Marshal(&p)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if v, got, ok := back.Value(specs, "t"); !ok || v != "<ä>" || got != want {
		t.Errorf("got %v %+v", v, got)
	}
}

func TestDecodeToleratesAnotherWriter(t *testing.T) {
	b := []byte(" { \"b\" : [ [ {\"y\": 1.0, \"x\":\"\\u00e4\"}, \"s\", \"i\", 5 ] ], \"a\":[[\"\\u00e4\",\"s\",\"i\",-5]] } ")
	p, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(p.AppendJSON(nil)), `{"a":[["ä","s","i",-5]],"b":[[{"x":"ä","y":1.0},"s","i",5]]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, bad := range []string{``, `{`, `[]`, `{"a":[]}`, `{"a":[["x","s","i",1.5]]}`, `{"a":[["x","s","i",1]],}`, `{"a":[["x","s","i",1]]}x`,
		`{"a":[[nul,"s","i",1]]}`, `{"a":[["x","s","i",1]],"a":[["x","s","i",1]]}`, `{"a":[["x","s","i",1]]`, `{"a":[["x\`} {
		if _, err := Decode([]byte(bad)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestTraitSpecValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		spec TraitSpec
		path string
	}{
		"good":              {TraitSpec{Name: "first_name", Owner: "crm"}, ""},
		"no name":           {TraitSpec{Owner: "crm"}, "name"},
		"dot in name":       {TraitSpec{Name: "a.b", Owner: "crm"}, "name"},
		"no owner":          {TraitSpec{Name: "a"}, "owner"},
		"type":              {TraitSpec{Name: "a", Owner: "crm", Type: "text"}, "type"},
		"rule":              {TraitSpec{Name: "a", Owner: "crm", Rule: "newest"}, "rule"},
		"priority of what":  {TraitSpec{Name: "a", Owner: "crm", Rule: Priority}, "sources"},
		"sources for what":  {TraitSpec{Name: "a", Owner: "crm", Sources: []string{"x"}}, "sources"},
		"source twice":      {TraitSpec{Name: "a", Owner: "crm", Rule: Priority, Sources: []string{"x", "x"}}, "sources[1]"},
		"source of no name": {TraitSpec{Name: "a", Owner: "crm", Rule: Priority, Sources: []string{""}}, "sources[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := tc.spec.Validate()
			if tc.path == "" && len(problems) != 0 || tc.path != "" && (len(problems) != 1 || problems[0].Path != tc.path) {
				t.Errorf("got %v, want %q", problems, tc.path)
			}
			if _, err := NewSpecs([]TraitSpec{tc.spec}); (err != nil) != (tc.path != "") {
				t.Errorf("NewSpecs: %v", err)
			}
		})
	}
	good := TraitSpec{Name: "a", Owner: "crm"}
	if _, err := NewSpecs([]TraitSpec{good, good}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("twice: %v", err)
	}
}

func benchProfile() (*Profile, Specs) {
	p := &Profile{}
	var list []TraitSpec
	for i := range 10 {
		s := TraitSpec{Name: fmt.Sprintf("trait_%d", i), Owner: "crm", Type: "string"}
		list = append(list, s)
		p.Observe(&s, Observation{Trait: s.Name, Value: "some value of it", Provenance: Provenance{Source: "webshop", ID: "0191d7a0-1111-7000-8000-000000000000", Time: start}})
	}
	specs, _ := NewSpecs(list)
	return p, specs
}

func BenchmarkEncode(b *testing.B) {
	p, _ := benchProfile()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = p.AppendJSON(buf[:0])
	}
}

func BenchmarkDecode(b *testing.B) {
	p, _ := benchProfile()
	buf := p.AppendJSON(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	p, specs := benchProfile()
	spec := specs.Lookup("trait_5")
	o := Observation{Trait: "trait_5", Value: "another value", Provenance: Provenance{Source: "webshop", ID: "x", Time: start}}
	b.ReportAllocs()
	for b.Loop() {
		p.Observe(spec, o)
	}
}

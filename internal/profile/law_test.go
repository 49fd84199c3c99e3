package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func lawSpecs(t *rapid.T) (Specs, []string) {
	specs, err := NewSpecs([]TraitSpec{
		{Name: "latest", Owner: "o", Rule: Latest}, {Name: "earliest", Owner: "o", Rule: Earliest},
		{Name: "priority", Owner: "o", Rule: Priority, Sources: []string{"crm", "shop"}}, {Name: "frequent", Owner: "o", Rule: MostFrequent},
		{Name: "longest", Owner: "o", Rule: Longest}, {Name: "union", Owner: "o", Rule: Union},
	})
	if err != nil {
		t.Fatal(err)
	}
	return specs, specs.Names()
}

// drawObservations draws few sources, ids, times and values, so that ties,
// repetitions and updated rows are frequent; wide is for passing the bounds.
func drawObservations(t *rapid.T, names []string, wide bool) []Observation {
	low, high, ids, values := 0, 40, 6, 4
	if wide {
		low, high, ids, values = 150, 400, 300, 200
	}
	trait, source := rapid.SampledFrom(names), rapid.SampledFrom([]string{"crm", "shop", "web"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Observation {
		var v any = fmt.Sprint("v", rapid.IntRange(0, values).Draw(t, "value"))
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			v = nil
		case 1:
			v = json.Number("7")
		case 2:
			v = []any{"a", "ü"}
		}
		return Observation{Trait: trait.Draw(t, "trait"), Value: v, Provenance: Provenance{
			Source: source.Draw(t, "source"), ID: fmt.Sprint(rapid.IntRange(0, ids).Draw(t, "id")),
			Time: start.Add(time.Duration(rapid.IntRange(0, ids).Draw(t, "time")) * time.Minute)}}
	}), low, high).Draw(t, "observations")
}

func fold(specs Specs, observations []Observation) *Profile {
	p := &Profile{}
	for _, o := range observations {
		p.Observe(specs.Lookup(o.Trait), o)
	}
	return p
}

func same(t *rapid.T, what string, specs Specs, got, want *Profile) {
	t.Helper()
	g, w := got.AppendJSON(nil), want.AppendJSON(nil)
	if !bytes.Equal(g, w) {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
	if a, b := fmt.Sprint(got.Values(specs)), fmt.Sprint(want.Values(specs)); a != b {
		t.Fatalf("%s: values %s and %s", what, a, b)
	}
}

func TestI4OrderRepetitionAndMergesDoNotMatter(t *testing.T) {
	for _, wide := range []bool{false, true} {
		t.Run(fmt.Sprintf("wide=%v", wide), rapid.MakeCheck(func(t *rapid.T) {
			specs, names := lawSpecs(t)
			if wide {
				names = []string{rapid.SampledFrom([]string{"frequent", "union"}).Draw(t, "only")}
			}
			all := drawObservations(t, names, wide)
			want := fold(specs, all)
			same(t, "another order", specs, fold(specs, rapid.Permutation(all).Draw(t, "order")), want)
			same(t, "everything twice", specs, fold(specs, append(append([]Observation{}, all...), all...)), want)

			cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
			second := rapid.IntRange(0, cut).Draw(t, "overlap")
			a, b := fold(specs, all[:cut]), fold(specs, all[second:])
			before := string(a.AppendJSON(nil))
			same(t, "merge(a,b)", specs, Merge(specs, a, b), want)
			same(t, "merge(b,a)", specs, Merge(specs, b, a), want)
			same(t, "merge with itself", specs, Merge(specs, want, want), want)
			same(t, "merge with nothing", specs, Merge(specs, nil, want), want)
			if string(a.AppendJSON(nil)) != before {
				t.Fatal("merge changed its input")
			}
			third := rapid.IntRange(0, second).Draw(t, "third")
			c, d, e := fold(specs, all[:third]), fold(specs, all[third:cut]), fold(specs, all[cut:])
			same(t, "(c+d)+e", specs, Merge(specs, Merge(specs, c, d), e), want)
			same(t, "c+(d+e)", specs, Merge(specs, c, Merge(specs, d, e)), want)
		}))
	}
}

func TestI4FoldContinuesFromStorage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs, names := lawSpecs(t)
		all := drawObservations(t, names, false)
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		p, err := Decode(fold(specs, all[:cut]).AppendJSON(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all[cut:] {
			p.Observe(specs.Lookup(o.Trait), o)
		}
		same(t, "stored half way", specs, p, fold(specs, all))
	})
}

func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs, _ := lawSpecs(t)
		p := fold(specs, drawObservations(t, []string{"frequent", "union"}, true))
		for _, tr := range p.traits {
			if most := map[string]int{"frequent": MaxCounted, "union": MaxValues}[tr.name]; len(tr.entries) > most {
				t.Fatalf("%s keeps %d", tr.name, len(tr.entries))
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":[["x","s","i",1]],"b":[[null,"s","i",-1],[{"k":[1.0]},"s","j",2]]}`))
	f.Add([]byte(` { } `))
	f.Add([]byte(`{"\u00e4":[["\ud800","s","i",9223372036854775807]]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			return
		}
		once := p.AppendJSON(nil)
		if !json.Valid(once) {
			t.Fatalf("not JSON: %s", once)
		}
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("cannot read its own writing %s: %v", once, err)
		}
		if twice := again.AppendJSON(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s", once, twice)
		}
	})
}

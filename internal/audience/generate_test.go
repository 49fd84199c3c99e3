package audience

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"parley/internal/event"
)

// The generators draw from small alphabets and a coarse grid of times, so that
// conditions match, instants coincide and window borders are hit exactly.

var (
	start      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	eventNames = []string{"bought", "bought", "viewed"}
	traitNames = []string{"age", "city"}
	purposes   = []string{"ads", "mail"}
	lengths    = []string{"1m", "2m", "3m", "5m"}
	values     = []any{nil, json.Number("1"), json.Number("2"), json.Number("2.0"), json.Number("-1.5"), "2", "abc", "2026-03-01", true, []any{"abc", json.Number("2")}, map[string]any{"b": json.Number("3"), "c": "abc"}}
	properties = []string{"a", "a.b", "a.c", "n"}
)

func drawInstant(t *rapid.T, label string) time.Time {
	step := rapid.IntRange(-24, 24).Draw(t, label)
	nudge := rapid.SampledFrom([]int{0, 0, 0, -1, 1}).Draw(t, label+"µs")
	return start.Add(time.Duration(step)*30*time.Second + time.Duration(nudge)*time.Microsecond)
}

func drawTest(t *rapid.T) (string, json.RawMessage) {
	op := rapid.SampledFrom(operatorNames).Draw(t, "op")
	choices := map[shape][]string{
		shapeNone:   {""},
		shapeScalar: {`1`, `2`, `"abc"`, `"2"`, `true`},
		shapeList:   {`[1,"abc"]`, `[2,true]`, `["2"]`},
		shapeNumber: {`1`, `2.00`, `-1.5`},
		shapeText:   {`"a"`, `"2"`},
		shapeTime:   {`"2026-03-01"`, `"2026-03-02T00:00:00Z"`},
	}
	return op, json.RawMessage(rapid.SampledFrom(choices[operators[op]]).Draw(t, "value"))
}

func drawWindow(t *rapid.T) *Window {
	switch rapid.IntRange(0, 5).Draw(t, "window") {
	case 0:
		return nil
	case 1:
		from := drawInstant(t, "from")
		to := from.Add(time.Duration(rapid.IntRange(1, 10).Draw(t, "span")) * 30 * time.Second)
		w := &Window{From: &from, To: &to}
		if rapid.Bool().Draw(t, "open") {
			w.From = nil
		}
		return w
	}
	return &Window{Last: rapid.SampledFrom(lengths).Draw(t, "last")}
}

func drawEvent(t *rapid.T) *EventTest {
	e := &EventTest{Name: rapid.SampledFrom(eventNames).Draw(t, "event"), Window: drawWindow(t)}
	for range rapid.IntRange(0, 3).Draw(t, "filters") / 3 {
		op, value := drawTest(t)
		e.Where = append(e.Where, PropertyTest{Property: rapid.SampledFrom(properties).Draw(t, "property"), Op: op, Value: value})
	}
	e.Measure = rapid.SampledFrom(append([]string{"", "", "count"}, measures...)).Draw(t, "measure")
	low := rapid.IntRange(0, 3).Draw(t, "low")
	least := json.Number(fmt.Sprint(low))
	most := json.Number(fmt.Sprint(low + rapid.IntRange(0, 2).Draw(t, "more")))
	if e.Measure != "" && e.Measure != "count" {
		e.Property = rapid.SampledFrom([]string{"n", "a", "a.b"}).Draw(t, "measured")
		least = json.Number(rapid.SampledFrom([]string{"-1.5", "0", "1"}).Draw(t, "least"))
		most = json.Number(rapid.SampledFrom([]string{"1.0", "1.75", "4"}).Draw(t, "most"))
	}
	switch rapid.IntRange(0, 2).Draw(t, "bounds") {
	case 0:
		e.AtLeast = &least
	case 1:
		e.AtMost = &most
	case 2:
		e.AtLeast, e.AtMost = &least, &most
	}
	return e
}

func drawCondition(t *rapid.T, earlierNames []string, depth int) Condition {
	list := func() []Condition {
		var out []Condition
		for range rapid.IntRange(2, 3).Draw(t, "parts") {
			out = append(out, drawCondition(t, earlierNames, depth-1))
		}
		return out
	}
	choice := rapid.IntRange(0, 14).Draw(t, "kind")
	if depth == 0 && choice < 3 {
		choice += 3
	}
	switch choice {
	case 0:
		return Condition{All: list()}
	case 1:
		return Condition{Any: list()}
	case 2:
		inner := drawCondition(t, earlierNames, depth-1)
		return Condition{Not: &inner}
	case 3:
		return Condition{DidNot: drawEvent(t)}
	case 4:
		op, value := drawTest(t)
		return Condition{Trait: &TraitTest{Name: rapid.SampledFrom(traitNames).Draw(t, "trait"), Op: op, Value: value}}
	case 5:
		return Condition{Consent: &ConsentTest{Purpose: rapid.SampledFrom(purposes).Draw(t, "purpose"), Is: rapid.SampledFrom(stands).Draw(t, "is")}}
	case 6:
		return Condition{Identified: rapid.SampledFrom([]string{"email", "phone"}).Draw(t, "namespace")}
	case 7:
		return Condition{Bucket: &BucketTest{Seed: "s", From: 0, To: rapid.SampledFrom([]int{3000, 7000}).Draw(t, "to")}}
	case 8:
		if len(earlierNames) > 0 {
			return Condition{Audience: rapid.SampledFrom(earlierNames).Draw(t, "reference")}
		}
	}
	return Condition{Event: drawEvent(t)}
}

func drawSpecs(t *rapid.T) []Spec {
	var specs []Spec
	var names []string
	for i := range rapid.IntRange(1, 4).Draw(t, "audiences") {
		name := fmt.Sprintf("z%d", 9-i) // names run against the order of reference
		specs = append(specs, Spec{Name: name, Owner: "crm", Where: drawCondition(t, names, 2)})
		names = append(names, name)
	}
	return specs
}

func drawSet(t *rapid.T) *Set {
	set, err := Compile(drawSpecs(t))
	if err != nil {
		t.Fatalf("generated specs must compile: %v", err)
	}
	return set
}

func drawOccurrence(t *rapid.T, id int) Occurrence {
	o := Occurrence{Name: rapid.SampledFrom(append(eventNames, "unseen")).Draw(t, "name"), Source: "web", ID: fmt.Sprint(id), Time: drawInstant(t, "time")}
	for _, p := range []string{"a", "n", "extra"} {
		if v := rapid.SampledFrom(values).Draw(t, p); v != nil {
			if o.Properties == nil {
				o.Properties = map[string]any{}
			}
			o.Properties[p] = v
		}
	}
	return o
}

// insert adds an occurrence in the order that Subject promises.
func insert(history []Occurrence, o Occurrence) []Occurrence {
	at, _ := slices.BinarySearchFunc(history, o, func(a, b Occurrence) int { return newestFirst(&b, &a) })
	return slices.Insert(slices.Clone(history), at, o)
}

func drawSubject(t *rapid.T) *Subject {
	s := &Subject{Person: rapid.SampledFrom([]string{"p1", "p2", "p3"}).Draw(t, "person"), Traits: map[string]any{}, Consents: map[string]string{}}
	for i := range rapid.IntRange(0, 12).Draw(t, "events") {
		s.History = insert(s.History, drawOccurrence(t, i))
	}
	for _, name := range traitNames {
		s.Traits[name] = rapid.SampledFrom(values).Draw(t, name)
	}
	for _, p := range purposes {
		if stand := rapid.SampledFrom([]string{"", "granted", "denied"}).Draw(t, p); stand != "" {
			s.Consents[p] = stand
		}
	}
	if rapid.Bool().Draw(t, "email") {
		s.Identifiers = []event.Identifier{{Namespace: "email", Value: "x@example.org"}}
	}
	return s
}

// moments are all instants at which any window over this history can open or
// close, and a microsecond to both sides, sorted.
func moments(history []Occurrence) []time.Time {
	var out []time.Time
	for _, o := range history {
		borders := []time.Time{o.Time}
		for _, text := range lengths {
			length, _ := ParseDuration(text)
			borders = append(borders, o.Time.Add(length))
		}
		for _, b := range borders {
			out = append(out, b.Add(-time.Microsecond), b, b.Add(time.Microsecond))
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

package audience

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
)

// compileOne compiles one condition written in JSON.
func compileOne(t testing.TB, text string) *Compiled {
	t.Helper()
	c, err := ParseCondition([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	set, err := Compile([]Spec{{Name: "one", Where: c}})
	if err != nil {
		t.Fatal(err)
	}
	return set.audiences[0]
}

// decode reads properties or traits as the product does.
func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	var out map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOperators(t *testing.T) {
	// Columns: operator, value in the document, value of the person ("" missing), holds.
	cases := [][4]string{
		{"is", `1`, `1.0`, "yes"}, {"is", `1`, `1e0`, "yes"}, {"is", `1`, `"1"`, "no"}, {"is", `"1"`, `1`, "no"},
		{"is", `"a"`, `"a"`, "yes"}, {"is", `"a"`, `"A"`, "no"}, {"is", `"a"`, `["a"]`, "no"}, {"is", `"a"`, ``, "no"},
		{"is", `true`, `true`, "yes"}, {"is", `true`, `false`, "no"}, {"is", `false`, ``, "no"}, {"is", `true`, `1`, "no"},
		{"is", `12345678901234567891`, `12345678901234567892`, "no"},
		{"isNot", `"a"`, `"b"`, "yes"}, {"isNot", `"a"`, ``, "yes"}, {"isNot", `"a"`, `null`, "yes"}, {"isNot", `1`, `"1"`, "yes"}, {"isNot", `1`, `1`, "no"},
		{"in", `["a",2]`, `2.0`, "yes"}, {"in", `["a",2]`, `"2"`, "no"}, {"in", `["a"]`, ``, "no"},
		{"notIn", `["a",2]`, `"b"`, "yes"}, {"notIn", `["a"]`, ``, "yes"}, {"notIn", `["a"]`, `"a"`, "no"},
		{"gt", `2`, `2`, "no"}, {"gt", `2`, `2.0000000000000000001`, "yes"}, {"gt", `2`, `"3"`, "no"}, {"gt", `2`, ``, "no"},
		{"gte", `2`, `2.0`, "yes"}, {"gte", `2`, `1.9`, "no"}, {"lt", `2`, `-3`, "yes"}, {"lt", `2`, `2`, "no"}, {"lt", `2`, ``, "no"},
		{"lte", `2`, `2`, "yes"}, {"lte", `0.3`, `3e-1`, "yes"}, {"lte", `2`, `true`, "no"},
		{"contains", `"bc"`, `"abcd"`, "yes"}, {"contains", `"bc"`, `["bc"]`, "yes"}, {"contains", `"bc"`, `["abcd"]`, "no"},
		{"contains", `2`, `[1,2.0]`, "yes"}, {"contains", `2`, `"12"`, "no"}, {"contains", `"a"`, ``, "no"},
		{"startsWith", `"ab"`, `"abc"`, "yes"}, {"startsWith", `"ab"`, `"cab"`, "no"}, {"startsWith", `"ab"`, `["ab"]`, "no"}, {"startsWith", `"a"`, ``, "no"},
		{"exists", ``, `false`, "yes"}, {"exists", ``, `null`, "no"}, {"exists", ``, ``, "no"},
		{"notExists", ``, ``, "yes"}, {"notExists", ``, `null`, "yes"}, {"notExists", ``, `""`, "no"},
		{"before", `"2026-03-01"`, `"2026-02-28T23:59:59Z"`, "yes"}, {"before", `"2026-03-01"`, `"2026-03-01"`, "no"},
		{"before", `"2026-03-01T00:00:00Z"`, `"2026-03-01T00:30:00+01:00"`, "yes"}, {"before", `"2026-03-01"`, `"soon"`, "no"}, {"before", `"2026-03-01"`, ``, "no"},
		{"after", `"2026-03-01"`, `"2026-03-01T00:00:00.000001Z"`, "yes"}, {"after", `"2026-03-01"`, `20260302`, "no"}, {"after", `"2026-03-01"`, ``, "no"},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			value := ""
			if c[1] != "" {
				value = `,"value":` + c[1]
			}
			s := &Subject{}
			if c[2] != "" {
				s.Traits = decode(t, `{"x":`+c[2]+`}`)
			}
			audience := compileOne(t, `{"trait":{"name":"x","op":"`+c[0]+`"`+value+`}}`)
			if got := Evaluate(audience, s, start); got != (c[3] == "yes") {
				t.Errorf("got %v", got)
			}
		})
	}
}

// story is a history of purchases: two days, one hour and no time before start,
// and one a minute after it.
func story(t testing.TB) []Occurrence {
	at := func(ago time.Duration, id, properties string) Occurrence {
		return Occurrence{Time: start.Add(-ago), Name: "bought", Source: "shop", ID: id, Properties: decode(t, properties)}
	}
	return []Occurrence{
		at(48*time.Hour, "a", `{"total":10.10,"item":{"kind":"car"}}`),
		at(time.Hour, "b", `{"total":"20","item":{"kind":"tyre"}}`),
		at(0, "c", `{"total":20.20,"item.kind":"car"}`),
		at(-time.Minute, "d", `{"total":1000,"item":{"kind":"car"}}`),
	}
}

func TestEventConditions(t *testing.T) {
	cases := []struct {
		name, event string
		want        bool
	}{
		{"default asks for one", `{"name":"bought"}`, true},
		{"none of that name", `{"name":"sold"}`, false},
		{"three seen, the future not", `{"name":"bought","atLeast":3,"atMost":3}`, true},
		{"at most none", `{"name":"sold","atMost":0}`, true},
		{"at most alone has no lower bound", `{"name":"sold","atMost":5}`, true},
		{"rolling end includes now", `{"name":"bought","atLeast":1,"atMost":1,"window":{"last":"1h"}}`, true},
		{"rolling start is excluded", `{"name":"bought","atLeast":2,"window":{"last":"60m"}}`, false},
		{"rolling start plus one minute", `{"name":"bought","atLeast":2,"window":{"last":"61m"}}`, true},
		{"from is included", `{"name":"bought","window":{"from":"2026-02-27T12:00:00Z","to":"2026-02-27T12:00:00.000001Z"}}`, true},
		{"to is excluded", `{"name":"bought","window":{"to":"2026-02-27T12:00:00Z"}}`, false},
		{"future is unseen in a fixed window", `{"name":"bought","window":{"from":"2026-03-01T12:00:30Z"}}`, false},
		{"nested filter", `{"name":"bought","atLeast":1,"atMost":1,"where":[{"property":"item.kind","op":"is","value":"car"}]}`, true},
		{"sum is exact and skips text", `{"name":"bought","measure":"sum","property":"total","atLeast":30.3,"atMost":30.30}`, true},
		{"sum of nothing is 0", `{"name":"sold","measure":"sum","property":"total","atMost":0}`, true},
		{"min", `{"name":"bought","measure":"min","property":"total","atLeast":10.1,"atMost":10.1}`, true},
		{"max", `{"name":"bought","measure":"max","property":"total","atLeast":20.2,"atMost":20.2}`, true},
		{"avg of the numbers only", `{"name":"bought","measure":"avg","property":"total","atLeast":15.15,"atMost":15.15}`, true},
		{"min of nothing meets no bound", `{"name":"sold","measure":"min","property":"total","atMost":5}`, false},
		{"max of nothing meets no bound", `{"name":"sold","measure":"max","property":"total","atMost":5}`, false},
		{"avg of nothing meets no bound", `{"name":"sold","measure":"avg","property":"total","atMost":5}`, false},
	}
	s := &Subject{History: story(t)}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Evaluate(compileOne(t, `{"event":`+c.event+`}`), s, start); got != c.want {
				t.Errorf("event: got %v, want %v", got, c.want)
			}
			if got := Evaluate(compileOne(t, `{"didNot":`+c.event+`}`), s, start); got == c.want {
				t.Errorf("didNot must be the opposite")
			}
		})
	}
}

func TestOtherConditions(t *testing.T) {
	yes, no := `{"identified":"email"}`, `{"identified":"phone"}`
	cases := []struct {
		where string
		want  bool
	}{
		{yes, true}, {no, false},
		{`{"not":` + no + `}`, true},
		{`{"all":[` + yes + `,` + no + `]}`, false}, {`{"all":[` + yes + `,` + yes + `]}`, true},
		{`{"any":[` + no + `,` + yes + `]}`, true}, {`{"any":[` + no + `]}`, false},
		{`{"consent":{"purpose":"ads","is":"granted"}}`, true}, {`{"consent":{"purpose":"ads","is":"unknown"}}`, false},
		{`{"consent":{"purpose":"mail","is":"unknown"}}`, true}, {`{"consent":{"purpose":"mail","is":"denied"}}`, false},
		{`{"bucket":{"seed":"autumn","from":2485,"to":2486}}`, true}, {`{"bucket":{"seed":"autumn","from":2484,"to":2485}}`, false},
		{`{"bucket":{"seed":"autumn","from":0,"to":2485}}`, false}, {`{"bucket":{"seed":"autumn","from":0,"to":10000}}`, true},
	}
	s := &Subject{
		Person:      "person-1",
		Consents:    map[string]string{"ads": "granted"},
		Identifiers: []event.Identifier{{Namespace: "email", Value: "x@example.org"}},
	}
	for _, c := range cases {
		if got := Evaluate(compileOne(t, c.where), s, start); got != c.want {
			t.Errorf("%s: got %v", c.where, got)
		}
	}
}

// The parts people fall in must never move: an experiment under way would be
// mixed up. The numbers were computed with Python's hashlib.
func TestBucketVectors(t *testing.T) {
	for _, c := range []struct {
		seed, person string
		want         int
	}{{"autumn", "person-1", 2485}, {"autumn", "person-2", 5603}, {"", "", 3192}, {"holdout-2026", "8f14e45f", 5463}} {
		if got := Bucket(c.seed, c.person); got != c.want {
			t.Errorf("Bucket(%q, %q) = %d, want %d", c.seed, c.person, got, c.want)
		}
	}
}

func TestReferenceFollowsLaddersInLinearTime(t *testing.T) {
	specs := []Spec{{Name: "a00", Where: Condition{Identified: "email"}}}
	for i := 1; i < 60; i++ {
		below := Condition{Audience: fmt.Sprintf("a%02d", i-1)}
		specs = append(specs, Spec{Name: fmt.Sprintf("a%02d", i), Where: Condition{All: []Condition{{Not: &Condition{Not: &below}}, below}}})
	}
	set, err := Compile(specs)
	if err != nil {
		t.Fatal(err)
	}
	top, _ := set.Audience("a59")
	s := &Subject{Identifiers: []event.Identifier{{Namespace: "email"}}}
	if !Evaluate(top, s, start) || !top.Explain(s, start).Holds {
		t.Error("a ladder of references must carry the answer up")
	}
}

func BenchmarkReference(b *testing.B) {
	audience, s := benchmark(b)
	b.ReportAllocs()
	for b.Loop() {
		if !Evaluate(audience, s, start) {
			b.Fatal("the person must be a member, or conditions are skipped")
		}
	}
}

func BenchmarkIncremental(b *testing.B) {
	audience, s := benchmark(b)
	set, err := Compile([]Spec{{Name: "one", Where: benchmarkCondition(b)}})
	if err != nil {
		b.Fatal(err)
	}
	prev, _ := set.Evaluate(s, start, nil, Change{})
	change := Change{Events: []string{"bought"}}
	b.ReportAllocs()
	for b.Loop() {
		if prev, _ = set.Evaluate(s, start, prev, change); !prev[audience.Name].Member {
			b.Fatal("the person must be a member")
		}
	}
}

func benchmarkCondition(b *testing.B) Condition {
	c, err := ParseCondition([]byte(`{"all":[
		{"trait":{"name":"country","op":"in","value":["CH","DE"]}},
		{"event":{"name":"bought","atLeast":2,"window":{"last":"30d"}}},
		{"event":{"name":"bought","measure":"sum","property":"total","atLeast":100,"where":[{"property":"kind","op":"is","value":"car"}]}},
		{"didNot":{"name":"complained","window":{"last":"90d"}}},
		{"consent":{"purpose":"ads","is":"granted"}}]}`))
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func benchmark(b *testing.B) (*Compiled, *Subject) {
	set, err := Compile([]Spec{{Name: "one", Where: benchmarkCondition(b)}})
	if err != nil {
		b.Fatal(err)
	}
	s := &Subject{Person: "p", Traits: map[string]any{"country": "DE"}, Consents: map[string]string{"ads": "granted"}}
	for i := range 50 {
		o := Occurrence{Time: start.Add(time.Duration(i-50) * 12 * time.Hour), Source: "web", ID: fmt.Sprint(i), Name: []string{"viewed", "bought", "searched"}[i%3]}
		o.Properties = map[string]any{"total": json.Number("19.90"), "kind": []string{"car", "tyre"}[i%2]}
		s.History = append(s.History, o)
	}
	return set.audiences[0], s
}

package audience

import (
	"strings"
	"testing"

	"parley/internal/fault"
)

func TestValidateNamesPlaceAndWayOut(t *testing.T) {
	deep := strings.Repeat(`{"not":`, MaxDepth) + `{"identified":"email"}` + strings.Repeat(`}`, MaxDepth)
	wide := `{"any":[` + strings.Repeat(`{"identified":"email"},`, MaxNodes) + `{"identified":"email"}]}`
	list := `[` + strings.Repeat(`1,`, maxListed) + `1]`
	cases := []struct{ name, where, path, says string }{
		{"nothing", `{}`, "where", "says nothing"},
		{"null", `{"not":null}`, "where", "says nothing"},
		{"null element", `{"all":[null]}`, "where.all[0]", "says nothing"},
		{"two at once", `{"identified":"email","audience":"x"}`, "where", "audience and identified"},
		{"empty list", `{"all":[]}`, "where.all", "empty"},
		{"inside", `{"all":[{"identified":"email"},{"not":{"any":[]}}]}`, "where.all[1].not.any", "empty"},
		{"operator word", `{"trait":{"name":"x","op":"equals","value":1}}`, "where.trait.op", "did you mean is?"},
		{"operator typo", `{"trait":{"name":"x","op":"startWith","value":"a"}}`, "where.trait.op", "did you mean startsWith?"},
		{"operator far off", `{"trait":{"name":"x","op":"resembles","value":"a"}}`, "where.trait.op", "use one of"},
		{"value missing", `{"trait":{"name":"x","op":"is"}}`, "where.trait.value", "needs a text"},
		{"value null", `{"trait":{"name":"x","op":"is","value":null}}`, "where.trait.value", "needs a text"},
		{"value too many", `{"trait":{"name":"x","op":"exists","value":1}}`, "where.trait.value", "takes no value"},
		{"text for number", `{"trait":{"name":"x","op":"gt","value":"3"}}`, "where.trait.value", "needs a number"},
		{"number for text", `{"trait":{"name":"x","op":"startsWith","value":3}}`, "where.trait.value", "needs a text"},
		{"no time", `{"trait":{"name":"x","op":"before","value":"soon"}}`, "where.trait.value", "needs a time"},
		{"no list", `{"trait":{"name":"x","op":"in","value":"a"}}`, "where.trait.value", "needs a list"},
		{"list in list", `{"trait":{"name":"x","op":"in","value":[["a"]]}}`, "where.trait.value", "needs a list"},
		{"empty in", `{"trait":{"name":"x","op":"in","value":[]}}`, "where.trait.value", "needs a list"},
		{"long in", `{"trait":{"name":"x","op":"in","value":` + list + `}}`, "where.trait.value", "more than 1000"},
		{"hostile number", `{"trait":{"name":"x","op":"gt","value":1e999999999}}`, "where.trait.value", "too large"},
		{"no trait name", `{"trait":{"name":" ","op":"exists"}}`, "where.trait.name", "empty"},
		{"event name", `{"event":{"name":""}}`, "where.event.name", "empty"},
		{"filter path", `{"event":{"name":"b","where":[{"property":"a..b","op":"exists"}]}}`, "where.event.where[0].property", "between dots"},
		{"filter operator", `{"didNot":{"name":"b","where":[{"property":"a","op":"like","value":"x"}]}}`, "where.didNot.where[0].op", "no operator"},
		{"measure", `{"event":{"name":"b","measure":"average","property":"x","atLeast":1}}`, "where.event.measure", "no measure"},
		{"count with property", `{"event":{"name":"b","property":"x"}}`, "where.event.property", "no property"},
		{"sum without property", `{"event":{"name":"b","measure":"sum","atLeast":1}}`, "where.event.property", "empty"},
		{"sum without bound", `{"event":{"name":"b","measure":"sum","property":"x"}}`, "where.event", "compared with nothing"},
		{"half an event", `{"event":{"name":"b","atLeast":1.5}}`, "where.event.atLeast", "whole number"},
		{"negative count", `{"event":{"name":"b","atMost":-1}}`, "where.event.atMost", "whole number"},
		{"crossed bounds", `{"event":{"name":"b","atLeast":3,"atMost":2}}`, "where.event", "greater than atMost"},
		{"window unit", `{"all":[{"identified":"email"},{"event":{"name":"b","window":{"last":"30s"}}}]}`, "where.all[1].event.window.last", "m, h, d or w"},
		{"window zero", `{"event":{"name":"b","window":{"last":"0d"}}}`, "where.event.window.last", "no time at all"},
		{"window endless", `{"event":{"name":"b","window":{"last":"36501d"}}}`, "where.event.window.last", "100 years"},
		{"window overflow", `{"event":{"name":"b","window":{"last":"99999999999999999999w"}}}`, "where.event.window.last", "100 years"},
		{"window empty", `{"event":{"name":"b","window":{}}}`, "where.event.window", "empty"},
		{"window mixed", `{"event":{"name":"b","window":{"last":"1d","from":"2026-01-01T00:00:00Z"}}}`, "where.event.window", "keep either"},
		{"window backwards", `{"event":{"name":"b","window":{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}}}`, "where.event.window", "not before"},
		{"window too fine", `{"event":{"name":"b","window":{"from":"2026-01-01T00:00:00.0000001Z"}}}`, "where.event.window.from", "microsecond"},
		{"stand", `{"consent":{"purpose":"ads","is":"grant"}}`, "where.consent.is", "did you mean granted?"},
		{"purpose", `{"consent":{"purpose":"","is":"granted"}}`, "where.consent.purpose", "empty"},
		{"bucket", `{"bucket":{"seed":"s","from":0,"to":10001}}`, "where.bucket", "0 to 10000"},
		{"bucket empty", `{"bucket":{"seed":"s","from":5,"to":5}}`, "where.bucket", "empty"},
		{"bucket seed", `{"bucket":{"seed":"","from":0,"to":5}}`, "where.bucket.seed", "empty"},
		{"too deep", deep, "where" + strings.Repeat(".not", MaxDepth), "deep"},
		{"too wide", wide, "where.any[499]", "more than 500"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			condition, err := ParseCondition([]byte(c.where))
			if err != nil {
				t.Fatal(err)
			}
			spec := Spec{Name: "x", Owner: "crm", Where: condition}
			problems := spec.Validate()
			if len(problems) != 1 || problems[0].Path != c.path || !strings.Contains(problems[0].Message, c.says) {
				t.Errorf("want one problem at %s saying %q, got %+v", c.path, c.says, problems)
			}
			if _, err := Compile([]Spec{spec}); fault.KindOf(err) != fault.Invalid {
				t.Errorf("Compile must refuse what Validate refuses, got %v", err)
			}
		})
	}
}

func TestValidateAcceptsTheLimits(t *testing.T) {
	for _, where := range []string{
		strings.Repeat(`{"not":`, MaxDepth-1) + `{"identified":"email"}` + strings.Repeat(`}`, MaxDepth-1),
		`{"any":[` + strings.Repeat(`{"identified":"email"},`, MaxNodes-2) + `{"identified":"email"}]}`,
		`{"event":{"name":"b","window":{"last":"36500d"}}}`,
		`{"event":{"name":"b","atMost":0,"window":{"to":"2026-01-01T00:00:00.000001Z"}}}`,
	} {
		c, err := ParseCondition([]byte(where))
		if err != nil {
			t.Fatal(err)
		}
		if problems := c.Validate("where"); len(problems) != 0 {
			t.Errorf("%.60s: %+v", where, problems)
		}
	}
}

func TestValidateAsksForNameAndOwner(t *testing.T) {
	problems := (&Spec{Where: Condition{Identified: "email"}}).Validate()
	if len(problems) != 2 || problems[0].Path != "name" || problems[1].Path != "owner" {
		t.Errorf("got %+v", problems)
	}
}

func TestParseConditionIsStrict(t *testing.T) {
	cases := []struct{ name, text, says string }{
		{"not JSON", `{"all":`, "not valid JSON"},
		{"two documents", `{} {}`, "not valid JSON"},
		{"no object", `[]`, "where: It should be an object"},
		{"unknown field", `{"al":[]}`, `where: "al" is no field here; did you mean all?`},
		{"other case", `{"Trait":{}}`, "did you mean trait?"},
		{"out of scope", `{"sequence":[]}`, `"sequence" is no field here`},
		{"unknown inside", `{"all":[{"identified":"e"},{"event":{"name":"b","window":{"lats":"1d"}}}]}`, "where.all[1].event.window: \"lats\""},
		{"in a filter", `{"event":{"name":"b","where":[{"prop":"a"}]}}`, "where.event.where[0]: \"prop\""},
		{"twice", `{"audience":"a","audience":"b"}`, "where.audience: It is written twice"},
		{"no list", `{"all":{}}`, "where.all: It should be a list"},
		{"wrong type", `{"audience":3}`, "where.audience: The value has the wrong type; it should be a string"},
		{"wrong number", `{"event":{"name":"b","atLeast":"many"}}`, "wrong form"},
		{"too deep", strings.Repeat(`{"not":`, 200) + `{}` + strings.Repeat(`}`, 200), "deep"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseCondition([]byte(c.text))
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("want %q, got %v", c.says, err)
			}
		})
	}
	if _, err := ParseCondition(make([]byte, maxDocument+1)); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("a huge document: %v", err)
	}
}

func FuzzParseCondition(f *testing.F) {
	for _, seed := range []string{
		`{"all":[{"trait":{"name":"city","op":"in","value":["Bern",3]}},{"not":{"audience":"x"}}]}`,
		`{"event":{"name":"b","where":[{"property":"a.b","op":"gt","value":1e3}],"measure":"avg","property":"n","atLeast":1.5,"atMost":2,"window":{"last":"30d"}}}`,
		`{"didNot":{"name":"b","window":{"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z"}}}`,
		`{"any":[{"consent":{"purpose":"ads","is":"granted"}},{"bucket":{"seed":"s","from":0,"to":5000}},{"identified":"email"}]}`,
		`{"all":[null],"all":[]}`, `{"all":[]}`, `{"event":{"name":"b","atLeast":""}}`, `nul`, `{"not":{"not":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	s := &Subject{Person: "p", Traits: map[string]any{"city": "Bern"}, History: []Occurrence{{Time: start, Name: "b", Properties: map[string]any{"n": 2.5}}}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseCondition(raw)
		if err != nil {
			if fault.KindOf(err) == fault.Internal || fault.Message(err) == "" {
				t.Fatalf("an error without kind or sentence: %v", err)
			}
			return
		}
		if Describe(c) == "" {
			t.Fatal("no description")
		}
		set, err := Compile([]Spec{{Name: "one", Where: c}})
		if err != nil {
			return // not valid, or a reference to another audience
		}
		got, _ := set.Evaluate(s, start, nil, Change{})
		if got["one"].Member != Evaluate(set.audiences[0], s, start) {
			t.Fatal("the evaluators disagree")
		}
	})
}

package contract

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// field is a property together with a value that fits it and values that break
// exactly one of its rules.
type field struct {
	property Property
	good     any
	broken   map[string]any
}

func raw(v any) json.RawMessage { b, _ := json.Marshal(v); return b }

func drawField(t *rapid.T, name string) field {
	p := Property{Name: name, Required: true}
	f := field{broken: map[string]any{"required": nil}}
	switch rapid.SampledFrom([]string{"string", "enum", "integer", "boolean", "date", "array", "object"}).Draw(t, "kind") {
	case "string":
		low := rapid.IntRange(1, 5).Draw(t, "low")
		high := low + rapid.IntRange(0, 5).Draw(t, "more")
		p.LogicalType, p.LogicalTypeOptions = "string", &Options{MinLength: &low, MaxLength: &high, Pattern: "^[a-zé]*$"}
		n := rapid.IntRange(low, high).Draw(t, "n")
		f.good = strings.Repeat("é", n)
		f.broken["minLength"], f.broken["maxLength"] = strings.Repeat("é", low-1), strings.Repeat("é", high+1)
		f.broken["pattern"] = strings.Repeat("X", n)
		f.broken["minLength"] = strings.Repeat("a", low-1)
	case "enum":
		p.LogicalType = "string"
		p.Quality = []Quality{{Metric: "invalidValues", MustBe: raw(0), Arguments: &Arguments{ValidValues: []json.RawMessage{raw("a"), raw("b")}}}}
		f.good = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "value")
		f.broken["enum"] = "c"
	case "integer":
		// Beyond 2^53 on purpose: floats would confuse neighbours there.
		low := rapid.Int64Range(-1<<62, 1<<62-100).Draw(t, "low")
		high := low + rapid.Int64Range(2, 99).Draw(t, "more")
		p.LogicalType, p.LogicalTypeOptions = "integer", &Options{Minimum: raw(low), ExclusiveMaximum: raw(high)}
		f.good = json.Number(fmt.Sprint(rapid.Int64Range(low, high-1).Draw(t, "value")))
		f.broken["minimum"], f.broken["exclusiveMaximum"] = json.Number(fmt.Sprint(low-1)), json.Number(fmt.Sprint(high))
		f.broken["type"] = json.Number(fmt.Sprintf("%d.5", low+1))
		if low+1 < 0 { // -3.5 lies below -3
			f.broken["type"] = json.Number(fmt.Sprintf("%d.5", low+2))
		}
		if high == low+2 && low < 0 {
			delete(f.broken, "type")
		}
	case "boolean":
		p.LogicalType, f.good = "boolean", rapid.Bool().Draw(t, "value")
		f.broken["type"] = "true"
	case "date":
		p.LogicalType, f.good = "date", fmt.Sprintf("20%02d-02-28", rapid.IntRange(0, 99).Draw(t, "year"))
		f.broken["type"] = "28.02.2020"
	case "array":
		inner := drawField(t, "")
		p.LogicalType, p.Items, f.good = "array", &inner.property, []any{inner.good, inner.good}
		f.broken["type"] = map[string]any{}
	case "object":
		p.LogicalType, p.Properties, f.good = "object", []Property{{Name: "x", Required: true}}, map[string]any{"x": true}
		f.broken["type"] = []any{}
	}
	f.property = p
	return f
}

func TestAFittingRecordPassesAndOneMutationBreaksOneRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fields []field
		o := Object{Name: "o"}
		record := map[string]any{}
		for i := range rapid.IntRange(1, 6).Draw(t, "fields") {
			f := drawField(t, fmt.Sprintf("f%d", i))
			fields = append(fields, f)
			o.Properties = append(o.Properties, f.property)
			record[f.property.Name] = f.good
		}
		s := Spec{APIVersion: "v3.1.0", Kind: "DataContract", ID: "i", Version: "1", Status: "active", Name: "n", Schema: []Object{o}}
		c, err := s.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if found := c.Check("o", record); found != nil {
			t.Fatalf("a fitting record breaks %v", found)
		}
		f := rapid.SampledFrom(fields).Draw(t, "field")
		rule := rapid.SampledFrom(sortedKeys(f.broken)).Draw(t, "rule")
		record[f.property.Name] = f.broken[rule]
		if got, want := brief(c.Check("o", record)), f.property.Name+" "+rule; got != want {
			t.Fatalf("got %q, want %q (%v)", got, want, f.broken[rule])
		}
	})
}

func TestNumbersAgreeWithRationals(t *testing.T) {
	draw := rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		x, ok1 := parseNumber(a)
		y, ok2 := parseNumber(b)
		ra, _ := new(big.Rat).SetString(a)
		rb, _ := new(big.Rat).SetString(b)
		if !ok1 || !ok2 {
			t.Fatalf("refused %q or %q", a, b)
		}
		if got, want := x.compare(y), ra.Cmp(rb); got != want {
			t.Fatalf("compare: got %d, want %d", got, want)
		}
		if x.whole() != ra.IsInt() {
			t.Fatalf("whole(%s) = %v", a, x.whole())
		}
		if (x.key() == y.key()) != (ra.Cmp(rb) == 0) {
			t.Fatalf("keys %s %s", x.key(), y.key())
		}
		if rb.Sign() != 0 {
			if got, want := x.multipleOf(y), new(big.Rat).Quo(ra, rb).IsInt(); got != want {
				t.Fatalf("multipleOf: got %v, want %v", got, want)
			}
		}
	})
}

func TestParseNumberKeepsToTheGrammar(t *testing.T) {
	for _, s := range []string{"", "-", "01", "1.", ".5", "1e", "1e+", "+1", "0x1", "NaN", "1 ", "1e5x", "--1", "1.2.3"} {
		if _, ok := parseNumber(s); ok {
			t.Errorf("%q is not a JSON number", s)
		}
	}
}

func FuzzSpecNeverPanics(f *testing.F) {
	f.Add([]byte(orderContract), []byte(`{"order_id":"AB","items":[{"sku":1e999999999}],"total":1e-99999999999}`))
	f.Add([]byte(`{"schema":[{"name":"orders","properties":[{"items":{"items":{}}}]}]}`), []byte(`{}`))
	f.Add([]byte(`null`), []byte(`{"a":null}`))
	f.Fuzz(func(t *testing.T, doc, record []byte) {
		var s Spec
		if json.Unmarshal(doc, &s) != nil {
			return
		}
		s.NotEnforced()
		c, err := s.Compile()
		if (err == nil) != (len(s.Validate()) == 0) {
			t.Fatal("Validate and Compile disagree")
		}
		v, _ := literal(record)
		r, ok := v.(map[string]any)
		if err != nil || !ok {
			return
		}
		for i := range s.Schema {
			c.Check(s.Schema[i].Name, r)
			c.CheckText(s.Schema[i].Name, r)
			for _, k := range c.UniqueFields(s.Schema[i].Name) {
				UniqueKey(r, k)
			}
		}
	})
}

func BenchmarkCheckFiveFields(b *testing.B) {
	c := mustCompile(b, `{"apiVersion":"v3.1.0","kind":"DataContract","id":"c","version":"1","status":"active","name":"n",
	 "customProperties":[{"property":"unplannedProperties","value":"quarantine"}],
	 "schema":[{"name":"orders","properties":[
	  {"name":"order_id","logicalType":"string","required":true,"logicalTypeOptions":{"minLength":2,"maxLength":36}},
	  {"name":"shop","logicalType":"integer","logicalTypeOptions":{"minimum":1,"maximum":999}},
	  {"name":"total","logicalType":"number","logicalTypeOptions":{"minimum":0}},
	  {"name":"status","logicalType":"string","quality":[{"metric":"invalidValues","arguments":{"validValues":["paid","open"]},"mustBe":0}]},
	  {"name":"day","logicalType":"date"}]}]}`)
	record := decode(b, `{"order_id":"ABC","shop":17,"total":19.99,"status":"paid","day":"2024-02-29"}`)
	b.ReportAllocs()
	for b.Loop() {
		if c.Check("orders", record) != nil {
			b.Fatal("broken")
		}
	}
}

package source

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/event"
)

var received = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)

func compile(t testing.TB, m Mapping) *Compiled {
	t.Helper()
	c, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func retail() Mapping {
	return Mapping{
		Key:    []string{"InvoiceNo", "StockCode"},
		Event:  "Order Line",
		Events: []EventCase{{Name: "Order Cancelled", When: Match{Column: "InvoiceNo", Matches: "^C"}}},
		Time:   &TimeColumn{Column: "InvoiceDate", Formats: []string{"2006-01-02 15:04:05"}, Zone: "Europe/London"},
		Identifiers: map[string]Column{
			"customer_id": {Column: "CustomerID", TrimSuffix: ".0"}, "email": {Column: "Email"}},
		Traits:     map[string]Column{"country": {Column: "Country"}},
		Properties: map[string]Column{"quantity": {Column: "Quantity", Type: "integer"}, "price": {Column: "UnitPrice", Type: "number"}},
		Consents:   map[string]ConsentColumn{"ads": {Column: "Ads", Granted: []string{"yes"}, Denied: []string{"no"}}},
	}
}

func TestApply(t *testing.T) {
	c := compile(t, retail())
	row := Row{"InvoiceNo": "C536365", "StockCode": "85|A", "Quantity": "-6", "InvoiceDate": "2011-07-01 08:26:00", "UnitPrice": "2.550",
		"CustomerID": "17850.0", "Email": "", "Country": "France", "Ads": "no", "Unmapped": "x"}
	got, wrong := c.Apply(row, event.Receipt{Source: "orders", ReceivedAt: received})
	want := event.Event{Source: "orders", ID: `C536365|85\|A`, Type: event.Record, Name: "Order Cancelled",
		Time: time.Date(2011, 7, 1, 7, 26, 0, 0, time.UTC), ReceivedAt: received,
		Identifiers: []event.Identifier{{Namespace: "customer_id", Value: "17850"}},
		Properties:  map[string]any{"quantity": json.Number("-6"), "price": json.Number("2.550")},
		Traits:      map[string]any{"country": "France"}, Consents: map[string]bool{"ads": false}}
	if len(wrong) != 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v %v\nwant %+v", got, wrong, want)
	}
	typed, wrong := c.Typed(row)
	wantTyped := map[string]any{"InvoiceNo": "C536365", "StockCode": "85|A", "Quantity": json.Number("-6"), "InvoiceDate": "2011-07-01T07:26:00Z",
		"UnitPrice": json.Number("2.550"), "CustomerID": "17850", "Country": "France", "Ads": "no", "Unmapped": "x"}
	if len(wrong) != 0 || !reflect.DeepEqual(typed, wantTyped) {
		t.Errorf("typed %+v %v", typed, wrong)
	}
}

// TestI12UnfitCellsAreListedWithoutTheirValues also checks that Typed leaves such
// cells as they came for the contract to find.
func TestI12UnfitCellsAreListedWithoutTheirValues(t *testing.T) {
	c := compile(t, retail())
	row := Row{"InvoiceNo": "1", "Quantity": "secret", "InvoiceDate": "secret", "UnitPrice": "secret", "CustomerID": []any{"secret"}}
	e, wrong := c.Apply(row, event.Receipt{ReceivedAt: received})
	var fields []string
	for _, w := range wrong {
		fields = append(fields, w.Field)
		if strings.Contains(w.Message+w.Shape, "secret") {
			t.Errorf("repeats a value: %+v", w)
		}
	}
	if want := []string{"properties.price", "properties.quantity", "identifiers.customer_id", "time"}; !reflect.DeepEqual(fields, want) {
		t.Errorf("got %v, want %v", fields, want)
	}
	if len(e.Properties) != 0 || !e.Time.Equal(received) {
		t.Errorf("an unfit cell got into the event: %+v", e)
	}
	typed, wrong := c.Typed(row)
	if typed["Quantity"] != "secret" || len(wrong) != 3 || wrong[0].Column != "InvoiceDate" {
		t.Errorf("typed %v %v", typed, wrong)
	}
}

func TestCoercion(t *testing.T) {
	n := func(s string) json.Number { return json.Number(s) }
	for _, c := range []struct {
		kind string
		in   any
		want any // nil: absent; unfit{}: refused
	}{
		{"", " x ", " x "}, {"", "", nil}, {"", nil, nil}, {"", n("1.50"), n("1.50")},
		{"string", " ", " "}, {"string", n("007"), "007"}, {"string", true, "true"}, {"string", []any{}, unfit},
		{"integer", " +007 ", n("7")}, {"integer", "-0", n("0")}, {"integer", "9223372036854775808", n("9223372036854775808")},
		{"integer", "3.0", n("3")}, {"integer", n("1e3"), n("1000")}, {"integer", "3.5", unfit}, {"integer", "1e-1", unfit}, {"integer", "1e999999999", unfit},
		{"integer", "", nil}, {"integer", "  ", nil}, {"integer", "0x10", unfit}, {"integer", "1,000", unfit}, {"integer", true, unfit}, {"integer", "--1", unfit}, {"integer", "1_000", unfit},
		{"number", "2.550", n("2.550")}, {"number", ".5", n("0.5")}, {"number", "-5.", n("-5")}, {"number", "1E+05", n("1E+05")},
		{"number", ".", unfit}, {"number", "NaN", unfit}, {"number", "Inf", unfit}, {"number", "1e", unfit}, {"number", "1e+-5", unfit}, {"number", "١", unfit},
		{"boolean", "TRUE", true}, {"boolean", "y", true}, {"boolean", "1", true}, {"boolean", n("0"), false}, {"boolean", "No", false}, {"boolean", "f", false}, {"boolean", false, false}, {"boolean", "2", unfit}, {"boolean", "maybe", unfit},
		{"date", "2024-02-29", "2024-02-29"}, {"date", "2023-02-29", unfit}, {"date", "2024-02-29T23:59:00-08:00", "2024-02-29"}, {"date", "01/02/2024", unfit},
		{"timestamp", "2024-07-01 12:00:00", "2024-07-01T11:00:00Z"}, {"timestamp", "2024-07-01T12:00:00.1234567+02:00", "2024-07-01T10:00:00.123456Z"}, {"timestamp", "0000-01-01", unfit}, {"timestamp", n("5"), unfit},
	} {
		m := Mapping{Time: &TimeColumn{Column: "t", Zone: "Europe/London"}, Properties: map[string]Column{"p": {Column: "c", Type: c.kind}}}
		e, wrong := compile(t, m).Apply(Row{"c": c.in}, event.Receipt{ReceivedAt: received})
		got, present := e.Properties["p"]
		switch {
		case c.want == unfit:
			if present || len(wrong) != 1 {
				t.Errorf("%s of %v: got %v, %v; want a mistake", c.kind, c.in, got, wrong)
			}
		case len(wrong) != 0 || got != c.want:
			t.Errorf("%s of %v: got %v, %v; want %v", c.kind, c.in, got, wrong, c.want)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		formats []string
		in, out string
	}{
		{[]string{"02/01/2006", "2006-01-02"}, "2024-03-04", "2024-03-04T00:00:00Z"},
		{[]string{"02/01/2006"}, "03/04/2024", "2024-04-03T00:00:00Z"},
		{[]string{"unix"}, "1772600000.25", "2026-03-04T04:53:20.25Z"},
		{[]string{"unix"}, "-1.5", "1969-12-31T23:59:58.5Z"},
		{[]string{"unix_ms"}, "1772600000123", "2026-03-04T04:53:20.123Z"},
		{[]string{"rfc3339"}, "2026-03-04T04:53:20+01:00", "2026-03-04T03:53:20Z"},
		{[]string{"unix"}, "99999999999999", ""},
		{[]string{"unix"}, "9223372036854775808", ""},
		{[]string{"rfc3339"}, "2026-03-04", ""},
	} {
		m := Mapping{Properties: map[string]Column{"p": {Column: "c", Type: "timestamp", Formats: c.formats}}}
		e, _ := compile(t, m).Apply(Row{"c": c.in}, event.Receipt{ReceivedAt: received})
		if got, _ := e.Properties["p"].(string); got != c.out {
			t.Errorf("%v of %s: got %q, want %q", c.formats, c.in, got, c.out)
		}
	}
}

func TestI6ContradictingConsentCells(t *testing.T) {
	c := compile(t, Mapping{Consents: map[string]ConsentColumn{"ads": {Column: "c", Granted: []string{"1", "true"}, Denied: []string{"0", ""}}}})
	for _, one := range []struct {
		row  Row
		want map[string]bool
	}{
		{Row{"c": "1"}, map[string]bool{"ads": true}}, {Row{"c": true}, map[string]bool{"ads": true}},
		{Row{"c": json.Number("0")}, map[string]bool{"ads": false}}, {Row{"c": ""}, map[string]bool{"ads": false}},
		{Row{"c": "maybe"}, nil}, {Row{}, nil},
	} {
		if e, _ := c.Apply(one.row, event.Receipt{ReceivedAt: received}); !reflect.DeepEqual(e.Consents, one.want) {
			t.Errorf("%v: got %v", one.row, e.Consents)
		}
	}
}

func TestKey(t *testing.T) {
	c := compile(t, Mapping{Key: []string{"a", "b"}})
	long := strings.Repeat("x", 600)
	if got := c.Key(Row{"a": long, "b": "1"}); len(got) != len("sha256:")+64 {
		t.Errorf("long key: %q", got)
	}
	empty := Row{"a": "", "c": "1"}
	if c.Key(empty) != ContentHash(empty) {
		t.Error("rows without a key must be told apart by their content (I2)")
	}
	whole := compile(t, Mapping{})
	if whole.Key(Row{"c": "1"}) != ContentHash(Row{"c": "1"}) {
		t.Error("an empty mapping key must be the content's hash")
	}
}

// TestKeyIsUnambiguous is the law that two keys are equal only if all parts are.
func TestKeyIsUnambiguous(t *testing.T) {
	c := compile(t, Mapping{Key: []string{"a", "b", "c"}})
	part := rapid.StringOfN(rapid.RuneFrom([]rune(`|\a`)), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(n string) Row {
			return Row{"a": part.Draw(t, n+"a"), "b": part.Draw(t, n+"b"), "c": "z" + part.Draw(t, n+"c")}
		}
		x, y := draw("x"), draw("y")
		if (c.Key(x) == c.Key(y)) != reflect.DeepEqual(x, y) {
			t.Fatalf("%v and %v have keys %s and %s", x, y, c.Key(x), c.Key(y))
		}
	})
}

func value() *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.StringMatching(`[^\x00]{0,8}`), func(s string) any { return s }),
		rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,4})?(e[+-]?[0-9]{1,2})?`), func(s string) any { return json.Number(s) }))
	list := rapid.Map(rapid.SliceOfN(leaf, 0, 3), func(l []any) any { return l })
	object := rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-c"\\]{0,3}`), list, 0, 3), func(m map[string]any) any { return m })
	return rapid.OneOf(leaf, list, object)
}

func TestI4RowsSurviveTheirEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := Row(rapid.MapOfN(rapid.StringMatching(`[^\x00]{0,5}`), value(), 0, 6).Draw(t, "row"))
		raw, err := EncodeRow(row)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeRow(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		again, err := EncodeRow(back)
		if err != nil || string(again) != string(raw) || ContentHash(back) != ContentHash(row) {
			t.Fatalf("%s became %s, %v", raw, again, err)
		}
	})
}

func TestEncodeRowRefusesWhatCannotBeReadBack(t *testing.T) {
	deep := any("x")
	for range event.MaxDepth {
		deep = []any{deep}
	}
	for name, v := range map[string]any{"NUL": "a\x00", "UTF-8": "\xff", "kind": 1, "number": json.Number("NaN"), "empty number": json.Number(""), "deep": deep, "large": strings.Repeat("x", event.MaxMessageBytes)} {
		if _, err := EncodeRow(Row{"c": v}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzDecodeRowApply(f *testing.F) {
	for _, seed := range []string{`{"InvoiceNo":"C1","Quantity":"1e3","InvoiceDate":"2011-07-01 08:26:00","CustomerID":17850.0,"Ads":"yes"}`,
		`{"Quantity":[1],"UnitPrice":"-.5","Email":{"a":null}}`, `{"UnitPrice":"1e99999999999"}`, `[]`, `{"\u0000":1}`} {
		f.Add([]byte(seed))
	}
	c := compile(f, retail())
	f.Fuzz(func(t *testing.T, raw []byte) {
		row, err := DecodeRow(raw)
		if err != nil {
			return
		}
		in := event.Receipt{Source: "s", ReceivedAt: received}
		e, wrong := c.Apply(row, in)
		again, wrongAgain := c.Apply(row, in)
		if !reflect.DeepEqual(e, again) || !reflect.DeepEqual(wrong, wrongAgain) {
			t.Fatal("the same row gave another event (I4)")
		}
		if e.ID == "" || e.Name == "" || e.Time.After(received.Add(event.MaxSkew)) {
			t.Fatalf("broken promise: %+v", e)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Fatal(err)
		}
		typed, _ := c.Typed(row)
		if _, err := EncodeRow(typed); err != nil && len(raw) < event.MaxMessageBytes/8 {
			t.Fatalf("the typed row cannot be written: %v", err)
		}
	})
}

func BenchmarkApply(b *testing.B) {
	c := compile(b, retail())
	row := Row{"InvoiceNo": "536365", "StockCode": "85123A", "Quantity": "6", "InvoiceDate": "2011-07-01 08:26:00", "UnitPrice": "2.55", "CustomerID": "17850.0", "Country": "France"}
	for b.Loop() {
		c.Apply(row, event.Receipt{Source: "s", ID: "x", ReceivedAt: received})
	}
}

package person_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"parley/internal/audience"
	"parley/internal/event"
	"parley/internal/person"
)

// What is written by hand is what encoding/json makes of a Document.
func TestEncodeIsTheJSONOfADocument(t *testing.T) {
	awkward := []any{"", "plain", "a\"b\\c", "<é>&\u2028\n", json.Number("0"), json.Number("-1"), json.Number("12.95"), json.Number("0.5"), json.Number("1e400"),
		true, false, nil, []any{"x", json.Number("1")}, map[string]any{"b": nil, "a": "ü"}}
	d := person.New(event.Identifier{Namespace: "email", Value: "a@x.org"})
	for _, v := range awkward {
		d.History = append(d.History, audience.Occurrence{Time: noon, Name: "Ö\"rder", Source: "web", ID: "e\t1", Properties: map[string]any{"v<": v, "a": v}})
	}
	d.History = append(d.History, audience.Occurrence{Time: noon.In(time.FixedZone("", 3600)), Name: "n", Source: "s", ID: "i"})
	d.Answers = audience.Memberships{"b": {Member: true, Next: noon.Add(time.Microsecond)}, "a": {}}
	d.Since = map[string]time.Time{"b": noon, "a": noon.Add(time.Nanosecond)}
	for name, d := range map[string]*person.Document{"full": d, "empty": {}, "new": person.New(event.Identifier{})} {
		got, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(generic(t, got), generic(t, want)) {
			t.Errorf("%s: got  %s\nwant %s", name, got, want)
		}
		again, err := person.Decode(got)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		spaced, err := person.Decode(append([]byte(" "), want...)) // not as Encode writes it
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(again, spaced) {
			t.Errorf("%s: read by hand %+v\nby the book  %+v", name, again, spaced)
		}
	}
}

func TestEncodeRefusesWhatJSONCannotHold(t *testing.T) {
	for name, d := range map[string]*person.Document{
		"year":   {FirstSeen: time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC)},
		"number": {History: []audience.Occurrence{{Properties: map[string]any{"n": json.Number("01")}}}},
		"text":   {History: []audience.Occurrence{{Properties: map[string]any{"n": json.Number("1.2.3")}}}},
	} {
		if raw, err := d.Encode(); err == nil {
			t.Errorf("%s: wrote %s", name, raw)
		}
	}
}

func generic(t *testing.T, raw []byte) (out any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return out
}

func BenchmarkDocument(b *testing.B) {
	d := person.New(event.Identifier{Namespace: "email", Value: "a@x.org"})
	for i := range 10 {
		d.History = append(d.History, audience.Occurrence{Time: noon.Add(time.Duration(i) * time.Second), Name: "Product Viewed", Source: "web",
			ID: "event-1234", Properties: map[string]any{"price": json.Number("12.95"), "sku": "tea"}})
	}
	d.Answers = audience.Memberships{"b": {Member: true, Next: noon}, "a": {}}
	raw, err := d.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := person.Decode(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.Encode(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

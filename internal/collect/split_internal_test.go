package collect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"parley/internal/fault"
)

var fuzzLimits = limits{events: 50, merged: 1 << 20}

// For any body there is either a refusal or entries whose payloads are JSON
// values, and a batch has as many as encoding/json counts.
func FuzzSplit(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `null`, `{"batch":[]}`, `{"batch":[{"messageId":"1"},7,"x",null]}`,
		`{"batch":[{"context":{"a":1}}],"context":{"b":2,"a":3},"integrations":{"All":false},"sentAt":"2026-01-01T00:00:00Z"}`,
		`{"type":null,"messageId":"a\u0000","context":{}}`, "\ufeff{}", "{\"batch\":[{\"\xe9\":1}]}",
		`{"b\u0061tch":[{ }],"context":{"\ud800":1}}`, `{"batch":[{"context":{"a":1},"context":null}],"context":{"":{}}}`,
		`{"messageId":-0,"type":""}`, strings.Repeat("[", 20_000), `{"batch":[` + strings.Repeat(`{},`, 60) + `{}]}`,
	} {
		f.Add([]byte(body), true)
		f.Add([]byte(body), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, batch bool) {
		in := newIntake()
		c := call{kind: "track"}
		if batch {
			c = call{}
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return // read refuses it
		}
		err := in.cut(body, c, fuzzLimits, time.Unix(0, 0))
		if valid := json.Valid(body); err == nil && !valid {
			t.Fatal("took what is not JSON")
		} else if fault.Message(err) == errNotJSON.Message && valid {
			t.Fatal("refused JSON as no JSON")
		}
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		for _, e := range in.entries {
			if !json.Valid(e.Payload) {
				t.Fatalf("payload %q is not JSON", e.Payload)
			}
			if e.ID == "" || utf8.RuneCountInString(e.ID) > maxID || !utf8.ValidString(e.ID) {
				t.Fatalf("id %q", e.ID)
			}
		}
		if !batch {
			checkSingle(t, body, in)
			return
		}
		var top map[string][]json.RawMessage
		_ = json.Unmarshal(body, &top) // other members may be of other kinds; batch is an array
		if len(top["batch"]) != len(in.entries) {
			t.Fatalf("%d entries of %d items", len(in.entries), len(top["batch"]))
		}
	})
}

// checkSingle holds a single call to its law: the payload is the body with a type.
func checkSingle(t *testing.T, body []byte, in *intake) {
	var before, after map[string]any
	if json.Unmarshal(body, &before) != nil || json.Unmarshal(in.entries[0].Payload, &after) != nil {
		return // a number that float64 cannot hold
	}
	if before["type"] == nil || before["type"] == "" {
		before["type"] = "track"
	}
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Fatalf("%v became %v", before, after)
	}
}

// The check must be as strict as the decoder that reads the payloads later.
func FuzzSameJudgementAsTheDecoder(f *testing.F) {
	for _, text := range []string{`01`, `-`, `1.`, `.5`, `1e`, `+1`, `"\x"`, "\"\x01\"", `"\ud800"`, `{"a":1,}`, `[1,]`, `{,}`,
		`nul`, `truex`, `{"a" :1}`, "\v1", `1 2`, `{"a":1}{`, `Infinity`, `-0.0E+1`, "\x00", `{"a"}`, `"`, `[}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if tooDeep(text) {
			return
		}
		if got, want := gjson.ValidBytes(text), json.Valid(text); got != want {
			t.Fatalf("gjson says %v, encoding/json says %v", got, want)
		}
	})
}

func TestTooDeep(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := []struct {
		name, body string
		want       bool
	}{
		{"flat", strings.Repeat("[]", 30_000), false},
		{"at the limit", nested(maxDepth), false},
		{"above", nested(maxDepth + 1), true},
		{"at the limit, many", "[" + nested(maxDepth-1) + "," + nested(maxDepth-1) + "]", false},
		{"in a text", `"` + nested(20_000) + `"`, false},
		{"in a text with escapes", `"\"` + nested(20_000) + `\\"`, false},
		{"after a text with escapes", `["\\",` + nested(20_000), true},
		{"in a text without an end", `"` + nested(20_000), false},
		{"ends in an escape", nested(6000) + `"\`, false},
	}
	for _, tt := range tests {
		if got := tooDeep([]byte(tt.body)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// typical is an event as browser SDKs send it, about 700 bytes.
const typical = `{"messageId":"ajs-next-%d-3f2504e0-4f89-11d3-9a0c-0305e82c3301","timestamp":"2026-03-01T11:59:58.005Z","type":"track","event":"Product Added","userId":null,"anonymousId":"0d6f9c1e-8c39-4a54-9c1b-1b2f8f0c9f11","properties":{"product_id":"SKU-4711","name":"Winter tyre \"Alpin\"","price":129.9,"quantity":4,"currency":"EUR"},"context":{"page":{"path":"/tyres/winter","referrer":"https://www.example.com/","search":"?q=winter","title":"Winter tyres","url":"https://shop.example.com/tyres/winter?q=winter"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36","locale":"de-DE","library":{"name":"analytics.js","version":"npm:next-1.84.3"}},"integrations":{}}`

func typicalBatch(n int, around string) []byte {
	var b bytes.Buffer
	b.WriteString(`{` + around + `"sentAt":"2026-03-01T11:59:58.005Z","batch":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, typical, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkSplit(b *testing.B) {
	h := New(nil, nil, Options{})
	for _, bench := range []struct{ name, around string }{
		{"plain", ""},
		{"context", `"context":{"library":{"name":"x"},"ip":"1"},`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			body := typicalBatch(100, bench.around)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				in := h.intakes.Get().(*intake)
				if err := in.cut(body, call{}, limits{events: 2500, merged: 8 << 20}, time.Unix(0, 0)); err != nil || len(in.entries) != 100 {
					b.Fatal(err)
				}
				h.release(in)
			}
			b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkValid is the limit that BenchmarkSplit is measured against.
func BenchmarkValid(b *testing.B) {
	body := typicalBatch(100, "")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if !gjson.ValidBytes(body) {
			b.Fatal("not valid")
		}
	}
}

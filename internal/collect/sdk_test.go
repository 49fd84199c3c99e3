package collect_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/collect"
	"parley/internal/event"
	"parley/internal/journal"
)

// What the SDKs send, in the forms that break naive servers
// (research/collection.md §4.3), and what must be in the journal.
func TestWhatSDKsSend(t *testing.T) {
	sent := time.Date(2026, 3, 1, 11, 59, 58, 5000000, time.UTC)
	tests := []struct {
		name, path, body string
		headers          []string
		id               string
		sentAt           time.Time
		payload          string
	}{
		{"analytics-next: text/plain, key in the body", "/v1/t",
			`{"messageId":"ajs-next-1","type":"track","event":"A","userId":null,"writeKey":"k-web","sentAt":"2026-03-01T11:59:58.005Z","_metadata":{"bundled":["Segment.io"],"unbundled":[]}}`,
			[]string{"Authorization: ", "Content-Type: text/plain"}, "ajs-next-1", sent,
			`{"messageId":"ajs-next-1","type":"track","event":"A","userId":null,"writeKey":"k-web","sentAt":"2026-03-01T11:59:58.005Z","_metadata":{"bundled":["Segment.io"],"unbundled":[]}}`},
		{"analytics-node: the sending time of the batch", "/v1/batch",
			`{"batch":[{"messageId":"node-next-1","type":"track","event":"A","timestamp":"2026-03-01T11:59:00Z"}],"writeKey":"k-web","sentAt":"2026-03-01T11:59:58.005Z"}`,
			nil, "node-next-1", sent,
			`{"messageId":"node-next-1","type":"track","event":"A","timestamp":"2026-03-01T11:59:00Z"}`},
		{"segmentio/analytics-go: the library stands around the batch", "/v1/batch",
			`{"messageId":"b","sentAt":"2026-03-01T12:59:58.005000999+01:00","batch":[{"type":"track","userId":"1","event":"A","messageId":"go-1","timestamp":"2026-03-01T12:59:00.123456789+01:00"}],"context":{"library":{"name":"analytics-go","version":"3.0.0"}}}`,
			nil, "go-1", sent,
			`{"context":{"library":{"name":"analytics-go","version":"3.0.0"}},"type":"track","userId":"1","event":"A","messageId":"go-1","timestamp":"2026-03-01T12:59:00.123456789+01:00"}`},
		{"rudder-sdk-node: gzip called a form", "/v1/batch",
			packed(t, []byte(`{"batch":[{"messageId":"r-1","type":"identify","userId":"1"}],"sentAt":"2026-03-01T11:59:58.005Z"}`)),
			[]string{"Content-Type: application/x-www-form-urlencoded", "Content-Encoding: gzip"}, "r-1", sent,
			`{"messageId":"r-1","type":"identify","userId":"1"}`},
		{"gzip without a header", "/v1/batch",
			packed(t, []byte(`{"batch":[{"messageId":"r-1","type":"identify"}]}`)), nil, "r-1", time.Time{},
			`{"messageId":"r-1","type":"identify"}`},
		{"rudder browser: its headers change nothing", "/v1/page",
			`{"messageId":"p-1","type":"page","anonymousId":"a","sentAt":"2026-03-01T11:59:58.005Z"}`,
			[]string{"AnonymousId: ZGlmZmVyZW50", "Content-Type: application/json"}, "p-1", sent,
			`{"messageId":"p-1","type":"page","anonymousId":"a","sentAt":"2026-03-01T11:59:58.005Z"}`},
		{"rudder analytics-go: each event has its sending time", "/v1/batch",
			`{"sentAt":"2020-01-01T00:00:00Z","batch":[{"messageId":"g-1","type":"track","event":"A","sentAt":"2026-03-01T11:59:58.005Z","originalTimestamp":"2026-03-01T11:59:00Z"}]}`,
			nil, "g-1", sent,
			`{"messageId":"g-1","type":"track","event":"A","sentAt":"2026-03-01T11:59:58.005Z","originalTimestamp":"2026-03-01T11:59:00Z"}`},
		{"a clock that is years off", "/v1/track",
			`{"messageId":"c-1","type":"track","event":"A","timestamp":"1999-12-31T23:00:00Z","sentAt":"1999-12-31T23:59:59Z"}`,
			nil, "c-1", time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC),
			`{"messageId":"c-1","type":"track","event":"A","timestamp":"1999-12-31T23:00:00Z","sentAt":"1999-12-31T23:59:59Z"}`},
		{"a sending time that is none", "/v1/track",
			`{"messageId":"c-2","type":"track","event":"A","sentAt":"yesterday"}`, nil, "c-2", time.Time{},
			`{"messageId":"c-2","type":"track","event":"A","sentAt":"yesterday"}`},
		{"curl: no type", "/v1/identify", ` {"messageId":"h-1","userId":"1"} `, nil, "h-1", time.Time{},
			`{"type":"identify","messageId":"h-1","userId":"1"}`},
		{"type is null", "/v1/alias", `{"type":null,"messageId":"h-1"}`, nil, "h-1", time.Time{}, `{"type":"alias","messageId":"h-1"}`},
		{"the type of the body stays", "/v1/track", `{"type":"page","messageId":"h-1"}`, nil, "h-1", time.Time{}, `{"type":"page","messageId":"h-1"}`},
		{"a number as id", "/v1/track", `{"type":"track","messageId":9223372036854775808}`, nil, "9223372036854775808", time.Time{},
			`{"type":"track","messageId":9223372036854775808}`},
		{"an id that is there twice", "/v1/track", `{"type":"track","messageId":"1","messageId":"2"}`, nil, "2", time.Time{},
			`{"type":"track","messageId":"1","messageId":"2"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, journal.Options{}, collect.Options{})
			if w := r.post(tt.path, tt.body, tt.headers...); w.Code != 200 || w.Body.String() != `{"success":true}` {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			stored := r.stored(t)
			if len(stored) != 1 {
				t.Fatalf("%d stored", len(stored))
			}
			e := stored[0]
			if e.Kind != journal.Event || e.Source != "web" || !e.ReceivedAt.Equal(noon) {
				t.Errorf("stored %v from %q at %v", e.Kind, e.Source, e.ReceivedAt)
			}
			if e.ID != tt.id || !e.SentAt.Equal(tt.sentAt) {
				t.Errorf("id %q sent at %v, want %q, %v", e.ID, e.SentAt, tt.id, tt.sentAt)
			}
			if string(e.Payload) != tt.payload {
				t.Errorf("payload\n%s, want\n%s", e.Payload, tt.payload)
			}
		})
	}
}

// An entry becomes an event with the corrected time: ten years of skew are taken out.
func TestClockSkewOfYears(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{})
	r.post("/v1/batch", `{"sentAt":"2016-03-01T12:00:00Z","batch":[{"type":"track","event":"A","messageId":"1","timestamp":"2016-03-01T11:59:50Z"}]}`)
	e := r.stored(t)[0]
	got, err := event.Parse(e.Payload, event.Receipt{Source: e.Source, ID: e.ID, ReceivedAt: e.ReceivedAt, SentAt: e.SentAt})
	if want := noon.Add(-10 * time.Second); err != nil || !got.Time.Equal(want) {
		t.Errorf("event time %v, %v; want %v", got.Time, err, want)
	}
}

func TestEveryCall(t *testing.T) {
	for path, kind := range map[string]string{
		"track": "track", "identify": "identify", "page": "page", "screen": "screen", "group": "group", "alias": "alias",
		"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias",
	} {
		for _, slashes := range []string{"/v1/" + path, "//v1//" + path, "/v1/" + path + "/"} {
			r := newRig(t, journal.Options{}, collect.Options{})
			w := r.post(slashes, `{"messageId":"1"}`)
			if got, want := r.payloads(t), `{"type":"`+kind+`","messageId":"1"}`; w.Code != 200 || len(got) != 1 || got[0] != want {
				t.Errorf("%s: answered %d, stored %q", slashes, w.Code, got)
			}
			if !collect.Owns(slashes) {
				t.Errorf("%s is not ours", slashes)
			}
		}
	}
	for _, path := range []string{"batch", "b", "import"} {
		r := newRig(t, journal.Options{}, collect.Options{})
		w := r.post("/v1/"+path, `{"batch":[{"messageId":"1"},{"messageId":"2"}]}`)
		if got := r.payloads(t); w.Code != 200 || len(got) != 2 || got[1] != `{"messageId":"2"}` {
			t.Errorf("%s: answered %d, stored %q", path, w.Code, got)
		}
	}
	for _, path := range []string{"/", "/api/v1/track", "/v1", "/v2/track"} {
		if collect.Owns(path) {
			t.Errorf("%s is ours", path)
		}
	}
}

// The SDKs' own metrics are taken, so that they are not sent again, and dropped.
func TestMetricsOfSDKsAreDropped(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{})
	if w := r.post("/v1/m", `{"series":[]}`, "Authorization: "); w.Code != 200 || len(r.stored(t)) != 0 {
		t.Errorf("answered %d, %d stored", w.Code, len(r.stored(t)))
	}
}

func TestIDs(t *testing.T) {
	tests := []struct {
		name, json string
		kept       bool
	}{
		{"plain", `"a-1"`, true},
		{"100 characters", `"` + strings.Repeat("x", 100) + `"`, true},
		{"101 characters", `"` + strings.Repeat("x", 101) + `"`, false},
		{"100 characters of four bytes", `"` + strings.Repeat("😀", 100) + `"`, true},
		{"101 characters of two bytes", `"` + strings.Repeat("é", 101) + `"`, false},
		{"escaped", `"a\u00e9\/b"`, true},
		{"empty", `""`, false},
		{"null", `null`, false},
		{"an object", `{"a":1}`, false},
		{"true", `true`, false},
		{"a line break", `"a\nb"`, false},
		{"NUL", `"a\u0000b"`, false},
		{"a control character above ASCII", `"a\u0085b"`, false},
		{"not UTF-8", "\"a\xe9\"", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, journal.Options{}, collect.Options{})
			r.post("/v1/batch", `{"batch":[{"messageId":`+tt.json+`},{"messageId":`+tt.json+`}]}`)
			stored := r.stored(t)
			if len(stored) != 2 {
				t.Fatalf("%d stored", len(stored))
			}
			if !tt.kept {
				if stored[0].ID == stored[1].ID || !strings.HasPrefix(stored[0].ID, "gen-") || len(stored[0].ID) != 36 {
					t.Errorf("ids %q and %q, want two new ones", stored[0].ID, stored[1].ID)
				}
				return
			}
			var want string
			if err := json.Unmarshal([]byte(tt.json), &want); err != nil {
				t.Fatal(err)
			}
			if stored[0].ID != want {
				t.Errorf("id %q, want %q", stored[0].ID, want)
			}
		})
	}
}

// What stands around a batch goes into each event that lacks it.
func TestAroundABatch(t *testing.T) {
	tests := []struct{ name, around, event, want string }{
		{"nothing around", ``, `{"a":1}`, `{"a":1}`},
		{"no context in the event", `"context":{"ip":"1"},`, `{"a":1}`, `{"context":{"ip":"1"},"a":1}`},
		{"an empty event", `"context":{"ip":"1"},`, `{ }`, `{"context":{"ip":"1"}}`},
		{"both", `"context":{"ip":"1"},"integrations":{"All":false},`, `{"a":1}`, `{"context":{"ip":"1"},"integrations":{"All":false},"a":1}`},
		{"null in the event", `"context":{"ip":"1"},`, `{"a":1,"context":null,"b":[1, 2]}`, `{"context":{"ip":"1"},"a":1,"b":[1, 2]}`},
		{"the event wins", `"context":{"ip":"1","library":{"name":"x"}},`, `{"context":{"ip":"2"}}`, `{"context":{"library":{"name":"x"},"ip":"2"}}`},
		{"the event has all", `"context":{"ip":"1"},`, `{"context": {"ip":"2"}}`, `{"context": {"ip":"2"}}`},
		{"spelt differently", `"context":{"i\u0070":"1"},`, `{"context":{"ip":"2"}}`, `{"context":{"ip":"2"}}`},
		{"an empty context in the event", `"context":{"ip":"1"},`, `{"context":{}}`, `{"context":{"ip":"1"}}`},
		{"no object in the event", `"context":{"ip":"1"},`, `{"context":"x"}`, `{"context":"x"}`},
		{"context twice in the event", `"context":{"ip":"1"},`, `{"context":{"a":1},"context":{"b":2}}`, `{"context":{"ip":"1","b":2}}`},
		{"no object around", `"context":[1],"integrations":null,`, `{"a":1}`, `{"a":1}`},
		{"empty around", `"context":{},`, `{"a":1}`, `{"a":1}`},
		{"no object at all", `"context":{"ip":"1"},`, `7`, `7`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, body := range []string{
				`{` + tt.around + `"batch":[` + tt.event + `]}`,
				`{"batch":[` + tt.event + `],` + tt.around + `"x":1}`,
			} {
				r := newRig(t, journal.Options{}, collect.Options{})
				r.post("/v1/batch", body)
				if got := r.payloads(t); !slices.Equal(got, []string{tt.want}) {
					t.Errorf("stored %q, want %q", got, tt.want)
				}
			}
		})
	}
}

// Requests that follow one another on the same memory do not mix.
func TestMemoryIsUsedAgainCleanly(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{})
	r.post("/v1/batch", `{"writeKey":"k-web","context":{"ip":"1"},"sentAt":"2026-03-01T00:00:00Z","batch":[{"a":1},{"a":2}]}`)
	r.post("/v1/batch", `{"batch":[{"b":1}]}`)
	// The same bytes stand where the key stood before.
	if w := r.post("/v1/track", `{"otherKey":"k-web","type":"x"}`, "Authorization: "); w.Code != http.StatusUnauthorized {
		t.Errorf("answered %d with the key of an earlier request", w.Code)
	}
	stored := r.stored(t)
	if len(stored) != 3 || string(stored[2].Payload) != `{"b":1}` || !stored[2].SentAt.IsZero() {
		t.Errorf("stored %+v", stored)
	}
}

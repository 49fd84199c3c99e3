package event

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/internal/fault"
)

var received = time.Date(2026, 3, 4, 10, 0, 0, 123456000, time.UTC)

func receipt() Receipt { return Receipt{Source: "web", ID: "m1", ReceivedAt: received} }

func mustParse(t *testing.T, raw string, in Receipt) Event {
	t.Helper()
	e, err := Parse([]byte(raw), in)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return e
}

func TestParseCalls(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		want      Event
	}{
		{"track", `{"type":"track","event":"Order Completed","properties":{"total":12.50},"context":{"traits":{"plan":"pro"}}}`,
			Event{Type: Track, Name: "Order Completed", Properties: map[string]any{"total": json.Number("12.50")},
				Traits: map[string]any{"plan": "pro"}, Context: map[string]any{"traits": map[string]any{"plan": "pro"}}}},
		{"capitalised type", `{"type":"Track","event":"x"}`, Event{Type: Track, Name: "x"}},
		{"identify", `{"type":"identify","traits":{"plan":"pro"}}`,
			Event{Type: Identify, Name: "identify", Traits: map[string]any{"plan": "pro"}}},
		{"identify with traits in context", `{"type":"identify","context":{"traits":{"plan":"pro"}}}`,
			Event{Type: Identify, Name: "identify", Traits: map[string]any{"plan": "pro"},
				Context: map[string]any{"traits": map[string]any{"plan": "pro"}}}},
		{"page", `{"type":"page","name":"Home","category":"Shop","properties":{"url":"/"}}`,
			Event{Type: Page, Name: "page", Properties: map[string]any{"name": "Home", "category": "Shop", "url": "/"}}},
		{"screen without properties", `{"type":"screen","name":"Home"}`,
			Event{Type: Screen, Name: "screen", Properties: map[string]any{"name": "Home"}}},
		{"page keeps the name in its properties", `{"type":"page","name":null,"properties":{"name":"Home"}}`,
			Event{Type: Page, Name: "page", Properties: map[string]any{"name": "Home"}}},
		{"group", `{"type":"group","groupId":"g1","traits":{"email":"office@example.org"}}`,
			Event{Type: Group, Name: "group", Properties: map[string]any{"groupId": "g1", "email": "office@example.org"}}},
		{"alias", `{"type":"alias","userId":"u2","previousId":"u1"}`,
			Event{Type: Alias, Name: "alias", Identifiers: []Identifier{{"user_id", "u2"}, {"user_id", "u1"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Source, c.want.ID, c.want.ReceivedAt, c.want.Time = "web", "m1", received, received
			if got := mustParse(t, c.raw, receipt()); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestParseIdentifiers(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		want      []Identifier
	}{
		{"none", `{"type":"page","userId":null,"anonymousId":""}`, nil},
		{"all in order", `{"type":"identify","anonymousId":"a","userId":"u","traits":{"phone":"+1","email":"E@x "},
			"context":{"traits":{"email":"old@x"},"externalIds":[{"type":"crm","id":7,"collection":"users"},{"type":"idfa","id":"z"}]}}`,
			[]Identifier{{"user_id", "u"}, {"anonymous_id", "a"}, {"email", "E@x "}, {"email", "old@x"}, {"phone", "+1"}, {"crm", "7"}, {"idfa", "z"}}},
		{"duplicates", `{"type":"alias","userId":"u","previousId":"u","context":{"externalIds":[{"type":"user_id","id":"u"}]}}`,
			[]Identifier{{"user_id", "u"}}},
		{"number with all digits", `{"type":"page","userId":18446744073709551617}`, []Identifier{{"user_id", "18446744073709551617"}}},
		{"group's address is not the person's", `{"type":"group","traits":{"email":"office@x"},"context":{"traits":{"email":"me@x"}}}`,
			[]Identifier{{"email", "me@x"}}},
		{"not from properties", `{"type":"track","event":"e","properties":{"email":"e@x"}}`, nil},
		{"trait of another kind", `{"type":"identify","traits":{"email":["e@x"],"phone":4912}}`, []Identifier{{"phone", "4912"}}},
		{"previousId only of an alias", `{"type":"identify","userId":"u","previousId":"p"}`, []Identifier{{"user_id", "u"}}},
		{"empty external id", `{"type":"page","context":{"externalIds":[{"type":"crm","id":null}]}}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mustParse(t, c.raw, receipt()).Identifiers; !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestI6DenialWins protects the default deny where messages contradict themselves.
func TestI6DenialWins(t *testing.T) {
	for _, c := range []struct {
		name, context string
		want          map[string]bool
	}{
		{"none", `{}`, nil},
		{"preferences", `{"consent":{"categoryPreferences":{"ads":true,"mail":false}}}`, map[string]bool{"ads": true, "mail": false}},
		{"management", `{"consentManagement":{"allowedConsentIds":["ads","mail"],"deniedConsentIds":["mail"]}}`, map[string]bool{"ads": true, "mail": false}},
		{"denied in preferences, allowed in management", `{"consent":{"categoryPreferences":{"ads":false}},"consentManagement":{"allowedConsentIds":["ads"]}}`, map[string]bool{"ads": false}},
		{"allowed in preferences, denied in management", `{"consent":{"categoryPreferences":{"ads":true}},"consentManagement":{"deniedConsentIds":["ads"]}}`, map[string]bool{"ads": false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := mustParse(t, `{"type":"page","context":`+c.context+`}`, receipt()).Consents
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestParseTime(t *testing.T) {
	sent := "2026-03-04T09:59:58Z"
	for _, c := range []struct {
		name, fields string
		sentAt       string // of the batch
		want         string
	}{
		{"none", ``, "", "2026-03-04T10:00:00.123456Z"},
		{"timestamp alone", `"timestamp":"2026-03-04T09:00:00Z"`, "", "2026-03-04T09:00:00Z"},
		{"corrected by the batch's sentAt", `"timestamp":"2026-03-04T09:00:00Z"`, sent, "2026-03-04T09:00:02.123456Z"},
		{"corrected by its own sentAt", `"originalTimestamp":"2026-03-04T09:00:00Z","sentAt":"2026-03-04T09:00:10Z"`, sent, "2026-03-04T09:59:50.123456Z"},
		{"unreadable sentAt falls back to the batch's", `"timestamp":"2026-03-04T09:00:00Z","sentAt":"soon"`, sent, "2026-03-04T09:00:02.123456Z"},
		{"both times: timestamp stands", `"timestamp":"2026-03-04T08:00:00Z","originalTimestamp":"2026-03-04T09:00:00Z","sentAt":"2020-01-01T00:00:00Z"`, "", "2026-03-04T08:00:00Z"},
		{"null timestamp beside an original", `"timestamp":null,"originalTimestamp":"2026-03-04T09:00:00Z"`, "", "2026-03-04T09:00:00Z"},
		{"clock at 1970", `"timestamp":"1970-01-01T00:00:10Z","sentAt":"1970-01-01T00:01:10Z"`, "", "2026-03-04T09:59:00.123456Z"},
		{"clock 900 years ahead", `"timestamp":"2926-01-01T00:00:00Z","sentAt":"2926-01-01T00:01:00Z"`, "", "2026-03-04T09:59:00.123456Z"},
		{"future is clamped", `"timestamp":"2027-01-01T00:00:00Z"`, "", "2026-03-04T10:00:05.123456Z"},
		{"sent before it happened is clamped", `"timestamp":"2026-03-04T09:01:00Z","sentAt":"2026-03-04T09:00:00Z"`, "", "2026-03-04T10:00:05.123456Z"},
		{"Go's zero time", `"timestamp":"0001-01-01T00:00:00Z","sentAt":"0001-01-01T00:00:00Z"`, "", "2026-03-04T10:00:00.123456Z"},
		{"before 1900", `"timestamp":"1899-12-30T00:00:00Z"`, "", "2026-03-04T10:00:00.123456Z"},
		{"unreadable", `"timestamp":"NOW"`, "", "2026-03-04T10:00:00.123456Z"},
		{"impossible date", `"timestamp":"2026-02-30T00:00:00Z"`, "", "2026-03-04T10:00:00.123456Z"},
		{"offset and nanoseconds", `"timestamp":"2026-03-04T11:00:00.123456789+05:30"`, "", "2026-03-04T05:30:00.123456Z"},
		{"milliseconds", `"timestamp":1772600000123`, "", "2026-03-04T04:53:20.123Z"},
		{"seconds", `"timestamp":1772600000`, "", "2026-03-04T04:53:20Z"},
		{"number too large", `"timestamp":99999999999999999999`, "", "2026-03-04T10:00:00.123456Z"},
		{"object", `"timestamp":{}`, "", "2026-03-04T10:00:00.123456Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := receipt()
			if c.sentAt != "" {
				in.SentAt, _ = time.Parse(time.RFC3339, c.sentAt)
			}
			raw := `{"type":"page"}`
			if c.fields != "" {
				raw = `{"type":"page",` + c.fields + `}`
			}
			if got := mustParse(t, raw, in).Time.Format(time.RFC3339Nano); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParseID(t *testing.T) {
	raw := `{"type":"page","messageId":"own"}`
	if got := mustParse(t, raw, receipt()).ID; got != "m1" {
		t.Errorf("the receipt's id must win, got %q", got)
	}
	if got := mustParse(t, raw, Receipt{ReceivedAt: received}).ID; got != "own" {
		t.Errorf("the message's id must be taken, got %q", got)
	}
	if _, err := Parse([]byte(`{"type":"page"}`), Receipt{ReceivedAt: received}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a message without any id: %v", err)
	}
}

func TestParseKeepsDigits(t *testing.T) {
	e := mustParse(t, `{"type":"track","event":"e","properties":{"big":9223372036854775808,"exact":0.10000000000000000001}}`, receipt())
	want := map[string]any{"big": json.Number("9223372036854775808"), "exact": json.Number("0.10000000000000000001")}
	if !reflect.DeepEqual(e.Properties, want) {
		t.Errorf("got %v", e.Properties)
	}
}

// TestI12ParseErrorsNameTheFieldOnly looks for the value "secret" in each sentence.
func TestI12ParseErrorsNameTheFieldOnly(t *testing.T) {
	deep := `{"type":"page","context":{"a":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}}`
	for _, c := range []struct {
		name, raw string
		kind      fault.Kind
		says      string
	}{
		{"empty", ``, fault.Invalid, "ends before"},
		{"cut off", `{"type":"secret`, fault.Invalid, "ends before"},
		{"syntax", `{"type":secret}`, fault.Invalid, "at byte"},
		{"array", `["secret"]`, fault.Invalid, "single JSON object"},
		{"two objects", `{"type":"page"}{"secret":1}`, fault.Invalid, "single JSON object"},
		{"unknown type", `{"type":"secret"}`, fault.Invalid, "type must be one of"},
		{"no type", `{}`, fault.Invalid, "type must be one of"},
		{"record is not a wire type", `{"type":"record"}`, fault.Invalid, "type must be one of"},
		{"track without name", `{"type":"track"}`, fault.Invalid, "event is missing"},
		{"track with blank name", `{"type":"track","event":"  "}`, fault.Invalid, "event is missing"},
		{"track with number", `{"type":"track","event":1}`, fault.Invalid, "event is missing"},
		{"properties", `{"type":"page","properties":["secret"]}`, fault.Invalid, "properties must be an object"},
		{"context traits", `{"type":"page","context":{"traits":["secret"]}}`, fault.Invalid, "context.traits must be an object"},
		{"userId", `{"type":"page","userId":{"secret":1}}`, fault.Invalid, "userId must be text"},
		{"external ids", `{"type":"page","context":{"externalIds":[{"id":"secret"}]}}`, fault.Invalid, "context.externalIds[0].type"},
		{"consent", `{"type":"page","context":{"consent":{"categoryPreferences":{"secret":"yes"}}}}`, fault.Invalid, "categoryPreferences"},
		{"denials in another form", `{"type":"page","context":{"consentManagement":{"deniedConsentIds":"secret"}}}`, fault.Invalid, "deniedConsentIds"},
		{"NUL in a value", `{"type":"page","traits":{"first":"secret\u0000"}}`, fault.Invalid, "traits.first contains a NUL"},
		{"NUL in a key", `{"type":"page","traits":{"secret\u0000":1}}`, fault.Invalid, "traits.? contains a NUL"},
		{"NUL in a list", `{"type":"page","properties":{"l":[1,{"x":"\u0000"}]}}`, fault.Invalid, "properties.l[1].x contains"},
		{"address as key", `{"type":"page","traits":{"secret@example.org":"\u0000"}}`, fault.Invalid, "traits.? contains"},
		{"UTF-8 in a value", "{\"type\":\"page\",\"traits\":{\"first\":\"secret\xff\"}}", fault.Invalid, "traits.first is not valid UTF-8"},
		{"UTF-8 outside of a text", "{\"type\":\"page\"}\xff", fault.Invalid, "not valid UTF-8 (at byte 16)"},
		{"too deep", deep, fault.Invalid, "context is nested more than 64"},
		{"too large", `{"type":"page","x":"` + strings.Repeat("x", MaxMessageBytes) + `"}`, fault.TooLarge, "limit is 1048576"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.raw), receipt())
			if fault.KindOf(err) != c.kind || err == nil {
				t.Fatalf("kind %v of %v, want %v", fault.KindOf(err), err, c.kind)
			}
			if !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("says %q, want %q", fault.Message(err), c.says)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("repeats a value: %v", err)
			}
		})
	}
}

func TestParseDepthLimitIsExact(t *testing.T) {
	// The message is level 1 and properties level 2.
	nest := func(n int) string {
		return `{"type":"page","properties":{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`
	}
	mustParse(t, nest(MaxDepth-2), receipt())
	if _, err := Parse([]byte(nest(MaxDepth-1)), receipt()); err == nil {
		t.Error("one level over the limit was accepted")
	}
}

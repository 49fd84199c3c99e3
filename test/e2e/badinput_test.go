package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"parley/client"
)

// badBodies sends what cannot be an event or a batch, each between two good
// events: the answer says what is wrong, and nothing else is lost.
func badBodies(t *testing.T, w *world) {
	good := `{"messageId":"x","type":"track","userId":"u","event":"E"}`
	big := `{"messageId":"big","userId":"u","event":"E","properties":{"text":"` + strings.Repeat("a", 10<<20) + `"}}`
	many := `{"batch":[` + strings.TrimSuffix(strings.Repeat(good+",", 2501), ",") + `]}`
	packed := map[string]string{"Content-Encoding": "gzip"}
	before := w.ledger(t, "site")
	cases := []struct {
		name   string
		r      request
		status int
		says   string
	}{
		{"malformed JSON", request{path: "/v1/track", body: `{"event":"E",`}, 400, "not valid JSON"},
		{"malformed JSON in a batch", request{path: "/v1/batch", body: `{"batch":[` + good + `,{]}`}, 400, "not valid JSON"},
		{"two values in a body", request{path: "/v1/track", body: good + good}, 400, "not valid JSON"},
		{"a list for an event", request{path: "/v1/track", body: `[1]`}, 400, "must be a JSON object"},
		{"a batch that is none", request{path: "/v1/batch", body: `{"batch":"all"}`}, 400, "must be an array"},
		{"no batch", request{path: "/v1/batch", body: `{}`}, 400, "has no batch"},
		{"an empty body", request{path: "/v1/track"}, 400, "body is empty"},
		{"Latin-1", request{path: "/v1/track", body: "{\"userId\":\"u\",\"event\":\"Caf\xe9\"}"}, 400, "not valid UTF-8"},
		{"UTF-16", request{path: "/v1/track", body: utf16Of(good)}, 400, "UTF-8"},
		{"an unknown Content-Encoding", request{path: "/v1/track", body: "x", header: map[string]string{"Content-Encoding": "br"}}, 400, "plain or as gzip"},
		{"gzip that is none", request{path: "/v1/track", body: "\x1f\x8bno", header: packed}, 400, "not valid gzip"},
		{"gzip cut short", request{path: "/v1/track", body: zipped(t, good)[:30], header: packed}, 400, "not valid gzip"},
		{"a gzip bomb", request{path: "/v1/batch", body: zipped(t, strings.Repeat(" ", 32<<20)), header: packed}, 413, "packed or unpacked"},
		{"an event of 10 MB", request{path: "/v1/track", body: big}, 413, "larger than"},
		{"a batch of 10 MB", request{path: "/v1/batch", body: `{"batch":[` + big + `]}`}, 413, "larger than"},
		{"too many events", request{path: "/v1/batch", body: many}, 413, "2500"},
		{"JSON without end", request{path: "/v1/batch", body: strings.Repeat(`{"a":`, 20000)}, 400, "deep"},
	}
	for i, c := range cases {
		w.around(t, fmt.Sprintf("body-%d-before", i))
		c.r.user = writeKey
		a := w.do(t, c.r)
		if a.status != c.status || !strings.Contains(a.body, c.says) || len(a.body) > 300 {
			t.Errorf("%s: %d %.300q, want %d with %q", c.name, a.status, a.body, c.status, c.says)
		}
		w.around(t, fmt.Sprintf("body-%d-after", i))
	}
	w.wrongKeys(t, good)
	n := int64(2 * len(cases))
	if got := gained(before, w.ledger(t, "site")); got != (client.SourceLedger{Received: n, Processed: n, Balanced: true}) {
		t.Errorf("the good events around: %+v, want %d processed", got, n)
	}
}

// around sends a good event; after each bad one another must get through.
func (w *world) around(t *testing.T, id string) {
	t.Helper()
	w.send(t, message{"track", client.Message{"messageId": id, "anonymousId": "a-around", "event": "Fine"}})
}

func (w *world) wrongKeys(t *testing.T, good string) {
	t.Helper()
	for _, c := range []struct {
		name   string
		r      request
		status int
		says   string
	}{
		{"no write key", request{path: "/v1/track", body: good}, 401, "write key is missing"},
		{"an unknown write key", request{path: "/v1/track", body: good, user: "nobody's"}, 401, "No source has this write key"},
		{"a GET", request{method: "GET", path: "/v1/track", user: writeKey}, 405, "POST"},
		{"an unknown path", request{path: "/v1/tracks", body: good, user: writeKey}, 404, "no such operation"},
	} {
		if a := w.do(t, c.r); a.status != c.status || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d %q, want %d with %q", c.name, a.status, a.body, c.status, c.says)
		}
	}
}

func utf16Of(s string) string {
	out := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

// badEvents sends one batch of odd and bad events: each is judged alone.
func badEvents(t *testing.T, w *world) {
	bea := w.someone("bea")
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	id := func(name string) string { return `"messageId":"odd-` + name + `","userId":"` + bea.ID + `"` }
	cases := []struct{ name, event, outcome, detail string }{
		{"fine", `{"type":"track",` + id("fine") + `,"event":"Fine"}`, "processed", ""},
		{"huge", `{"type":"identify",` + id("huge") + `,"traits":{"points":9223372036854775808}}`, "processed", ""},
		{"nobody", `{"type":"track","messageId":"odd-nobody","userId":"","anonymousId":"  ","event":"Fine"}`, "processed", "nobody"},
		{"junk", `{"type":"track","messageId":"odd-junk","userId":"undefined","event":"Fine"}`, "processed", "nobody"},
		{"past", `{"type":"track",` + id("past") + `,"event":"Fine","timestamp":"1999-01-01T00:00:00Z"}`, "processed", ""},
		{"future", `{"type":"track",` + id("future") + `,"event":"Fine","timestamp":"2199-01-01T00:00:00Z"}`, "processed", ""},
		{"notime", `{"type":"track",` + id("notime") + `,"event":"Fine","timestamp":"yesterday"}`, "processed", ""},
		{"type", `{"type":"dance",` + id("type") + `}`, "quarantined", "format"},
		{"noname", `{"type":"track",` + id("noname") + `}`, "quarantined", "format"},
		{"deep", `{"type":"track",` + id("deep") + `,"event":"Fine","properties":` + deep + `}`, "quarantined", "format"},
		{"negative", `{"type":"track",` + id("negative") + `,"event":"Order Placed","properties":{"order_id":"o","total":-1,"currency":"EUR"}}`, "quarantined", "minimum total"},
		{"nul", `{"type":"track",` + id("nul") + `,"event":"Fi\u0000ne"}`, "quarantined", "format"},
		{"last", `{"type":"track",` + id("last") + `,"event":"Fine"}`, "processed", ""},
	}
	batch := make([]string, 0, len(cases)+3)
	for _, c := range cases {
		batch = append(batch, c.event)
	}
	batch = append(batch, `17`, `"text"`, `null`) // no events at all, and still accounted for
	before := w.ledger(t, "site")
	a := w.do(t, request{path: "/v1/batch", user: writeKey, body: `{"batch":[` + strings.Join(batch, ",") + `],"sentAt":"` + time.Now().UTC().Format(time.RFC3339Nano) + `"}`})
	if a.status != 200 {
		t.Fatalf("the batch: %d %s", a.status, a.body)
	}
	got := gained(before, w.ledger(t, "site"))
	want := client.SourceLedger{Received: int64(len(batch)), Balanced: true, Quarantined: 3}
	for _, c := range cases {
		if r := w.receipt(t, "site", "odd-"+c.name, c.outcome); !strings.Contains(r.Detail, c.detail) {
			t.Errorf("%s: the receipt says %q, want %q", c.name, r.Detail, c.detail)
		}
		if c.outcome == "processed" {
			want.Processed++
		} else {
			want.Quarantined++
		}
	}
	if got != want {
		t.Errorf("the batch: %+v, want %+v", got, want)
	}
	p := w.person(t, "user_id", bea.ID)
	if fmt.Sprint(p.Traits["points"].Value) != "9223372036854775808" {
		t.Errorf("2^63 became %v", p.Traits["points"].Value)
	}
	if late := time.Since(p.LastSeen); late < -time.Hour || late > time.Hour {
		t.Errorf("a clock of 2199 gives last seen %v", p.LastSeen)
	}
	w.senderClock(t)
}

// senderClock sends from a machine whose clock is years wrong: the error is taken
// out, because the sender tells when it sent.
func (w *world) senderClock(t *testing.T) {
	t.Helper()
	cleo := w.someone("cleo")
	theirs := time.Date(2001, 1, 1, 12, 0, 0, 0, time.UTC)
	m := client.Message{"type": "track", "messageId": "odd-clock", "userId": cleo.ID, "event": "Product Viewed",
		"timestamp": theirs.Add(-10 * time.Second).Format(time.RFC3339)}
	if err := w.api.Batch(t.Context(), writeKey, []client.Message{m}, theirs); err != nil {
		t.Fatal(err)
	}
	w.settle(t)
	if p := w.person(t, "user_id", cleo.ID); p.Audiences["here-now"].IsZero() || time.Since(p.LastSeen) > time.Minute {
		t.Errorf("a clock of 2001 gives last seen %v, audiences %v", p.LastSeen, p.Audiences)
	}
}

// badRequests sends the API what it cannot read: the answer names the field or
// line, never the value, and nothing is taken in.
func badRequests(t *testing.T, w *world) {
	dot := w.someone("dot")
	row := `{"visit_id":"r1","customer":"` + dot.ID + `"}` + "\n"
	before := w.ledger(t, "visits")
	for _, c := range []struct {
		name, path, body string
		status           int
		says             string
	}{
		{"a bad line among rows", "/v1/sources/visits/rows", row + `{"visit_id":` + "\n" + row, 400, "Line 2"},
		{"a line that is no object", "/v1/sources/visits/rows", row + row + `["` + dot.Email + `"]`, 400, "is a list"},
		{"rows in Latin-1", "/v1/sources/visits/rows", "{\"visit_id\":\"Caf\xe9\"}", 400, "Line 1"},
		{"rows of no source", "/v1/sources/no-such/rows", row, 404, "no source"},
		{"rows for an http source", "/v1/sources/site/rows", row, 400, "write key"},
		{"40 MB of rows", "/v1/sources/visits/rows", strings.Repeat(" ", 40<<20), 413, "too large"},
		{"an ask that is no JSON", "/v1/ask", `{"form":"` + dot.Email, 400, "compare it with /docs"},
		{"an ask of another shape", "/v1/ask", `{"form":"checkout","visitor":"` + dot.Email + `"}`, 422, "body.visitor"},
		{"an unknown field", "/v1/ask", `{"form":"checkout","` + dot.Email + `":1,"visitor":{"namespace":"email","value":"x"}}`, 422, "unexpected property"},
		{"a condition that cannot be", "/v1/audiences/preview", `{"where":{"trait":{"name":"city","op":"gtt","value":"` + dot.Email + `"}}}`, 400, "gtt"},
		{"an unknown part of a condition", "/v1/audiences/preview", `{"where":{"trade":1}}`, 400, "trade"},
		{"no files", "/v1/workspace/apply", `{"files":{},"author":"a"}`, 422, "body.files"},
		{"a retry of nothing", "/v1/deliveries/retry", `{"activation":"no-such"}`, 404, "activation"},
	} {
		content := "application/json"
		if strings.HasSuffix(c.path, "/rows") {
			content = "application/x-ndjson"
		}
		a := w.do(t, request{path: c.path, body: c.body, token: w.token, header: map[string]string{"Content-Type": content}})
		if a.status != c.status || !strings.Contains(a.body, c.says) || strings.Contains(strings.ToLower(a.body), "qx") {
			t.Errorf("%s: %d %s, want %d with %q and no value", c.name, a.status, a.body, c.status, c.says)
		}
	}
	if after := w.ledger(t, "visits"); after != before {
		t.Errorf("something was taken in all the same: %+v", gained(before, after))
	}
}

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"testing"
	"time"

	"parley/client"
)

// everyEndpoint sends one person's events through every way in and follows each
// from its receipt to the person and the person's traits.
func everyEndpoint(t *testing.T, w *world) {
	ada := w.someone("ada")
	former := w.someone("formerada")
	w.send(t,
		message{"page", client.Message{"messageId": "ways-page", "anonymousId": ada.Anonymous, "properties": map[string]any{"url": "https://shop.example/"}}},
		message{"identify", client.Message{"messageId": "ways-identify", "userId": ada.ID, "anonymousId": ada.Anonymous,
			"traits": map[string]any{"email": ada.Email, "first_name": ada.First, "last_name": ada.Last, "city": "London"}}},
		track("ways-track", ada, "Product Viewed", map[string]any{"sku": "22086"}),
		message{"screen", client.Message{"messageId": "ways-screen", "userId": ada.ID, "name": "Basket"}},
		message{"group", client.Message{"messageId": "ways-group", "userId": ada.ID, "groupId": "g-1", "traits": map[string]any{"plan": "gold"}}},
		message{"alias", client.Message{"messageId": "ways-alias", "userId": ada.ID, "previousId": former.ID}},
	)
	messages := []client.Message{
		{"type": "track", "messageId": "ways-batch-1", "userId": ada.ID, "event": "Product Viewed"},
		{"type": "identify", "messageId": "ways-batch-2", "userId": ada.ID, "traits": map[string]any{"city": "Paris"}},
	}
	if err := w.api.Batch(t.Context(), writeKey, messages, time.Now()); err != nil {
		t.Fatal(err)
	}
	packed := request{path: "/v1/track", user: writeKey, header: map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"},
		body: zipped(t, body(t, client.Message{"messageId": "ways-gzip", "userId": ada.ID, "event": "Product Viewed"}))}
	plain := request{path: "/v1/track", header: map[string]string{"Content-Type": "text/plain"},
		body: body(t, client.Message{"writeKey": writeKey, "messageId": "ways-plain", "userId": ada.ID, "event": "Product Viewed"})}
	for _, r := range []request{packed, plain} {
		if a := w.do(t, r); a.status != 200 {
			t.Fatalf("%s %v: %d %s", r.path, r.header, a.status, a.body)
		}
	}
	w.settle(t)

	p := w.person(t, "email", ada.Email)
	for _, id := range []string{"ways-page", "ways-identify", "ways-track", "ways-screen", "ways-group", "ways-alias",
		"ways-batch-1", "ways-batch-2", "ways-gzip", "ways-plain"} {
		r := w.receipt(t, "site", id, "processed")
		if r.Person != p.ID || r.ReceivedAt.IsZero() || r.Position == 0 || r.Duplicates != 0 {
			t.Errorf("receipt %s: %+v, want person %d", id, r, p.ID)
		}
	}
	for name, want := range map[string][2]string{
		"first_name": {ada.First, "ways-identify"}, "last_name": {ada.Last, "ways-identify"},
		"email": {ada.Email, "ways-identify"}, "city": {"Paris", "ways-batch-2"},
	} {
		got := p.Traits[name]
		if got.Value != want[0] || got.Event != want[1] || got.Source != "site" || got.Time.IsZero() {
			t.Errorf("trait %s is %+v, want %q of event %s", name, got, want[0], want[1])
		}
	}
	whyJoined(t, p, ada, former)
}

// whyJoined checks the claims behind a person: one that joins the visitor and
// the customer, and one that would join two customers and is refused.
func whyJoined(t *testing.T, p client.Person, known, former someone) {
	t.Helper()
	have := map[string]string{}
	for _, i := range p.Identifiers {
		have[i.Namespace] += i.Value
	}
	for namespace, value := range map[string]string{"user_id": known.ID, "anonymous_id": known.Anonymous, "email": known.Email} {
		if have[namespace] != value {
			t.Errorf("the person's %s is %q, want %q", namespace, have[namespace], value)
		}
	}
	joined, refused := false, false
	for _, a := range p.Why.Assertions {
		pair := a.A.Value + " " + a.B.Value
		if a.Source == "site" && a.Event == "ways-identify" && (pair == known.ID+" "+known.Anonymous || pair == known.Anonymous+" "+known.ID) {
			joined = a.Refused == "" && a.Count == 1 && !a.At.IsZero()
		}
		if a.Event == "ways-alias" && (a.A.Value == former.ID || a.B.Value == former.ID) {
			refused = a.Refused != ""
		}
	}
	if !joined {
		t.Errorf("no assertion explains how the visitor became the customer: %+v", p.Why.Assertions)
	}
	if !refused {
		t.Errorf("the alias of two customer numbers is not shown as refused: %+v", p.Why.Assertions)
	}
}

func sameEventAgain(t *testing.T, w *world) {
	bob := w.someone("bob")
	before := w.ledger(t, "site")
	event := track("again-1", bob, "Product Viewed", nil)
	w.send(t, event, event, event)
	after := w.ledger(t, "site")
	if got, want := gained(before, after), (client.SourceLedger{Received: 3, Processed: 1, Duplicate: 2, Balanced: true}); got != want {
		t.Errorf("three times the same event: %+v, want %+v", got, want)
	}
	if r := w.receipt(t, "site", "again-1", "processed"); r.Duplicates != 2 {
		t.Errorf("the receipt tells of %d duplicates, want 2", r.Duplicates)
	}
}

func body(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

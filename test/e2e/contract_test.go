package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/client"
)

// quarantineAndReplay sends a bad order between two good ones, agrees to what
// was bad about it, and has it processed.
func quarantineAndReplay(t *testing.T, w *world) {
	kim := w.someone("kim")
	order := func(id, currency string) client.Message {
		return client.Message{"type": "track", "messageId": id, "userId": kim.ID, "event": "Order Placed",
			"properties": map[string]any{"order_id": id, "total": 10, "currency": currency}}
	}
	before := w.ledger(t, "site")
	batch := []client.Message{order("order-1", "EUR"), order("order-2", "QXD"), order("order-3", "GBP")}
	if err := w.api.Batch(t.Context(), writeKey, batch, time.Now()); err != nil {
		t.Fatal(err)
	}
	held := w.ledger(t, "site")
	if got := gained(before, held); got != (client.SourceLedger{Received: 3, Processed: 2, Quarantined: 1, Balanced: true}) {
		t.Fatalf("one bad of three: %+v", got)
	}
	w.receipt(t, "site", "order-1", "processed")
	w.receipt(t, "site", "order-3", "processed")
	if r := w.receipt(t, "site", "order-2", "quarantined"); !strings.Contains(r.Detail, "currency") || strings.Contains(r.Detail, "QXD") {
		t.Errorf("the receipt says %q", r.Detail)
	}
	id := listed(t, w, "order-2")

	contracts := filepath.Join(w.folder, "contracts.yaml")
	text := readFile(t, contracts)
	mended := strings.Replace(text, `"EUR", "GBP"`, `"EUR", "GBP", "QXD"`, 1)
	if mended == text {
		t.Fatal("the contract has no list of currencies to mend")
	}
	writeFile(t, contracts, mended)
	w.must(t, "apply", w.folder)
	if out := w.must(t, "quarantine", "replay", fmt.Sprint(id), "--json"); !strings.Contains(out, `"replayed": 1`) || !strings.Contains(out, `"open": 0`) {
		t.Errorf("replay says %s", out)
	}
	r := w.receipt(t, "site", "order-2", "processed")
	if r.Person != w.person(t, "user_id", kim.ID).ID {
		t.Errorf("the replayed order belongs to person %d", r.Person)
	}
	if got := gained(before, w.ledger(t, "site")); got != (client.SourceLedger{Received: 3, Processed: 3, Balanced: true}) {
		t.Errorf("after the replay: %+v", got)
	}
}

// listed finds a record in the quarantine by the command line and checks what is
// said of it: rule, field and shape, and never the value (I12).
func listed(t *testing.T, w *world, event string) int64 {
	t.Helper()
	out := w.must(t, "quarantine", "list", "--source", "site", "--json")
	plain := w.must(t, "quarantine", "list", "--source", "site")
	if strings.Contains(out+plain, "QXD") {
		t.Error("the list shows the offending value")
	}
	if !strings.Contains(plain, event) || !strings.Contains(plain, "currency: enum") {
		t.Errorf("the table does not name event, field and rule:\n%s", plain)
	}
	var records []client.Quarantined
	if err := json.Unmarshal([]byte(out), &records); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Event != event {
			continue
		}
		if len(r.Violations) != 1 {
			t.Fatalf("violations: %+v", r.Violations)
		}
		v := r.Violations[0]
		if v.Rule != "enum" || v.Field != "currency" || v.Shape != "text of 3 characters" || v.Message == "" {
			t.Errorf("violation: %+v", v)
		}
		return r.ID
	}
	t.Fatalf("%s is not listed: %s", event, out)
	return 0
}

package pipeline_test

import (
	"testing"

	"parley/internal/audience"
)

// A newcomer who turns out to be a visitor within one event becomes the visitor.
func TestOneEventMakesAPersonAndMergesIt(t *testing.T) {
	r := newRig(t)
	r.append(web("a", `{"type":"track","event":"Order","anonymousId":"d1","properties":{"sku":"tea"}}`),
		web("b", `{"type":"identify","anonymousId":"d1","userId":"1","traits":{"email":"ada@example.org"}}`))
	if d := r.delivery("leave-alone", "user_id", "1"); !d.Want || d.Person != 1 {
		t.Errorf("the visitor's order was lost: %+v", d.Member)
	}
}

// A row whose update was held back keeps its place until the next good update.
func TestAQuarantinedUpdateDoesNotDoubleTheRow(t *testing.T) {
	r := newRig(t)
	r.applyYAML(agreement + `
---
{kind: audience, name: customers, owner: it, where: {event: {name: Customer}}}
`)
	occurrences := func() (out []audience.Occurrence) { return r.document("user_id", "1").History }
	r.append(crm("2", `{"id":"2","email":"bob@example.org"}`), crm("1", `{"id":"1","name":"Ada"}`))
	r.append(crm("1", `{"id":"1","email":"bob@example.org"}`)) // the address is Bob's
	if got := occurrences(); len(got) != 1 {
		t.Fatalf("the refused update changed the history: %d rows", len(got))
	}
	r.append(crm("1", `{"id":"1","name":"Augusta"}`))
	if got := occurrences(); len(got) != 1 {
		t.Errorf("one row is there %d times", len(got))
	}
	r.append(crm("1", `{"id":"1","email":"bob@example.org","name":"Lady Ada"}`))
	r.applyYAML(agreement + `
---
{kind: audience, name: named, owner: it, where: {event: {name: Customer, window: {last: 90d}}}}
`)
	if got := occurrences(); len(got) != 1 {
		t.Errorf("folded again from the lake the row is there %d times", len(got))
	}
}

package person_test

import (
	"testing"

	"pgregory.net/rapid"

	"parley/internal/event"
	"parley/internal/person"
)

// TestI2ProvenanceLeadsToTheReceipt holds that a value of any revision of any
// event leads back to that event, whatever its id looks like, and that at the
// same instant a later revision wins.
func TestI2ProvenanceLeadsToTheReceipt(t *testing.T) {
	r := rules(t)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.StringMatching(`[a-z]{1,3}(~[0-9]{0,11}){0,2}`), rapid.StringMatching(`\pL{1,9}`)).Draw(t, "id")
		revision := rapid.Int64Range(1, 999_999_998).Draw(t, "revision")
		revisions := rapid.Permutation([]int64{revision, revision + 1}).Draw(t, "order")
		var d person.Document
		for _, n := range revisions {
			value := map[bool]string{true: "earlier", false: "later"}[n == revision]
			d.Fold(r, &event.Event{Source: "crm", ID: id, Name: "Row", Time: noon, Revision: n, Traits: map[string]any{"name": value}}, nil, noon)
		}
		value, from, ok := d.Profile.Value(r.Traits, "name")
		if got := person.EventID(from.ID); !ok || value != "later" || got != id {
			t.Fatalf("revision %d of %q gave %v of %q", revision+1, id, value, got)
		}
	})
}

package person

import (
	"testing"

	"pgregory.net/rapid"

	"parley/internal/event"
)

// TestI2ProvenanceLeadsToTheReceipt holds that the id under which any revision
// of any event states a value leads back to that event, whatever its id looks
// like, and that a later revision sorts after an earlier one.
func TestI2ProvenanceLeadsToTheReceipt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.StringMatching(`[a-z]{0,3}(~[0-9]{0,11}){0,2}`), rapid.String()).Draw(t, "id")
		revision := rapid.Int64Range(0, 999_999_998).Draw(t, "revision")
		now := stated(&event.Event{ID: id, Revision: revision})
		if got := EventID(now); got != id {
			t.Fatalf("%q was stated as %q, which leads to %q", id, now, got)
		}
		next := stated(&event.Event{ID: id, Revision: max(revision, 1) + 1})
		if next <= now {
			t.Fatalf("revision %d is stated as %q, the one after it as %q", revision, now, next)
		}
	})
}

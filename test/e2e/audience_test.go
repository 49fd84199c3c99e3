package e2e

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/client"
)

// audiencesOf names the audiences of a person, as the API tells them.
func (w *world) audiencesOf(t *testing.T, p someone) []string {
	t.Helper()
	got, err := w.api.Person(t.Context(), "user_id", p.ID, false)
	if err != nil {
		return nil
	}
	var out []string
	for name := range got.Audiences {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// size is the size of an audience by parley audience list.
func (w *world) size(t *testing.T, name string) int64 {
	t.Helper()
	var list []client.Audience
	if err := json.Unmarshal([]byte(w.must(t, "audience", "list", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.Name == name {
			return a.Size
		}
	}
	t.Fatalf("there is no audience %s", name)
	return 0
}

func enteringAndLeaving(t *testing.T, w *world) {
	lea := w.someone("lea")
	before := w.size(t, "undecided")
	w.send(t, identify("aud-1", lea, map[string]any{"email": lea.Email}), track("aud-2", lea, "Product Viewed", nil))
	w.settle(t)
	if got := w.audiencesOf(t, lea); !slices.Contains(got, "undecided") || slices.Contains(got, "buyers") {
		t.Errorf("after looking: %v", got)
	}
	if got := w.size(t, "undecided"); got != before+1 {
		t.Errorf("undecided has %d members, want %d", got, before+1)
	}
	w.send(t, track("aud-3", lea, "Order Placed", map[string]any{"order_id": "o", "total": 60.5, "currency": "EUR"}))
	w.settle(t)
	if got := w.audiencesOf(t, lea); slices.Contains(got, "undecided") || slices.Contains(got, "buyers") {
		t.Errorf("after buying for 60.5: %v", got)
	}
	w.send(t, track("aud-4", lea, "Order Placed", map[string]any{"order_id": "p", "total": 39.5, "currency": "EUR"}))
	w.settle(t)
	if got := w.audiencesOf(t, lea); !slices.Contains(got, "buyers") {
		t.Errorf("after buying for exactly 100: %v", got)
	}
	why := w.person(t, "user_id", lea.ID).Why.Audiences["buyers"]
	if !why.Holds || why.Evidence == nil || why.Evidence.Count != 2 || why.Evidence.Value != "100" && why.Evidence.Value != "100.0" {
		t.Errorf("why in buyers: %+v, evidence %+v", why, why.Evidence)
	}
	if got := w.size(t, "undecided"); got != before {
		t.Errorf("undecided has %d members, want %d", got, before)
	}
}

// leavingByTime has somebody look almost a minute ago and then nothing more
// happen: the membership ends a minute after the look, not with the next event.
func leavingByTime(t *testing.T, w *world) {
	const window, lag = time.Minute, 3 * time.Second
	max := w.someone("max")
	looked := time.Now().UTC().Add(-window + 4*time.Second)
	m := track("time-1", max, "Product Viewed", nil)
	m.body["timestamp"] = looked.Format(time.RFC3339Nano)
	w.send(t, m)
	before := w.ledger(t, "site")
	if got := w.audiencesOf(t, max); !slices.Contains(got, "here-now") {
		t.Fatalf("before the minute is over: %v", got)
	}
	eventually(t, "the membership ends", func() bool { return !slices.Contains(w.audiencesOf(t, max), "here-now") })
	if late := time.Since(looked.Add(window)); late < 0 || late > lag {
		t.Errorf("left %v after the instant, want 0 to %v", late, lag)
	}
	if after := w.ledger(t, "site"); after != before {
		t.Errorf("something came in meanwhile: %+v", gained(before, after))
	}
}

func preview(t *testing.T, w *world) {
	nina := w.someone("nina")
	w.send(t, identify("preview-1", nina, map[string]any{"city": "Zanzibar"}))
	w.settle(t)
	condition := filepath.Join(t.TempDir(), "zanzibar.yaml")
	writeFile(t, condition, "trait: {name: city, op: is, value: Zanzibar}\n")
	var p client.Preview
	if err := json.Unmarshal([]byte(w.must(t, "audience", "preview", "--where", condition, "--json")), &p); err != nil {
		t.Fatal(err)
	}
	id := w.person(t, "user_id", nina.ID).ID
	if p.Size != 1 || p.People < 2 || !slices.Equal(p.Sample, []int64{id}) || !strings.Contains(p.Description, "city") {
		t.Errorf("preview: %+v, want person %d alone", p, id)
	}
	var named client.Preview
	if err := json.Unmarshal([]byte(w.must(t, "audience", "preview", "buyers", "--json")), &named); err != nil {
		t.Fatal(err)
	}
	if named.Size != w.size(t, "buyers") || named.Entering.Count != 0 || named.Leaving.Count != 0 {
		t.Errorf("the preview of what governs is %+v", named)
	}
}

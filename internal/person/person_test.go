package person_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/audience"
	"parley/internal/event"
	"parley/internal/person"
	"parley/internal/profile"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func rules(t rapid.TB) person.Rules {
	t.Helper()
	traits, err := profile.NewSpecs([]profile.TraitSpec{{Name: "name", Owner: "it"}, {Name: "tags", Owner: "it", Rule: profile.Union}, {Name: "often", Owner: "it", Rule: profile.MostFrequent}})
	if err != nil {
		t.Fatal(err)
	}
	return person.Rules{Traits: traits, Visible: audience.See("Order", []string{"amount"}, 48*time.Hour).Merge(audience.See("Viewed", nil, 0))}
}

func drawEvents(t *rapid.T) []*event.Event {
	var out []*event.Event
	for i := range rapid.IntRange(0, 8).Draw(t, "events") {
		e := &event.Event{Source: rapid.SampledFrom([]string{"web", "crm"}).Draw(t, "source"), ID: fmt.Sprint("e", i), Type: event.Track,
			Name:       rapid.SampledFrom([]string{"Order", "Viewed", "Other"}).Draw(t, "name"),
			Time:       noon.Add(time.Duration(rapid.IntRange(-3, 0).Draw(t, "days")) * 24 * time.Hour),
			Properties: map[string]any{"amount": json.Number(rapid.SampledFrom([]string{"1", "12345678901234567.89"}).Draw(t, "amount")), "secret": "x"},
			Traits: map[string]any{"name": rapid.SampledFrom([]string{"Ada", "Bob"}).Draw(t, "trait"), "tags": "a",
				"often": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "often"), "undeclared": "z"}}
		if rapid.Bool().Draw(t, "says") {
			e.Consents = map[string]bool{"ads": rapid.Bool().Draw(t, "granted")}
		}
		out = append(out, e)
	}
	return out
}

var nodes = []event.Identifier{{Namespace: "email", Value: "a@x.org"}, {Namespace: "user_id", Value: "1"}}

func fold(t rapid.TB, list []*event.Event) *person.Document {
	t.Helper()
	d, r := person.New(nodes[0]), rules(t)
	for _, e := range list {
		d.Fold(r, e, nodes, noon)
	}
	return d
}

func text(t rapid.TB, d *person.Document) string {
	t.Helper()
	raw, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Events in any order make the same document, byte for byte.
func TestI4FoldDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawEvents(t)
		want := text(t, fold(t, list))
		if got := text(t, fold(t, rapid.Permutation(list).Draw(t, "order"))); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

// Two people made one are what they had been, had they been one all along.
func TestI5AbsorbIsFoldingTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawEvents(t)
		at := rapid.IntRange(0, len(list)).Draw(t, "split")
		d, from := fold(t, list[:at]), fold(t, list[at:])
		d.Absorb(rules(t), from)
		if got, want := text(t, d), text(t, fold(t, list)); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func TestAbsorbKeepsTheLongerMembershipAndTheKey(t *testing.T) {
	d, from := person.New(nodes[0]), person.New(nodes[1])
	key := d.Key
	d.Settle(audience.Memberships{"a": {Member: true}, "b": {Member: true}}, noon, false)
	from.Settle(audience.Memberships{"a": {Member: true}, "c": {Member: true}}, noon.Add(-time.Hour), false)
	d.Absorb(rules(t), from)
	want := map[string]time.Time{"a": noon.Add(-time.Hour), "b": noon, "c": noon.Add(-time.Hour)}
	if fmt.Sprint(d.Since) != fmt.Sprint(want) || d.Key != key {
		t.Errorf("key %s, since %v, want %v", d.Key, d.Since, want)
	}
}

func TestSettle(t *testing.T) {
	steps := []struct {
		name    string
		answers audience.Memberships
		fresh   bool
		moves   string
	}{
		{"joins", audience.Memberships{"a": {Member: true}, "b": {}}, false, "[{a true 0}]"},
		{"stays", audience.Memberships{"a": {Member: true}, "b": {}}, false, "[]"},
		{"tells again when asked", audience.Memberships{"a": {Member: true}, "b": {}}, true, "[{a true 0}]"},
		{"leaves one and joins another", audience.Memberships{"a": {}, "b": {Member: true}}, false, "[{a false} {b true 4}]"},
		{"leaves what is no longer defined", audience.Memberships{"a": {}}, false, "[{b false}]"},
	}
	d := person.New(nodes[0])
	for i, step := range steps {
		var got []string
		for _, m := range d.Settle(step.answers, noon.Add(time.Duration(i+i/3)*time.Hour), step.fresh) {
			if m.Member {
				got = append(got, fmt.Sprintf("{%s true %d}", m.Audience, int(m.Since.Sub(noon).Hours())))
			} else {
				got = append(got, fmt.Sprintf("{%s false}", m.Audience))
			}
		}
		if fmt.Sprint(got) != step.moves {
			t.Errorf("%s: moves %v, want %s", step.name, got, step.moves)
		}
	}
}

func TestForgetAndTrim(t *testing.T) {
	d, r := person.New(nodes[0]), rules(t)
	for i, name := range []string{"Order", "Viewed", "Other"} {
		d.Fold(r, &event.Event{Source: "web", ID: fmt.Sprint(i), Name: name, Time: noon}, nil, noon)
	}
	if len(d.History) != 2 {
		t.Fatalf("the history keeps %v", d.History)
	}
	if _, found := d.Forget("crm", "0"); found {
		t.Error("an event of another source was forgotten")
	}
	d.Trim(r, noon.Add(48*time.Hour))
	if len(d.History) != 2 {
		t.Error("what the window still sees was dropped")
	}
	d.Trim(r, noon.Add(48*time.Hour+time.Microsecond))
	if len(d.History) != 1 || d.History[0].Name != "Viewed" {
		t.Errorf("after two days the history is %v", d.History)
	}
	if name, found := d.Forget("web", "1"); !found || name != "Viewed" || len(d.History) != 0 {
		t.Errorf("forgot %q, %v", name, found)
	}
}

// What was written is read back as it was, long numbers included.
func TestDecodeReadsWhatEncodeWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := fold(t, drawEvents(t))
		d.Settle(audience.Memberships{"a": {Member: true, Next: noon.Add(time.Microsecond)}}, noon, false)
		again, err := person.Decode([]byte(text(t, d)))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := text(t, again), text(t, d); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"k":"x","p":{"name":[["Ada","web","e",1]]},"c":[],"h":[{"t":"2026-03-01T12:00:00Z","n":"Order","s":"web","i":"e","p":{"amount":1e400}}]}`, `{"p":[]}`, `null`, ``, `{} {}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := person.Decode(raw)
		if err != nil {
			return
		}
		once, err := d.Encode()
		if err != nil {
			return // a time outside the years that JSON can write
		}
		again, err := person.Decode(once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if twice, err := again.Encode(); err != nil || string(twice) != string(once) {
			t.Fatalf("%s became %s, %v", once, twice, err)
		}
	})
}

func TestDecodeRefusesWhatIsNoDocument(t *testing.T) {
	for _, raw := range []string{"", "{", "{} {}", `{"p":[]}`, `{"c":[{}]}`} {
		if _, err := person.Decode([]byte(raw)); err == nil {
			t.Errorf("%q was read", raw)
		}
	}
}

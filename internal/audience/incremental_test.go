package audience

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// bought makes a history of purchases at minutes after start.
func bought(minutes ...int) []Occurrence {
	var history []Occurrence
	for i, m := range minutes {
		history = append(history, Occurrence{Time: start.Add(time.Duration(m) * time.Minute), Name: "bought", ID: fmt.Sprint(i), Properties: map[string]any{"n": json.Number(fmt.Sprint(m))}})
	}
	return history
}

func TestI8NextInstants(t *testing.T) {
	rolling := func(bounds string) string { return `{"event":{"name":"bought",` + bounds + `"window":{"last":"10m"}}}` }
	cases := []struct {
		name, where string
		minutes     []int
		member      bool
		next        int // minutes after start, never when -1
	}{
		{"leaves when the last event leaves", rolling(``), []int{-9, -3}, true, 7},
		{"leaves when the second latest leaves", rolling(`"atLeast":2,`), []int{-9, -4, -3}, true, 6},
		{"enters when too many leave", rolling(`"atMost":1,`), []int{-9, -4, -3}, false, 6},
		{"a future event keeps the member", rolling(``), []int{-3, 5}, true, 15},
		{"a future event admits the member", rolling(``), []int{5}, false, 5},
		{"what has left is gone", rolling(``), []int{-10}, false, -1},
		{"one microsecond is all it takes", rolling(``), []int{0}, true, 10},
		{"no window never ends", `{"event":{"name":"bought"}}`, []int{-3}, true, -1},
		{"a fixed window never ends", `{"event":{"name":"bought","window":{"to":"2026-03-01T12:05:00Z"}}}`, []int{-3}, true, -1},
		{"a fixed window waits for its event", `{"event":{"name":"bought","window":{"to":"2026-03-01T12:05:00Z"}}}`, []int{4, 5}, false, 4},
		{"after a fixed window", `{"event":{"name":"bought","window":{"to":"2026-03-01T12:05:00Z"}}}`, []int{5}, false, -1},
		{"sum falls", rolling(`"measure":"sum","property":"n","atLeast":-8,`), []int{-9, -5, -3}, false, 1},
		{"min rises", rolling(`"measure":"min","property":"n","atLeast":-5,`), []int{-9, -5, -3}, false, 1},
		{"avg of none ends it", rolling(`"measure":"avg","property":"n","atMost":0,`), []int{-9, -5}, true, 5},
		{"all waits for the last obstacle", `{"all":[` + rolling(`"atMost":0,`) + `,{"didNot":{"name":"bought","window":{"last":"20m"}}}]}`, []int{-5}, false, 15},
		{"all that is blocked for ever", `{"all":[` + rolling(``) + `,{"identified":"email"}]}`, []int{-5}, false, -1},
		{"all ends with the first that ends", `{"all":[` + rolling(``) + `,{"event":{"name":"bought","window":{"last":"20m"}}},{"not":{"identified":"email"}}]}`, []int{-5}, true, 5},
		{"any begins with the first that begins", `{"any":[` + rolling(`"atMost":0,`) + `,{"didNot":{"name":"bought","window":{"last":"20m"}}},{"identified":"email"}]}`, []int{-5}, false, 5},
		{"any stays while one stays", `{"any":[` + rolling(``) + `,{"event":{"name":"bought","window":{"last":"20m"}}}]}`, []int{-5}, true, 15},
		{"any that is settled for ever", `{"any":[` + rolling(``) + `,{"not":{"identified":"email"}}]}`, []int{-5}, true, -1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			compiled := compileOne(t, c.where)
			set := &Set{audiences: []*Compiled{compiled}, depends: dependenciesOf([]*Compiled{compiled})}
			got, next := set.Evaluate(&Subject{History: bought(c.minutes...)}, start, nil, Change{})
			var want time.Time
			if c.next >= 0 {
				want = start.Add(time.Duration(c.next) * time.Minute)
			}
			if got["one"].Member != c.member || !next.Equal(want) {
				t.Errorf("got %+v, want %v until %s", got["one"], c.member, want)
			}
		})
	}
}

// What is neither touched nor due is taken over unseen: a wrong earlier answer stays.
func TestOnlyWhatCanHaveChangedIsEvaluated(t *testing.T) {
	set, err := Compile([]Spec{
		{Name: "bought", Where: Condition{Event: &EventTest{Name: "bought", Window: &Window{Last: "10m"}}}},
		{Name: "city", Where: Condition{Trait: &TraitTest{Name: "city", Op: "exists"}}},
		{Name: "outside", Where: Condition{Not: &Condition{Audience: "bought"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &Subject{History: bought(-3)}
	right, next := set.Evaluate(s, start, nil, Change{})
	if want := start.Add(7 * time.Minute); !next.Equal(want) || !right["outside"].Next.Equal(want) {
		t.Fatalf("next %s, outside %+v", next, right["outside"])
	}
	wrong := Memberships{"bought": {Member: false}, "city": {Member: true}, "outside": {Member: true, Next: next}}
	got, _ := set.Evaluate(s, start, wrong, Change{Events: []string{"viewed"}})
	if got["bought"].Member || !got["city"].Member {
		t.Errorf("untouched audiences were evaluated: %+v", got)
	}
	got, _ = set.Evaluate(s, start, wrong, Change{Events: []string{"bought"}})
	if !got["bought"].Member || got["outside"].Member || !got["city"].Member {
		t.Errorf("the event's audience and its dependents only: %+v", got)
	}
	got, _ = set.Evaluate(s, start.Add(7*time.Minute), right, Change{})
	if got["bought"].Member || !got["outside"].Member || !got["bought"].Next.IsZero() {
		t.Errorf("what is due was not evaluated: %+v", got)
	}
	got, _ = set.Evaluate(s, start, wrong, Change{Everything: true})
	if !got["bought"].Member || got["city"].Member {
		t.Errorf("everything: %+v", got)
	}
	right["gone"] = Membership{Member: true}
	if got, _ = set.Evaluate(s, start, right, Change{}); len(got) != 3 {
		t.Errorf("an audience that no longer exists stays: %+v", got)
	}
	edited := Memberships{"city": {}, "gone": {Member: true, Next: start}, "outside": {}}
	got, next = set.Evaluate(s, start, edited, Change{})
	if _, kept := got["gone"]; kept || len(got) != 3 || !got["bought"].Member || next.IsZero() {
		t.Errorf("an audience that no longer exists must go, a new one come: %+v", got)
	}
}

// A look ahead that costs too much stops early, which is safe, and gets there by repetition.
func TestLookAheadIsBounded(t *testing.T) {
	var minutes []int
	for i := range 1000 {
		minutes = append(minutes, i-1000)
	}
	c, err := ParseCondition([]byte(`{"event":{"name":"bought","measure":"max","property":"n","atMost":0,"window":{"last":"1000m"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	set, err := Compile([]Spec{{Name: "one", Where: c}})
	if err != nil {
		t.Fatal(err)
	}
	s := &Subject{History: bought(minutes...)}
	got, next := set.Evaluate(s, start, nil, Change{})
	end, rounds := start.Add(999*time.Minute), 0
	for ; next.Before(end) && rounds < 1000; rounds++ {
		if !got["one"].Member {
			t.Fatalf("left at %s, before %s", next, end)
		}
		got, next = set.Evaluate(s, next, got, Change{})
	}
	if rounds < 2 || rounds > 50 || !next.Equal(end) {
		t.Errorf("reached %s in %d rounds, want %s in a few", next, rounds, end)
	}
}

package consent

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var origin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func drawStatements(t *rapid.T) []Statement {
	one := rapid.Custom(func(t *rapid.T) Statement {
		return Statement{
			Anchor:  rapid.SampledFrom([]string{"email:a", "email:b", "user:1"}).Draw(t, "anchor"),
			Purpose: rapid.SampledFrom([]string{"ads", "service"}).Draw(t, "purpose"),
			Stand:   rapid.SampledFrom([]Stand{Granted, Denied}).Draw(t, "stand"),
			Time:    origin.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "time")) * time.Second),
			Source:  rapid.SampledFrom([]string{"web", "crm"}).Draw(t, "source"),
			ID:      rapid.SampledFrom([]string{"1", "2"}).Draw(t, "id"),
		}
	})
	return rapid.SliceOfN(one, 0, 12).Draw(t, "statements")
}

func fold(list []Statement) Record {
	var r Record
	for _, s := range list {
		r.Add(s)
	}
	return r
}

func text(t *rapid.T, r Record) []byte {
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// spelledOut is the definition, written a second time without the fold.
func spelledOut(list []Statement, purpose string) Stand {
	stand := Unknown
	for _, s := range list {
		if s.Purpose != purpose {
			continue
		}
		last := true
		for _, o := range list {
			newer := o.Time.After(s.Time) || (o.Time.Equal(s.Time) && o.Stand == Denied && s.Stand == Granted)
			if o.Anchor == s.Anchor && o.Purpose == purpose && newer {
				last = false
			}
		}
		if last && stand != Denied {
			stand = s.Stand
		}
	}
	return stand
}

func TestI6StateIsTheMostRestrictiveOfTheLatest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawStatements(t)
		state := fold(list).State()
		for _, p := range []string{"ads", "service"} {
			if got, want := state[p], spelledOut(list, p); got != want {
				t.Fatalf("%s: got %q, want %q", p, got, want)
			}
			s, ok := fold(list).Decisive(p)
			if ok != (state[p] != Unknown) || s.Stand != state[p] {
				t.Fatalf("evidence %+v does not carry the stand %q", s, state[p])
			}
		}
	})
}

func TestI4RecordDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawStatements(t)
		other := rapid.Permutation(list).Draw(t, "other order")
		if a, b := text(t, fold(list)), text(t, fold(other)); !bytes.Equal(a, b) {
			t.Fatalf("%s\n%s", a, b)
		}
	})
}

func TestI6WithdrawalWinsOverAnythingEarlier(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawStatements(t)
		no := Statement{Anchor: "email:a", Purpose: "ads", Stand: Denied, Time: origin.Add(4 * time.Second), Source: "zz", ID: "zz"}
		at := rapid.IntRange(0, len(list)).Draw(t, "arrives")
		all := append(append(append([]Statement{}, list[:at]...), no), list[at:]...)
		if got := fold(all).State()["ads"]; got != Denied {
			t.Fatalf("stand %q after a withdrawal", got)
		}
	})
}

func TestI6MergeIsTheFoldAndSplitUndoesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawStatements(t), drawStatements(t)
		for i := range b { // two people share no identifier
			b[i].Anchor = "other " + b[i].Anchor
		}
		ra, rb := fold(a), fold(b)
		merged := Merge(ra, rb)
		if !bytes.Equal(text(t, merged), text(t, fold(append(append([]Statement{}, a...), b...)))) {
			t.Fatal("merging is not folding everything")
		}
		for p, s := range merged.State() {
			if (ra.State()[p] == Denied || rb.State()[p] == Denied) && s != Denied {
				t.Fatalf("%s: merge loosened a refusal", p)
			}
		}
		mine := map[string]bool{}
		for _, s := range a {
			mine[s.Anchor] = true
		}
		back := merged.Only(func(anchor string) bool { return mine[anchor] })
		if !bytes.Equal(text(t, back), text(t, ra)) || !maps.Equal(back.State(), ra.State()) {
			t.Fatal("a split does not restore the record")
		}
	})
}

func TestRecordSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := text(t, fold(drawStatements(t)))
		var back Record
		if err := json.Unmarshal(want, &back); err != nil {
			t.Fatal(err)
		}
		if got := text(t, back); !bytes.Equal(got, want) {
			t.Fatalf("%s\n%s", got, want)
		}
	})
}

func TestRecordLeavesOutWhatSaysNothing(t *testing.T) {
	var r Record
	for _, s := range []Statement{{}, {Anchor: "a", Purpose: "p"}, {Anchor: "a", Stand: Denied}, {Purpose: "p", Stand: Denied}} {
		if r.Add(s) {
			t.Errorf("%+v was recorded", s)
		}
	}
	if b, _ := json.Marshal(r); string(b) != "[]" {
		t.Errorf("empty record is %s", b)
	}
}

func FuzzRecordUnmarshal(f *testing.F) {
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"anchor":"a","purpose":"p","stand":"denied","time":"2026-01-02T03:04:05Z","source":"s","id":"1"}]`))
	f.Add([]byte(`[{"anchor":"a","stand":"maybe"}]`))
	f.Add([]byte(`{"a":1}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Record
		if json.Unmarshal(in, &r) != nil {
			return
		}
		once, err := json.Marshal(r)
		if err != nil {
			t.Skip("a year beyond 9999 has no JSON form")
		}
		var again Record
		if err := json.Unmarshal(once, &again); err != nil {
			t.Fatal(err)
		}
		if twice, _ := json.Marshal(again); !bytes.Equal(once, twice) {
			t.Fatalf("%s\n%s", once, twice)
		}
	})
}

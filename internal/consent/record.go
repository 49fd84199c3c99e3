package consent

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"parley/internal/fault"
)

// Statement is what was said about one purpose under one identifier. Anchor
// is personal data and must not be logged (I12).
//
// The caller makes one statement for every identifier an event carries, so
// that somebody who refused as a visitor can grant after signing in.
type Statement struct {
	Anchor  string    `json:"anchor"` // key of the identifier, unique across namespaces
	Purpose string    `json:"purpose"`
	Stand   Stand     `json:"stand"` // Granted or Denied
	Time    time.Time `json:"time"`  // event time
	Source  string    `json:"source"`
	ID      string    `json:"id"`
}

// beats orders two statements of one anchor and purpose: the later wins, at
// the same instant the denied one, then the smaller source and id. It is a
// total order, so that folding does not depend on arrival (I4).
func (s Statement) beats(o Statement) bool {
	if c := s.Time.Compare(o.Time); c != 0 {
		return c > 0
	}
	if s.Stand != o.Stand {
		return s.Stand == Denied
	}
	return cmp.Or(cmp.Compare(s.Source, o.Source), cmp.Compare(s.ID, o.ID)) < 0
}

type slot struct{ anchor, purpose string }

// Record is what one person has said: the winning statement per anchor and
// purpose. It is a fold: any order of Add and Merge gives the same record, and
// since anchors stay apart, Only undoes a Merge. The zero Record is empty and
// ready; a copy shares its content, so use Merge to get an own one.
type Record struct{ latest map[slot]Statement }

// Add folds a statement in and reports whether the record changed. Times count
// to the microsecond. A statement that neither grants nor denies, or lacks its
// anchor or purpose, says nothing and is left out.
func (r *Record) Add(s Statement) bool {
	if (s.Stand != Granted && s.Stand != Denied) || s.Anchor == "" || s.Purpose == "" {
		return false
	}
	s.Time = s.Time.UTC().Truncate(time.Microsecond)
	at := slot{s.Anchor, s.Purpose}
	if old, ok := r.latest[at]; ok && !s.beats(old) {
		return false
	}
	if r.latest == nil {
		r.latest = map[slot]Statement{}
	}
	r.latest[at] = s
	return true
}

// Merge returns the record of a person who turned out to be both.
func Merge(a, b Record) Record {
	var out Record
	for _, r := range []Record{a, b} {
		for _, s := range r.latest {
			out.Add(s)
		}
	}
	return out
}

// Only returns the part of the record that was said under the anchors kept,
// as after a split.
func (r Record) Only(keep func(anchor string) bool) Record {
	var out Record
	for at, s := range r.latest {
		if keep(at.anchor) {
			out.Add(s)
		}
	}
	return out
}

// Statements returns the winning statements, by anchor and purpose.
func (r Record) Statements() []Statement {
	out := make([]Statement, 0, len(r.latest))
	for _, s := range r.latest {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Statement) int {
		return cmp.Or(cmp.Compare(a.Anchor, b.Anchor), cmp.Compare(a.Purpose, b.Purpose))
	})
	return out
}

// State returns the stand per purpose on which anything was said: denied if
// any anchor denies, else granted (I6: a merge keeps the most restrictive
// stand). It needs no clock: event times are bounded by their receipt.
func (r Record) State() map[string]Stand {
	out := map[string]Stand{}
	for at, s := range r.latest {
		if out[at.purpose] != Denied {
			out[at.purpose] = s.Stand
		}
	}
	return out
}

// Decisive returns the statement that makes the stand on a purpose, as the
// evidence for it: among those of the most restrictive stand the one that
// beats the others. It returns false when nothing was said.
func (r Record) Decisive(purpose string) (Statement, bool) {
	var best Statement
	found := false
	for _, s := range r.Statements() {
		if s.Purpose != purpose {
			continue
		}
		stricter := s.Stand == Denied && best.Stand != Denied
		same := s.Stand == best.Stand
		if !found || stricter || (same && s.beats(best)) {
			best, found = s, true
		}
	}
	return best, found
}

// MarshalJSON writes the winning statements in order; equal records give
// equal bytes (I4).
func (r Record) MarshalJSON() ([]byte, error) { return json.Marshal(r.Statements()) }

// UnmarshalJSON reads what MarshalJSON wrote, replacing the record. Statements
// that say nothing are an error of kind Invalid: the text was not ours.
func (r *Record) UnmarshalJSON(b []byte) error {
	var list []Statement
	if err := json.Unmarshal(b, &list); err != nil {
		// The cause may quote personal values and is left out (I12).
		return fault.New(fault.Invalid, "consent.record", "The stored consent record is not a list of statements.")
	}
	var out Record
	for i, s := range list {
		if s.Stand != Granted && s.Stand != Denied || s.Anchor == "" || s.Purpose == "" {
			return fault.New(fault.Invalid, "consent.record", "Statement %d of the stored consent record is incomplete.", i)
		}
		out.Add(s)
	}
	*r = out
	return nil
}

package audience

import (
	"slices"
	"strings"
	"time"

	"parley/internal/event"
)

// Explanation says why a condition holds for a person or not: its own answer
// and those of the conditions inside it. It carries the document's words, the
// counts and sums found, and the ids of events, but no other value of the person.
type Explanation struct {
	// Condition is the condition in plain English, without those in Parts.
	Condition string `json:"condition"`
	Holds     bool   `json:"holds"`
	// Next is when Holds can change without anything happening; zero for never.
	Next     time.Time     `json:"next,omitzero"`
	Evidence *Evidence     `json:"evidence,omitempty"` // of event conditions only
	Parts    []Explanation `json:"parts,omitempty"`
}

// Evidence is what an event condition found in its window.
type Evidence struct {
	// Count is the number of events that match.
	Count int `json:"count"`
	// Measure and Value give the sum, min, max or avg, to six decimals. Both are
	// empty for a count; Value is empty when there is no number to measure.
	Measure string `json:"measure,omitempty"`
	Value   string `json:"value,omitempty"`
	// Events are the latest that match, newest first, at most three.
	Events []event.Key `json:"events,omitempty"`
}

// maxEvidence bounds Evidence.Events.
const maxEvidence = 3

// Explain says why the person is or is not a member at now. An audience that
// is referred to is explained in full where it comes first, and only answered after that.
func (c *Compiled) Explain(s *Subject, now time.Time) Explanation {
	x := explainer{
		timed:     timed{subject: s, now: now, known: make([]Membership, c.index+1), done: make([]bool, c.index+1)},
		explained: make(map[*Compiled]bool),
	}
	return x.node(c.root)
}

type explainer struct {
	timed
	explained map[*Compiled]bool
}

func (x *explainer) node(n *node) Explanation {
	answer := x.holds(n)
	out := Explanation{Condition: n.text, Holds: answer.Member, Next: answer.Next}
	if n.event != nil {
		out.Evidence = n.event.evidence(x.subject.History, x.now)
	}
	for _, child := range n.children {
		out.Parts = append(out.Parts, x.node(child))
	}
	if n.audience != nil && !x.explained[n.audience] {
		x.explained[n.audience] = true
		out.Parts = []Explanation{x.node(n.audience.root)}
	}
	return out
}

func (e *eventTest) evidence(history []Occurrence, now time.Time) *Evidence {
	found := e.count(history, now)
	out := &Evidence{Count: found.events}
	if e.measure != "count" {
		out.Measure, out.Value = e.measure, found.show(e.measure)
	}
	var latest []*Occurrence
	for i := range history {
		o := &history[i]
		if o.Name != e.name || !e.window.sees(o.Time, now) || !e.matches(o) {
			continue
		}
		at, _ := slices.BinarySearchFunc(latest, o, newestFirst)
		if latest = slices.Insert(latest, at, o); len(latest) > maxEvidence {
			latest = latest[:maxEvidence]
		}
	}
	for _, o := range latest {
		out.Events = append(out.Events, event.Key{Source: o.Source, ID: o.ID})
	}
	return out
}

// newestFirst orders by time descending; source and id settle ties, so that the
// evidence does not depend on the order of the history (I4).
func newestFirst(a, b *Occurrence) int {
	switch {
	case !a.Time.Equal(b.Time):
		return b.Time.Compare(a.Time)
	case a.Source != b.Source:
		return strings.Compare(b.Source, a.Source)
	}
	return strings.Compare(b.ID, a.ID)
}

// show gives the measure as text, empty when it has no value.
func (t tally) show(measure string) string {
	switch {
	case measure == "sum":
		return t.sum.String()
	case t.numbers == 0:
		return ""
	case measure == "min":
		return t.min.String()
	case measure == "max":
		return t.max.String()
	}
	return t.sum.over(t.numbers).String()
}

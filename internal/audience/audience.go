// Package audience defines what an audience means. The reference evaluator
// (Evaluate) is the definition; the incremental evaluator and any lake query
// must agree with it for every person at every instant (I8).
package audience

import (
	"encoding/json"
	"time"

	"parley/internal/event"
)

// Spec is one audience document of the workspace.
type Spec struct {
	Name        string    `json:"name"`
	Owner       string    `json:"owner"`
	Title       string    `json:"title,omitempty"`
	Description string    `json:"description,omitempty"`
	Where       Condition `json:"where"`
}

// Condition is one node of the tree: exactly one field is set.
type Condition struct {
	All        []Condition  `json:"all,omitempty"`
	Any        []Condition  `json:"any,omitempty"`
	Not        *Condition   `json:"not,omitempty"`
	Trait      *TraitTest   `json:"trait,omitempty"`
	Event      *EventTest   `json:"event,omitempty"`
	DidNot     *EventTest   `json:"didNot,omitempty"`
	Audience   string       `json:"audience,omitempty"`
	Consent    *ConsentTest `json:"consent,omitempty"`
	Identified string       `json:"identified,omitempty"` // namespace the person has
	Bucket     *BucketTest  `json:"bucket,omitempty"`
}

// TraitTest compares a trait: is, isNot, in, notIn, gt, gte, lt, lte, contains,
// startsWith, exists, notExists, before, after (times).
type TraitTest struct {
	Name  string          `json:"name"`
	Op    string          `json:"op"`
	Value json.RawMessage `json:"value,omitempty"`
}

// EventTest asks for events of a name, filtered by properties, counted or
// summed within a window. Default: count at least 1, ever.
type EventTest struct {
	Name  string         `json:"name"`
	Where []PropertyTest `json:"where,omitempty"` // all must hold
	// Measure is count (default), sum, min, max, avg of Property.
	Measure  string       `json:"measure,omitempty"`
	Property string       `json:"property,omitempty"`
	AtLeast  *json.Number `json:"atLeast,omitempty"`
	AtMost   *json.Number `json:"atMost,omitempty"`
	Window   *Window      `json:"window,omitempty"`
}

// PropertyTest compares a property with the operators of TraitTest. A dot
// separates nested names.
type PropertyTest struct {
	Property string          `json:"property"`
	Op       string          `json:"op"`
	Value    json.RawMessage `json:"value,omitempty"`
}

// Window limits event times. Last is rolling and ends now: (now-Last, now].
// From and To are absolute: [From, To).
type Window struct {
	Last string     `json:"last,omitempty"` // e.g. 30d, 12h, 2w, 90m
	From *time.Time `json:"from,omitempty"`
	To   *time.Time `json:"to,omitempty"`
}

// ConsentTest holds when the person's stand on the purpose is Is: granted, denied or unknown.
type ConsentTest struct {
	Purpose string `json:"purpose"`
	Is      string `json:"is"`
}

// BucketTest holds for a stable share of people: hash(Seed, person) in
// [From, To) of 10,000 parts.
type BucketTest struct {
	Seed string `json:"seed"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// Subject is all that a condition can see of one person.
type Subject struct {
	// Person is the stable person id; buckets hash it.
	Person string
	// Traits maps a trait's name to its JSON value (json.Number for numbers).
	Traits map[string]any
	// Consents maps a purpose to granted, denied; absent means unknown.
	Consents    map[string]string
	Identifiers []event.Identifier
	// History is sorted by time, then source, then id.
	History []Occurrence
}

// Occurrence is what is kept of one event of a person.
type Occurrence struct {
	Time       time.Time      `json:"t"`
	Name       string         `json:"n"`
	Source     string         `json:"s"`
	ID         string         `json:"i"`
	Properties map[string]any `json:"p,omitempty"` // only those some condition can see
}

// Package person is the document that state keeps of one person: traits with
// provenance, consents, the part of the history that some audience can still
// see, and memberships. It folds events in and merges two people into one; both
// are pure and give the same document for the same events (I4, I5).
package person

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"parley/internal/audience"
	"parley/internal/consent"
	"parley/internal/event"
	"parley/internal/profile"
)

// Document is what is known of one person.
type Document struct {
	// Key is the stable name that buckets hash. It is made of the identifier the
	// person was first seen with and survives merges with the older person's.
	Key       string                `json:"k"`
	Profile   profile.Profile       `json:"p"`
	Consents  consent.Record        `json:"c"`
	History   []audience.Occurrence `json:"h,omitempty"` // by time, source, id
	Answers   audience.Memberships  `json:"a,omitempty"`
	Since     map[string]time.Time  `json:"s,omitempty"` // audience → member since
	FirstSeen time.Time             `json:"f"`
	LastSeen  time.Time             `json:"l"`
}

// New returns the document of a person first seen with an identifier.
func New(first event.Identifier) *Document {
	sum := sha256.Sum256([]byte(first.Namespace + "\x00" + first.Value))
	return &Document{Key: hex.EncodeToString(sum[:12])}
}

// Rules is what folding needs of the workspace.
type Rules struct {
	Traits  profile.Specs
	Visible audience.Visibility
}

// Fold takes one event of the person in. nodes are the event's identifiers that
// belong to the person: each states the event's consents. An event that carries
// the id of one that is there (an updated row) replaces it. The answer says what
// audiences may now be different.
func (d *Document) Fold(r Rules, e *event.Event, nodes []event.Identifier, now time.Time) audience.Change {
	d.seen(e)
	change := audience.Change{Events: []string{e.Name}}
	for _, name := range sortedNames(e.Traits) {
		o := profile.Observation{Trait: name, Value: e.Traits[name],
			Provenance: profile.Provenance{Source: e.Source, ID: stated(e), Time: e.Time}}
		if spec := r.Traits.Lookup(name); spec != nil && d.Profile.Observe(spec, o) {
			change.Traits = append(change.Traits, name)
		}
	}
	for _, purpose := range sortedNames(e.Consents) {
		stand := consent.Denied
		if e.Consents[purpose] {
			stand = consent.Granted
		}
		for _, n := range nodes {
			d.Consents.Add(consent.Statement{Anchor: n.Namespace + ":" + n.Value, Purpose: purpose, Stand: stand,
				Time: e.Time, Source: e.Source, ID: stated(e)})
		}
		change.Consents = append(change.Consents, purpose)
	}
	d.Remember(r, e, now)
	return change
}

// stated is the id under which a value is observed: that of an updated record
// sorts after the content it replaces, so that it wins at the same instant.
// An id that looks like that already says its revision, too, so that EventID can
// always tell the two apart.
func stated(e *event.Event) string {
	if e.Revision <= 1 && EventID(e.ID) == e.ID {
		return e.ID
	}
	return fmt.Sprintf("%s~%09d", e.ID, max(e.Revision, 1))
}

// EventID returns the id of the event behind a value's provenance, by which its
// receipt is found (I2).
func EventID(stated string) string {
	i := strings.LastIndexByte(stated, '~')
	if i < 0 || len(stated)-i-1 < 9 || strings.Trim(stated[i+1:], "0123456789") != "" {
		return stated
	}
	return stated[:i]
}

// Remember keeps of the event what some audience can see.
func (d *Document) Remember(r Rules, e *event.Event, now time.Time) {
	o := audience.Occurrence{Time: e.Time, Name: e.Name, Source: e.Source, ID: e.ID, Properties: e.Properties}
	if kept, ok := r.Visible.Keep(o, now); ok {
		d.insert(kept)
	}
}

func (d *Document) seen(e *event.Event) {
	if d.FirstSeen.IsZero() || e.Time.Before(d.FirstSeen) {
		d.FirstSeen = e.Time
	}
	if e.Time.After(d.LastSeen) {
		d.LastSeen = e.Time
	}
}

func (d *Document) insert(o audience.Occurrence) {
	i := sort.Search(len(d.History), func(i int) bool { return !before(&d.History[i], &o) })
	d.History = append(d.History, audience.Occurrence{})
	copy(d.History[i+1:], d.History[i:])
	d.History[i] = o
}

// Forget removes the occurrence of an event id, if it is there.
func (d *Document) Forget(source, id string) (name string, found bool) {
	for i := range d.History {
		if d.History[i].ID == id && d.History[i].Source == source {
			name = d.History[i].Name
			d.History = append(d.History[:i], d.History[i+1:]...)
			return name, true
		}
	}
	return "", false
}

// Trim drops what no audience can see any more at now.
func (d *Document) Trim(r Rules, now time.Time) {
	kept := d.History[:0]
	for _, o := range d.History {
		if k, ok := r.Visible.Keep(o, now); ok {
			kept = append(kept, k)
		}
	}
	clear(d.History[len(kept):])
	d.History = kept
}

func before(a, b *audience.Occurrence) bool {
	if !a.Time.Equal(b.Time) {
		return a.Time.Before(b.Time)
	}
	if a.Source != b.Source {
		return a.Source < b.Source
	}
	return a.ID < b.ID
}

// Absorb makes d the document of both people; d is the survivor. Answers are
// left for a fresh evaluation; who was in an audience stays in it since then.
func (d *Document) Absorb(r Rules, from *Document) {
	d.Profile = *profile.Merge(r.Traits, &d.Profile, &from.Profile)
	d.Consents = consent.Merge(d.Consents, from.Consents)
	if d.FirstSeen.IsZero() || !from.FirstSeen.IsZero() && from.FirstSeen.Before(d.FirstSeen) {
		d.FirstSeen = from.FirstSeen
	}
	if from.LastSeen.After(d.LastSeen) {
		d.LastSeen = from.LastSeen
	}
	for name, since := range from.Since {
		if mine, ok := d.Since[name]; !ok || since.Before(mine) {
			d.joined(name, since)
		}
	}
	d.History = append(d.History, from.History...)
	sort.SliceStable(d.History, func(i, j int) bool { return before(&d.History[i], &d.History[j]) })
}

func (d *Document) joined(audience string, since time.Time) {
	if d.Since == nil {
		d.Since = map[string]time.Time{}
	}
	d.Since[audience] = since
}

// Move is one audience entered or left.
type Move struct {
	Audience string
	Member   bool
	Since    time.Time // of a member
}

// Settle takes over new answers and returns every move, by audience. fresh asks
// to report memberships that stand already, too (after a merge).
func (d *Document) Settle(answers audience.Memberships, now time.Time, fresh bool) []Move {
	var moves []Move
	for _, name := range sortedNames(answers) {
		since, was := d.Since[name]
		switch is := answers[name].Member; {
		case is && !was:
			d.joined(name, now)
			moves = append(moves, Move{name, true, now})
		case !is && was:
			delete(d.Since, name)
			moves = append(moves, Move{Audience: name})
		case is && fresh:
			moves = append(moves, Move{name, true, since})
		}
	}
	for _, name := range sortedNames(d.Since) {
		if _, defined := answers[name]; !defined {
			delete(d.Since, name)
			moves = append(moves, Move{Audience: name})
		}
	}
	d.Answers = answers
	return moves
}

// NextChange is the next instant at which an answer can change by itself, zero if never.
func (d *Document) NextChange() time.Time {
	var next time.Time
	for _, a := range d.Answers {
		if !a.Next.IsZero() && (next.IsZero() || a.Next.Before(next)) {
			next = a.Next
		}
	}
	return next
}

// Subject is the person as a condition sees them.
func (d *Document) Subject(r Rules, identifiers []event.Identifier) *audience.Subject {
	s := &audience.Subject{Person: d.Key, Traits: d.Profile.Values(r.Traits), Consents: map[string]string{},
		Identifiers: identifiers, History: d.History}
	for purpose, stand := range d.Consents.State() {
		s.Consents[purpose] = string(stand)
	}
	return s
}

func sortedNames[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Text takes a value for a hand-over or a form: "trait.NAME", or
// "identifier.NAMESPACE", of which the one sorted first stands for all.
func (d *Document) Text(r Rules, from string, identifiers []event.Identifier) (string, bool) {
	kind, name, _ := strings.Cut(from, ".")
	if kind == "identifier" {
		for _, id := range identifiers {
			if id.Namespace == name {
				return id.Value, true
			}
		}
		return "", false
	}
	v, _, ok := d.Profile.Value(r.Traits, name)
	if !ok {
		return "", false
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false // lists have no single text
}

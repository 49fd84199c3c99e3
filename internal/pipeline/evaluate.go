package pipeline

import (
	"sort"
	"time"

	"parley/internal/audience"
	"parley/internal/consent"
	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/event"
	"parley/internal/identity"
	"parley/internal/person"
	"parley/internal/state"
)

// evaluate brings a person's memberships up to now and with them the desired
// side of every activation.
func (r *run) evaluate(s *subject, now time.Time) error {
	change := s.change
	s.change = audience.Change{}
	before := s.doc.NextChange()
	ids := identifiers(r.graph.Nodes(s.id))
	answers, next := r.ws.Audiences.Evaluate(s.doc.Subject(r.ws.Person, ids), now, s.doc.Answers, change)
	moves := s.doc.Settle(answers, now, s.merged)
	for _, m := range moves {
		row := state.Membership{Audience: m.Audience, Person: s.id, Since: m.Since}
		if m.Member {
			r.out.joined = append(r.out.joined, row)
		} else {
			r.out.left = append(r.out.left, row)
		}
	}
	if !next.Equal(before) || s.merged {
		r.out.timers = append(r.out.timers, state.Timer{Person: s.id, At: next})
		if !next.IsZero() && (r.nextTimer.IsZero() || next.Before(r.nextTimer)) {
			r.nextTimer = next
		}
	}
	s.merged = false
	s.dirty = true
	if len(moves) == 0 && len(change.Traits) == 0 && len(change.Consents) == 0 && !change.Identifiers && !change.Everything {
		return nil
	}
	for _, a := range r.ws.Activations {
		r.decide(s, a, ids, now)
	}
	return nil
}

func identifiers(nodes []identity.Node) []event.Identifier {
	out := make([]event.Identifier, len(nodes))
	for i, n := range nodes {
		out[i] = n.Identifier
	}
	return out
}

// decide sets what one activation should do about a person: the consent gate
// (I6) stands here, and every change of its answer enters the book (I7).
func (r *run) decide(s *subject, a *delivery.Activation, ids []event.Identifier, now time.Time) {
	row := s.deliveries[a.Name]
	member := s.doc.Answers[a.Audience].Member
	if !member && row == nil {
		return
	}
	if row == nil {
		row = &state.Delivery{Member: delivery.Member{Activation: a.Name, Person: s.id}}
	}
	row.Destination, row.Mode = a.Destination, a.Mode
	desired, ground := r.desired(s, a, member, ids)
	next, changed := delivery.Desire(row.Member, desired)
	if !next.Want && next.Reason != desired.Reason {
		next.Reason, changed = desired.Reason, true // a refusal is kept, so that it is recorded once
	}
	if !changed {
		return
	}
	if line := decision(row.Member, next); line != "" {
		r.out.decisions = append(r.out.decisions, state.Disclosure{At: now, Person: s.id, Activation: a.Name,
			Destination: a.Destination, Purpose: a.Purpose, Decision: line, Ground: ground, Version: next.Version})
	}
	row.Member = next
	s.deliveries[a.Name] = row
	s.changed[a.Name] = true
}

// The reasons why a member is not wanted; state groups its summary by them.
const (
	reasonLeft    = "left the audience"
	reasonRefused = "no consent for " // + purpose
	reasonLacks   = "lacks "          // + field
)

// desired is what the activation wants of a person, with the words for the book.
func (r *run) desired(s *subject, a *delivery.Activation, member bool, ids []event.Identifier) (delivery.Desired, string) {
	if !member {
		return delivery.Desired{Reason: reasonLeft}, reasonLeft
	}
	stand := s.doc.Consents.State()[a.Purpose]
	d := consent.Decide(r.ws.Purposes[a.Purpose], stand, r.ws.Destinations[a.Destination].Purposes)
	if !d.Allowed {
		return delivery.Desired{Reason: reasonRefused + a.Purpose}, d.Reason
	}
	fields, lacks := fieldsOf(r.ws.Person, s.doc, a, ids)
	if lacks != "" {
		return delivery.Desired{Reason: reasonLacks + lacks}, reasonLacks + lacks
	}
	return delivery.Desired{Want: true, Fields: fields}, d.Ground
}

// decision names what changed for the book of decisions.
func decision(before, after delivery.Member) string {
	switch {
	case after.Want:
		return "released"
	case before.Want:
		return "withdrawn"
	case len(after.Reason) > len(reasonRefused) && after.Reason[:len(reasonRefused)] == reasonRefused:
		return "refused"
	}
	return ""
}

// fieldsOf takes the activation's fields from a person; lacks names a required
// field that the person does not have.
func fieldsOf(rules person.Rules, doc *person.Document, a *delivery.Activation, ids []event.Identifier) (fields map[string]string, lacks string) {
	fields = make(map[string]string, len(a.Fields))
	for name, from := range a.Fields {
		if v, ok := doc.Text(rules, from, ids); ok {
			fields[name] = v
		}
	}
	required := a.Require
	if len(required) == 0 {
		for name := range a.Fields {
			required = append(required, name)
		}
		sort.Strings(required)
	}
	for _, name := range required {
		if fields[name] == "" {
			return nil, name
		}
	}
	return fields, ""
}

// merge makes one person of two.
func (r *run) merge(m identity.Merge) error {
	into, from := r.people[m.Into], r.people[m.From]
	into.doc.Absorb(r.ws.Person, from.doc)
	into.merged = true
	r.note(into, audience.Change{Everything: true, Identifiers: true})
	for _, n := range r.graph.Nodes(m.Into) {
		// Nodes that were the survivor's already are written again unchanged.
		r.out.nodes[n.Identifier] = state.Identifier{Identifier: n.Identifier, FirstSeen: n.FirstSeen}
	}
	r.out.merges = append(r.out.merges, state.Alias{Person: m.From, Survivor: m.Into, At: r.progress.Clock})
	for id, s := range r.survivors {
		if s == m.From {
			r.survivors[id] = m.Into
		}
	}
	r.survivors[m.From] = m.Into
	r.absorbDeliveries(into, from)
	delete(r.people, m.From)
	return nil
}

// absorbDeliveries settles the two people's rows at every destination. A row
// that must still be removed there stays with the old person id until it is.
func (r *run) absorbDeliveries(into, from *subject) {
	names := make([]string, 0, len(from.deliveries))
	for name := range from.deliveries {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		theirs := from.deliveries[name]
		mine := into.deliveries[name]
		if mine == nil {
			mine = &state.Delivery{Member: delivery.Member{Activation: name, Person: into.id}, Destination: theirs.Destination}
		}
		spec := r.ws.Destinations[theirs.Destination]
		if spec == nil {
			continue
		}
		if theirs.Want { // what a destination has confirmed must not decide what the book says (I4)
			r.out.decisions = append(r.out.decisions, state.Disclosure{At: r.progress.Clock, Person: from.id, Activation: name,
				Destination: theirs.Destination, Decision: "withdrawn", Ground: delivery.ReasonMerged, Version: theirs.Version + 1})
		}
		mine.Version = max(mine.Version, theirs.Version)
		kept, leaving := delivery.Absorb(mine.Member, theirs.Member, spec.Keying())
		mine.Member, mine.Mode = kept, r.mode(name)
		if kept.Version > 0 || kept.Reason != "" {
			into.deliveries[name] = mine
			into.changed[name] = true
		}
		if leaving == nil {
			r.out.dropped = append(r.out.dropped, rowKey{name, from.id})
			continue
		}
		r.out.leaving = append(r.out.leaving, state.Delivery{Member: *leaving, Destination: theirs.Destination, Mode: r.mode(name)})
	}
}

func (r *run) mode(activation string) (mode destination.Mode) {
	for _, a := range r.ws.Activations {
		if a.Name == activation {
			return a.Mode
		}
	}
	return mode
}

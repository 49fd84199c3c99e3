package audience

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Evaluate says whether the person is a member of the audience at now. It is
// the definition of an audience's meaning (I8): it looks at everything, keeps
// nothing and is written to be read beside the grammar, not to be fast. The
// order of the history does not matter to it; an event must appear in it once.
func Evaluate(c *Compiled, s *Subject, now time.Time) bool {
	r := reference{subject: s, now: now}
	return r.member(c)
}

type reference struct {
	subject *Subject
	now     time.Time
	// known remembers audiences that several conditions refer to; without it a
	// ladder of references would take exponential time.
	known map[*Compiled]bool
}

func (r *reference) member(c *Compiled) bool {
	if member, ok := r.known[c]; ok {
		return member
	}
	return r.holds(c.root)
}

func (r *reference) holds(n *node) bool {
	switch n.kind {
	case kindAll:
		for _, child := range n.children {
			if !r.holds(child) {
				return false
			}
		}
		return true
	case kindAny:
		for _, child := range n.children {
			if r.holds(child) {
				return true
			}
		}
		return false
	case kindNot:
		return !r.holds(n.children[0])
	case kindEvent:
		return n.event.accepts(n.event.count(r.subject.History, r.now))
	case kindDidNot:
		return !n.event.accepts(n.event.count(r.subject.History, r.now))
	case kindAudience:
		member := r.member(n.audience)
		if r.known == nil {
			r.known = make(map[*Compiled]bool)
		}
		r.known[n.audience] = member
		return member
	}
	return n.holdsAlways(r.subject)
}

// holdsAlways answers the conditions that time and events do not touch.
func (n *node) holdsAlways(s *Subject) bool {
	switch n.kind {
	case kindTrait:
		return n.value.holds(s.Traits[n.name])
	case kindConsent:
		stand := s.Consents[n.name]
		if stand == "" {
			stand = "unknown"
		}
		return stand == n.stand
	case kindIdentified:
		for i := range s.Identifiers {
			if s.Identifiers[i].Namespace == n.name {
				return true
			}
		}
		return false
	case kindBucket:
		b := Bucket(n.bucket.Seed, s.Person)
		return n.bucket.From <= b && b < n.bucket.To
	}
	return false
}

// Bucket places a person in one of the Buckets parts of a split: the first 8
// bytes of SHA-256(seed, zero byte, person) as a big-endian number, modulo
// Buckets. The same seed and person give the same part for ever.
func Bucket(seed, person string) int {
	var space [128]byte
	text := append(space[:0], seed...)
	text = append(text, 0)
	text = append(text, person...)
	sum := sha256.Sum256(text)
	return int(binary.BigEndian.Uint64(sum[:8]) % Buckets)
}

// tally is what was found in a window.
type tally struct {
	events        int // that match
	numbers       int // of those, the ones whose measured property is a number
	sum, min, max number
}

func (t *tally) add(n number) {
	if t.numbers == 0 || n.cmp(t.min) < 0 {
		t.min = n
	}
	if t.numbers == 0 || n.cmp(t.max) > 0 {
		t.max = n
	}
	t.sum = t.sum.plus(n)
	t.numbers++
}

// count looks at every event of the history.
func (e *eventTest) count(history []Occurrence, now time.Time) tally {
	var t tally
	for i := range history {
		o := &history[i]
		if o.Name != e.name || !e.window.sees(o.Time, now) || !e.matches(o) {
			continue
		}
		t.events++
		if e.measure == "count" {
			continue
		}
		if n, ok := numberOf(lookup(o.Properties, e.property)); ok {
			t.add(n)
		}
	}
	return t
}

// matches says whether every property test holds.
func (e *eventTest) matches(o *Occurrence) bool {
	for i := range e.where {
		if !e.where[i].value.holds(lookup(o.Properties, e.where[i].property)) {
			return false
		}
	}
	return true
}

// accepts compares the measure with the bounds, both inclusive. The sum of no
// numbers is 0; a minimum, maximum or average of no numbers meets no bound.
func (e *eventTest) accepts(t tally) bool {
	switch e.measure {
	case "count":
		return e.within(whole(t.events), 1)
	case "sum":
		return e.within(t.sum, 1)
	case "min":
		return t.numbers > 0 && e.within(t.min, 1)
	case "max":
		return t.numbers > 0 && e.within(t.max, 1)
	case "avg":
		return t.numbers > 0 && e.within(t.sum, t.numbers)
	}
	return false
}

// within compares value/divisor with the bounds, without dividing.
func (e *eventTest) within(value number, divisor int) bool {
	if e.atLeast != nil && value.cmp(e.atLeast.times(divisor)) < 0 {
		return false
	}
	return e.atMost == nil || value.cmp(e.atMost.times(divisor)) <= 0
}

package audience

import "time"

// Membership is one person's answer for one audience.
type Membership struct {
	Member bool `json:"member"`
	// Next is the first instant at which Member can change without anything
	// happening to the person; zero when time alone never changes it. Until
	// then it does not change; at Next it may turn out the same.
	Next time.Time `json:"next,omitzero"`
}

// Memberships maps audiences to one person's answers.
type Memberships map[string]Membership

// Evaluate brings a person's memberships up to now. It returns the answer of
// every audience of the set, equal to the reference Evaluate (I8), and the next
// instant at which any of them can change without anything happening, zero when
// none can.
//
// prev is what the previous call for this person returned, or nil; changed is
// everything that happened to s since then. now must not lie before the instant
// of that call, unless changed.Everything. Only audiences that are new, touched
// by the change, due (Next not after now) or that refer to one whose answer
// moved are evaluated. prev is not modified; it is returned itself when
// nothing moved.
func (set *Set) Evaluate(s *Subject, now time.Time, prev Memberships, changed Change) (Memberships, time.Time) {
	marks := set.touched(changed)
	t := timed{subject: s, now: now, known: make([]Membership, len(set.audiences)), done: make([]bool, len(set.audiences))}
	moved := len(prev) != len(set.audiences)
	for i, c := range set.audiences {
		before, known := prev[c.Name]
		due := !before.Next.IsZero() && !before.Next.After(now)
		t.known[i], t.done[i] = before, true
		if known && !due && !marks[i] {
			continue
		}
		after := t.holds(c.root)
		t.known[i] = after
		if known && before.Member == after.Member && before.Next.Equal(after.Next) {
			continue
		}
		moved = true
		for _, j := range set.depends.audiences[i] { // always later than i
			marks[j] = true
		}
	}
	if !moved {
		return prev, earliestOf(t.known)
	}
	result := make(Memberships, len(set.audiences))
	for i, c := range set.audiences {
		result[c.Name] = t.known[i]
	}
	return result, earliestOf(t.known)
}

func earliestOf(all []Membership) time.Time {
	var next time.Time
	for i := range all {
		next = earlier(next, all[i].Next)
	}
	return next
}

// earlier returns the earlier instant, where zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// timed evaluates conditions together with their next instants.
type timed struct {
	subject *Subject
	now     time.Time
	known   []Membership // by place of the audience, valid where done
	done    []bool
	points  []point // space, used by one event condition at a time
}

func (t *timed) member(c *Compiled) Membership {
	if !t.done[c.index] {
		t.known[c.index] = t.holds(c.root)
		t.done[c.index] = true
	}
	return t.known[c.index]
}

func (t *timed) holds(n *node) Membership {
	switch n.kind {
	case kindAll:
		return t.group(n.children, false)
	case kindAny:
		return t.group(n.children, true)
	case kindNot:
		return t.holds(n.children[0]).opposite()
	case kindEvent:
		return t.event(n.event)
	case kindDidNot:
		return t.event(n.event).opposite()
	case kindAudience:
		return t.member(n.audience)
	}
	return Membership{Member: n.holdsAlways(t.subject)}
}

func (m Membership) opposite() Membership {
	m.Member = !m.Member
	return m
}

// group answers all (decisive is false) and any (decisive is true): one child
// whose answer is decisive settles the group.
//
// While settled, the answer stays at least until the last of the settling
// children can change, for until then one of them still settles it. While not
// settled, it can change with the first child that can.
func (t *timed) group(children []*node, decisive bool) Membership {
	var first, last time.Time
	settled := false
	for _, child := range children {
		m := t.holds(child)
		if m.Member != decisive {
			first = earlier(first, m.Next)
			continue
		}
		if m.Next.IsZero() {
			return Membership{Member: decisive} // settled for ever
		}
		if !settled || m.Next.After(last) {
			last = m.Next
		}
		settled = true
	}
	if settled {
		return Membership{Member: decisive, Next: last}
	}
	return Membership{Member: !decisive, Next: first}
}

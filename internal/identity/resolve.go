package identity

import (
	"sort"
	"time"

	"parley/internal/event"
)

// Node is an identifier within a person.
type Node struct {
	event.Identifier
	FirstSeen time.Time
}

// Graph is the part of the identity graph that a run of Resolve can see: every
// identifier it may meet and, for each of their people, all identifiers. It is
// not safe for concurrent use.
type Graph struct {
	rules  *Compiled
	person map[event.Identifier]int64
	nodes  map[int64][]Node // sorted by namespace, value
	next   int64
	seq    int64
}

// NewGraph returns an empty graph in which the next new person gets the number
// next and the next assertion the number seq.
func NewGraph(rules *Compiled, next, seq int64) *Graph {
	return &Graph{rules: rules, person: map[event.Identifier]int64{}, nodes: map[int64][]Node{}, next: next, seq: seq}
}

// Load adds what state knows of a person. Loading a person twice replaces it.
func (g *Graph) Load(person int64, nodes []Node) {
	for _, n := range nodes {
		g.person[n.Identifier] = person
	}
	g.nodes[person] = append([]Node(nil), nodes...)
	g.sort(person)
}

// Next returns the numbers that the next new person and assertion will get.
func (g *Graph) Next() (person, assertion int64) { return g.next, g.seq }

// Nodes returns a person's identifiers, sorted. The slice must not be changed.
func (g *Graph) Nodes(person int64) []Node { return g.nodes[person] }

// Person returns the person of a normalised identifier, 0 if unknown.
func (g *Graph) Person(id event.Identifier) int64 { return g.person[id] }

// Assertion is one claim that two identifiers belong together. Refused is empty
// or says which rule forbids it.
type Assertion struct {
	Seq     int64
	A, B    event.Identifier
	Refused string
}

// Merge says that From was absorbed by Into.
type Merge struct{ Into, From int64 }

// Outcome is what one event did to the graph.
type Outcome struct {
	// Person is whom the event is about: the person of its anchor. 0: nobody.
	Person int64
	// Created says that Person did not exist before.
	Created    bool
	Linked     []Node // identifiers that are new, all of Person
	Assertions []Assertion
	Merges     []Merge // in order
}

// Resolve folds one event's usable identifiers (see Normalise) into the graph.
// at is the time of receipt; it dates new identifiers and ends limit windows.
//
// The first identifier anchors the event. Each of the others is asserted to
// belong to it: known together already, it is only counted; otherwise the union
// must obey every unique and limit rule, or the assertion is refused and the
// two sides stay apart. The oldest person, the one with the lowest number,
// survives a merge. An identifier that was refused and belongs to nobody yet
// stays unknown: a sender that invents identifiers creates no people.
func (g *Graph) Resolve(usable []event.Identifier, at time.Time) Outcome {
	var out Outcome
	if len(usable) == 0 {
		return out
	}
	anchor := usable[0]
	current := g.person[anchor]
	for _, other := range usable[1:] {
		current = g.assert(&out, anchor, other, current, at)
	}
	if current == 0 {
		current = g.create(&out, anchor, at)
	}
	out.Person = current
	return out
}

// assert claims anchor–other and returns the anchor's person afterwards.
func (g *Graph) assert(out *Outcome, anchor, other event.Identifier, current int64, at time.Time) int64 {
	theirs := g.person[other]
	claim := Assertion{Seq: g.seq, A: anchor, B: other}
	g.seq++
	switch {
	case current == 0 && theirs == 0:
		if claim.Refused = g.conflict(nil, []Node{{anchor, at}, {other, at}}, at); claim.Refused == "" {
			current = g.create(out, anchor, at)
			g.link(out, other, current, at)
		}
	case current == 0:
		if claim.Refused = g.conflict(g.nodes[theirs], []Node{{anchor, at}}, at); claim.Refused == "" {
			current = theirs
			g.link(out, anchor, current, at)
		}
	case theirs == 0:
		if claim.Refused = g.conflict(g.nodes[current], []Node{{other, at}}, at); claim.Refused == "" {
			g.link(out, other, current, at)
		}
	case theirs != current:
		if claim.Refused = g.conflict(g.nodes[current], g.nodes[theirs], at); claim.Refused == "" {
			current = g.merge(out, current, theirs)
		}
	}
	if claim.Refused != "" && current == 0 {
		current = g.create(out, anchor, at)
	}
	out.Assertions = append(out.Assertions, claim)
	return current
}

func (g *Graph) create(out *Outcome, anchor event.Identifier, at time.Time) int64 {
	id := g.next
	g.next++
	out.Created = true
	g.link(out, anchor, id, at)
	return id
}

func (g *Graph) link(out *Outcome, id event.Identifier, person int64, at time.Time) {
	n := Node{id, at}
	g.person[id] = person
	g.nodes[person] = append(g.nodes[person], n)
	g.sort(person)
	out.Linked = append(out.Linked, n)
}

func (g *Graph) merge(out *Outcome, a, b int64) int64 {
	into, from := min(a, b), max(a, b)
	for _, n := range g.nodes[from] {
		g.person[n.Identifier] = into
	}
	g.nodes[into] = append(g.nodes[into], g.nodes[from]...)
	delete(g.nodes, from)
	g.sort(into)
	out.Merges = append(out.Merges, Merge{Into: into, From: from})
	return into
}

func (g *Graph) sort(person int64) {
	nodes := g.nodes[person]
	sort.Slice(nodes, func(i, j int) bool {
		if nodes[i].Namespace != nodes[j].Namespace {
			return nodes[i].Namespace < nodes[j].Namespace
		}
		return nodes[i].Value < nodes[j].Value
	})
}

// conflict names the first rule that joining b to a would break: "unique
// NAMESPACE" or "limit NAMESPACE". The sets are disjoint; a may be empty.
func (g *Graph) conflict(a, b []Node, at time.Time) string {
	for _, name := range g.rules.order {
		ns := g.rules.byName[name]
		if !ns.Unique && ns.Limit == 0 {
			continue
		}
		inA, inB := ns.count(a, at), ns.count(b, at)
		if len(a) > 0 && (inA == 0 || inB == 0) {
			continue // one side brings no value: the union is no worse than it was
		}
		if ns.breaks(inA + inB) {
			if ns.Unique {
				return "unique " + name
			}
			return "limit " + name
		}
	}
	return ""
}

// breaks says whether n values in one person are too many.
func (n *namespace) breaks(count int) bool {
	return n.Unique && count > 1 || n.Limit > 0 && count > n.Limit
}

// count counts the values of the namespace, those within the window if there is one.
func (n *namespace) count(nodes []Node, at time.Time) int {
	total := 0
	for _, node := range nodes {
		if node.Namespace != n.Name {
			continue
		}
		if !n.Unique && n.window > 0 && !node.FirstSeen.After(at.Add(-n.window)) {
			continue
		}
		total++
	}
	return total
}

package audience

import "slices"

// Change says what may be different about a person since their memberships were
// last evaluated. Time passing needs no mention.
type Change struct {
	// Everything asks for a fresh evaluation: two people were merged or split, or
	// the clock was set back.
	Everything bool
	// Audiences names definitions that were edited.
	Audiences []string
	// Events names events that arrived or were withdrawn, whatever their time.
	Events   []string
	Traits   []string
	Consents []string // purposes
	// Identifiers says that the person gained or lost one.
	Identifiers bool
	// Person says that the stable id is another one.
	Person bool
}

// dependencies maps what can change to the places of the audiences whose own
// conditions ask for it, ascending.
type dependencies struct {
	events, traits, consents map[string][]int
	identifiers, person      []int
	audiences                [][]int // by place: those that refer to it
}

func dependenciesOf(audiences []*Compiled) dependencies {
	d := dependencies{
		events:    make(map[string][]int),
		traits:    make(map[string][]int),
		consents:  make(map[string][]int),
		audiences: make([][]int, len(audiences)),
	}
	for i, c := range audiences {
		c.root.each(func(n *node) {
			switch n.kind {
			case kindEvent, kindDidNot:
				d.events[n.event.name] = addPlace(d.events[n.event.name], i)
			case kindTrait:
				d.traits[n.name] = addPlace(d.traits[n.name], i)
			case kindConsent:
				d.consents[n.name] = addPlace(d.consents[n.name], i)
			case kindIdentified:
				d.identifiers = addPlace(d.identifiers, i)
			case kindBucket:
				d.person = addPlace(d.person, i)
			case kindAudience:
				d.audiences[n.audience.index] = addPlace(d.audiences[n.audience.index], i)
			}
		})
	}
	return d
}

// addPlace appends i once; places arrive in ascending order.
func addPlace(places []int, i int) []int {
	if len(places) > 0 && places[len(places)-1] == i {
		return places
	}
	return append(places, i)
}

// touched marks the audiences whose own conditions ask for what changed.
// References are not followed.
func (set *Set) touched(change Change) []bool {
	marks := make([]bool, len(set.audiences))
	mark := func(places []int) {
		for _, i := range places {
			marks[i] = true
		}
	}
	for _, name := range change.Events {
		mark(set.depends.events[name])
	}
	for _, name := range change.Traits {
		mark(set.depends.traits[name])
	}
	for _, name := range change.Consents {
		mark(set.depends.consents[name])
	}
	if change.Identifiers {
		mark(set.depends.identifiers)
	}
	if change.Person {
		mark(set.depends.person)
	}
	for _, name := range change.Audiences {
		if c, ok := set.byName[name]; ok {
			marks[c.index] = true
		}
	}
	for i := range marks {
		marks[i] = marks[i] || change.Everything
	}
	return marks
}

// DependsOn names the audiences whose members can differ after the change,
// directly or through references, in the order of Names.
func (set *Set) DependsOn(change Change) []string {
	marks := set.touched(change)
	var names []string
	for i, c := range set.audiences {
		if !marks[i] {
			continue
		}
		names = append(names, c.Name)
		for _, j := range set.depends.audiences[i] { // always later than i
			marks[j] = true
		}
	}
	return slices.Clip(names)
}

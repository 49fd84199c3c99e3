// Package profile folds a person's events into traits, by survivorship rules
// and with provenance: every value carries the source, time and event it came from.
//
// A Profile is a join-semilattice: for each trait it keeps the least set of
// observations from which the trait's rule can still decide, and both Observe
// and Merge only ever join such sets. Therefore the order of the observations,
// their repetition and the way in which people were merged do not matter: the
// same set of observations gives the same bytes (I4).
//
//   - latest, earliest, longest, source_priority keep one observation.
//   - most_frequent keeps the latest MaxCounted observations, one per event,
//     and counts among those: the bound is what makes it mergeable.
//   - union keeps the MaxValues values seen most recently, each with the latest
//     observation of it.
//
// Ties go by (time, source, id, value), so no two different observations are
// equal. A profile reads only under the rules it was folded with; when a trait's
// rule or type changes, fold the person's history again.
package profile

import (
	"slices"
	"strings"
	"time"
)

// Rule is how one value survives among several.
type Rule string

// The rules of survivorship (DESIGN §6).
const (
	Latest       Rule = "latest" // default; an explicit null clears the trait
	Earliest     Rule = "earliest"
	Priority     Rule = "source_priority" // the best source, then latest; unlisted sources come last
	MostFrequent Rule = "most_frequent"   // among the latest MaxCounted; a tie goes to the value seen last
	Longest      Rule = "longest"         // in characters; a tie goes to the latest
	Union        Rule = "union"           // a sorted list of values
)

// The bounds of what a profile keeps per trait.
const (
	MaxCounted = 64  // observations that most_frequent counts
	MaxValues  = 100 // values of a union
)

// TraitSpec is one trait document of the workspace.
type TraitSpec struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
	Title string `json:"title,omitempty"`
	// Type is string, integer, number, boolean, date or timestamp; empty keeps
	// any JSON value as it comes.
	Type string `json:"type,omitempty"`
	Rule Rule   `json:"rule,omitempty"`
	// Sources is the order of preference for source_priority, best first.
	Sources []string `json:"sources,omitempty"`
	// Personal says that the value is personal data (hidden in previews).
	Personal bool `json:"personal,omitempty"`
}

// Provenance says where a value came from.
type Provenance struct {
	Source string    `json:"source"`
	ID     string    `json:"id"`
	Time   time.Time `json:"time"` // microseconds; finer digits are dropped
}

// Observation is one event's statement about one trait. Value is a JSON value:
// nil, bool, string, json.Number, []any or map[string]any.
type Observation struct {
	Trait string
	Value any
	Provenance
}

// Profile is what is known of one person. The zero value is empty and ready.
// It is not safe for concurrent use.
type Profile struct {
	traits []trait // sorted by name
}

type trait struct {
	name    string
	entries []entry // never empty; the latest first
}

// entry is one observation: the value in canonical JSON, and its provenance.
type entry struct {
	raw    string
	source string
	id     string
	micros int64
}

// Observe folds an observation in. It returns false, and changes nothing, if the
// observation is of another trait, its value does not fit the trait's type, or it
// is null under a rule other than latest.
func (p *Profile) Observe(spec *TraitSpec, o Observation) bool {
	if o.Trait != spec.Name {
		return false
	}
	raw, ok := coerce(spec.Type, o.Value)
	if !ok || (raw == null && spec.rule() != Latest) {
		return false
	}
	e := entry{raw: raw, source: o.Source, id: o.ID, micros: o.Time.UnixMicro()}
	p.add(spec, e)
	return true
}

func (p *Profile) add(spec *TraitSpec, entries ...entry) {
	i, found := p.find(spec.Name)
	if !found {
		p.traits = slices.Insert(p.traits, i, trait{name: spec.Name})
	}
	for _, e := range entries {
		p.traits[i].entries = add(spec, p.traits[i].entries, e)
	}
}

// Merge returns the profile of everything that a and b observed; they stay as
// they are, and either may be nil. Traits that specs does not declare are left out.
func Merge(specs Specs, a, b *Profile) *Profile {
	merged := &Profile{}
	for _, from := range []*Profile{a, b} {
		if from == nil {
			continue
		}
		for _, t := range from.traits {
			if spec := specs.Lookup(t.name); spec != nil {
				merged.add(spec, t.entries...)
			}
		}
	}
	return merged
}

func (p *Profile) find(name string) (int, bool) {
	return slices.BinarySearchFunc(p.traits, name, func(t trait, name string) int { return strings.Compare(t.name, name) })
}

// Value returns the surviving value of a declared trait and where it came from;
// false if there is none. A union is a []any, sorted, with the provenance of its
// latest value.
func (p *Profile) Value(specs Specs, name string) (any, Provenance, bool) {
	spec := specs.Lookup(name)
	i, found := p.find(name)
	if spec == nil || !found {
		return nil, Provenance{}, false
	}
	return p.traits[i].value(spec)
}

// Values returns every declared trait that has a value, as Value does.
func (p *Profile) Values(specs Specs) map[string]any {
	values := make(map[string]any, len(p.traits))
	for i := range p.traits {
		spec := specs.Lookup(p.traits[i].name)
		if spec == nil {
			continue
		}
		if v, _, ok := p.traits[i].value(spec); ok {
			values[spec.Name] = v
		}
	}
	return values
}

// Len returns the number of traits kept, cleared ones included.
func (p *Profile) Len() int { return len(p.traits) }

func (t *trait) value(spec *TraitSpec) (any, Provenance, bool) {
	switch spec.rule() {
	case Union:
		return t.union()
	case MostFrequent:
		e := mostFrequent(t.entries)
		return parse(e.raw), e.provenance(), true
	}
	e := t.entries[0]
	if e.raw == null {
		return nil, Provenance{}, false
	}
	return parse(e.raw), e.provenance(), true
}

func (t *trait) union() (any, Provenance, bool) {
	raws := make([]string, 0, len(t.entries))
	for _, e := range t.entries {
		raws = append(raws, e.raw)
	}
	slices.Sort(raws)
	list := make([]any, len(raws))
	for i, raw := range raws {
		list[i] = parse(raw)
	}
	return list, t.entries[0].provenance(), true
}

func (e entry) provenance() Provenance {
	return Provenance{Source: e.source, ID: e.id, Time: time.UnixMicro(e.micros).UTC()}
}

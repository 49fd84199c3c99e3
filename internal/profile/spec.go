package profile

import (
	"fmt"
	"regexp"
	"slices"

	"parley/internal/fault"
)

// Specs are the declared traits of a workspace version, by name.
type Specs struct{ byName map[string]*TraitSpec }

// NewSpecs checks and collects trait documents. It is Invalid if one has a
// problem or a name occurs twice.
func NewSpecs(list []TraitSpec) (Specs, error) {
	s := Specs{byName: make(map[string]*TraitSpec, len(list))}
	for i := range list {
		spec := list[i]
		spec.Sources = slices.Clone(spec.Sources)
		if problems := spec.Validate(); len(problems) > 0 {
			return Specs{}, fault.New(fault.Invalid, "profile.specs", "The trait %q is not valid, at %s: %s", spec.Name, problems[0].Path, problems[0].Message)
		}
		if s.byName[spec.Name] != nil {
			return Specs{}, fault.New(fault.Invalid, "profile.specs", "The trait %q is declared twice; keep one document.", spec.Name)
		}
		s.byName[spec.Name] = &spec
	}
	return s, nil
}

// Lookup returns the declared trait of that name, nil if there is none. Do not
// change what it points to.
func (s Specs) Lookup(name string) *TraitSpec { return s.byName[name] }

// Names returns the declared traits, sorted.
func (s Specs) Names() []string {
	names := make([]string, 0, len(s.byName))
	for name := range s.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var (
	traitName = regexp.MustCompile(`^[\pL_$][\pL\pN_$-]{0,99}$`)
	types     = []string{"", "string", "integer", "number", "boolean", "date", "timestamp"}
	rules     = []Rule{"", Latest, Earliest, Priority, MostFrequent, Longest, Union}
)

// Validate returns every mistake in the document, none if it can be used.
func (s *TraitSpec) Validate() []fault.Problem {
	var problems []fault.Problem
	problem := func(path, format string, args ...any) {
		problems = append(problems, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	if !traitName.MatchString(s.Name) {
		problem("name", "A trait needs a name that begins with a letter and has only letters, digits, _, $ and -, at most 100.")
	}
	if s.Owner == "" {
		problem("owner", "A trait needs an owner; name the team that answers for it.")
	}
	if !slices.Contains(types, s.Type) {
		problem("type", "There is no type %q; use string, integer, number, boolean, date or timestamp, or leave it out.", s.Type)
	}
	if !slices.Contains(rules, s.Rule) {
		problem("rule", "There is no rule %q; use latest, earliest, source_priority, most_frequent, longest or union.", s.Rule)
	}
	switch {
	case s.Rule == Priority && len(s.Sources) == 0:
		problem("sources", "source_priority needs sources, best first.")
	case s.Rule != Priority && len(s.Sources) > 0:
		problem("sources", "sources mean something only with the rule source_priority; set it or remove them.")
	}
	for i, source := range s.Sources {
		path := fmt.Sprintf("sources[%d]", i)
		if source == "" {
			problem(path, "A source needs a name.")
		} else if slices.Contains(s.Sources[:i], source) {
			problem(path, "The source %q is listed twice; keep its best place.", source)
		}
	}
	return problems
}

package consent

import (
	"fmt"
	"slices"
	"strings"

	"parley/internal/fault"
)

var bases = []Basis{Consent, LegitimateInterest, Contract, LegalObligation}

// Validate returns every mistake in the purpose, in the order of its fields.
func (p Purpose) Validate() []fault.Problem {
	var out []fault.Problem
	add := func(path, format string, args ...any) {
		out = append(out, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	if strings.TrimSpace(p.Name) == "" {
		add("name", "The purpose has no name; give it a short one such as advertising.")
	}
	if strings.TrimSpace(p.Owner) == "" {
		add("owner", "The purpose has no owner; name the team that answers for it.")
	}
	switch {
	case p.Basis == "":
		add("basis", "The purpose has no legal basis; choose one of %s.", basisNames())
	case !slices.Contains(bases, p.Basis):
		add("basis", "%q is not a legal basis; choose one of %s.", p.Basis, basisNames())
	case p.Basis != Consent && strings.TrimSpace(p.Ground) == "":
		add("ground", "A purpose based on %s needs its justification on record; write it in ground.", p.Basis)
	}
	return out
}

func basisNames() string {
	names := make([]string, len(bases))
	for i, b := range bases {
		names[i] = string(b)
	}
	return strings.Join(names, ", ")
}

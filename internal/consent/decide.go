package consent

import (
	"slices"
	"strings"
)

// Decision is the answer to "may this person's data go there for this
// purpose", with the words that enter the book of disclosures (I7).
type Decision struct {
	Allowed bool
	// Ground is what an allowed use stands on: "consent", or the basis, a
	// colon and the recorded justification. Empty when refused.
	Ground string
	// Reason is why use is refused, one sentence without personal values.
	// Empty when allowed.
	Reason string
}

// Decide says whether data of a person with this stand may be handed over for
// purpose p to a destination that serves the allowed purposes.
//
// Everything that is not expressly permitted is refused (I6): no purpose, a
// purpose the destination does not serve, a basis that is missing, unknown or
// without its recorded ground, and any stand that is not one of the three. A
// denied stand refuses under Consent and, as an objection, under
// LegitimateInterest; Contract and LegalObligation do not depend on it.
func Decide(p *Purpose, stand Stand, allowedPurposes []string) Decision {
	if p == nil || p.Name == "" {
		return refuse("The purpose is not defined in the workspace.")
	}
	if !slices.Contains(allowedPurposes, p.Name) {
		return refuse("The destination does not serve the purpose " + p.Name + ".")
	}
	if p.Basis != Consent && strings.TrimSpace(p.Ground) == "" {
		return refuse("The purpose " + p.Name + " has no recorded legal ground.")
	}
	switch p.Basis {
	case Consent:
		return decideConsent(p, stand)
	case LegitimateInterest:
		if stand != Granted && stand != Unknown {
			return refuse("The person objects to the purpose " + p.Name + ".")
		}
	case Contract, LegalObligation:
	default:
		return refuse("The purpose " + p.Name + " has no valid legal basis.")
	}
	return Decision{Allowed: true, Ground: string(p.Basis) + ": " + p.Ground}
}

func decideConsent(p *Purpose, stand Stand) Decision {
	switch stand {
	case Granted:
		return Decision{Allowed: true, Ground: string(Consent)}
	case Unknown:
		return refuse("The person has not consented to the purpose " + p.Name + ".")
	default:
		return refuse("The person refuses the purpose " + p.Name + ".")
	}
}

func refuse(reason string) Decision { return Decision{Reason: reason} }

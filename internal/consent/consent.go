// Package consent decides whether a person's data may be used for a purpose.
// There is one decision function, Decide, and everyone uses it (I6).
package consent

// Basis is the legal ground on which a purpose stands.
type Basis string

// The bases. With Consent nothing is allowed until granted; with
// LegitimateInterest, Contract and LegalObligation use is allowed on that
// recorded ground, and a person may object to LegitimateInterest.
const (
	Consent            Basis = "consent"
	LegitimateInterest Basis = "legitimate_interest"
	Contract           Basis = "contract"
	LegalObligation    Basis = "legal_obligation"
)

// Purpose is one purpose document of the workspace.
type Purpose struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
	Title string `json:"title,omitempty"`
	Basis Basis  `json:"basis"`
	// Ground is the recorded justification for any basis but consent.
	Ground string `json:"ground,omitempty"`
}

// Stand is a person's position on a purpose.
type Stand string

// The stands. Unknown is the absence of a statement.
const (
	Unknown Stand = ""
	Granted Stand = "granted"
	Denied  Stand = "denied"
)

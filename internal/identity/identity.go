// Package identity resolves identifiers to people. Assertions are the truth,
// people are derived from them (I5): a pure, deterministic fold of assertions in
// journal order under the rules of the workspace.
package identity

// Rules is the identity document of the workspace.
type Rules struct {
	Name       string      `json:"name"`
	Owner      string      `json:"owner"`
	Namespaces []Namespace `json:"namespaces"`
}

// Namespace says how the identifiers of one namespace behave.
type Namespace struct {
	Name string `json:"name"`
	// Normalise is none, trim, lower, email, phone or digits; empty: trim.
	Normalise string `json:"normalise,omitempty"`
	// Unique allows at most one value per person.
	Unique bool `json:"unique,omitempty"`
	// Limit allows at most that many values per person; 0: no limit.
	Limit int `json:"limit,omitempty"`
	// Window restricts Limit to values first seen within it, e.g. 30d; empty: ever.
	Window string `json:"window,omitempty"`
	// Priority: the lowest number anchors an event. Equal priorities go by name.
	Priority int `json:"priority"`
	// Blocked values never identify anyone, beside the built-in junk list.
	Blocked []string `json:"blocked,omitempty"`
}

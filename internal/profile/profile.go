// Package profile folds a person's events into traits, by survivorship rules
// and with provenance: every value carries the source, time and event it came from.
package profile

import "time"

// Rule is how one value survives among several.
type Rule string

// The rules of survivorship (DESIGN §6).
const (
	Latest       Rule = "latest" // default
	Earliest     Rule = "earliest"
	Priority     Rule = "source_priority"
	MostFrequent Rule = "most_frequent"
	Longest      Rule = "longest"
	Union        Rule = "union"
)

// TraitSpec is one trait document of the workspace.
type TraitSpec struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
	Title string `json:"title,omitempty"`
	Type  string `json:"type,omitempty"` // string, integer, number, boolean, date, timestamp
	Rule  Rule   `json:"rule,omitempty"`
	// Sources is the order of preference for source_priority, best first.
	Sources []string `json:"sources,omitempty"`
	// Personal says that the value is personal data (hidden in previews).
	Personal bool `json:"personal,omitempty"`
}

// Provenance says where a value came from.
type Provenance struct {
	Source string    `json:"source"`
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
}

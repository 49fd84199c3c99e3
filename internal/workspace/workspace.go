// Package workspace is the agreement: YAML documents that describe teams, terms,
// sources, contracts, identity rules, traits, purposes, audiences, destinations,
// activations and forms. It is the only package that reads YAML. A workspace is
// validated as a whole, so that nothing in it points at what does not exist, and
// travels through the journal as canonical JSON.
package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sort"

	"parley/internal/ask"
	"parley/internal/audience"
	"parley/internal/consent"
	"parley/internal/contract"
	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/fault"
	"parley/internal/identity"
	"parley/internal/profile"
	"parley/internal/source"
)

// Side is a department's side of the table.
type Side string

// The sides. Shared teams (legal, privacy, finance) stand for both.
const (
	IT        Side = "it"
	Marketing Side = "marketing"
	Shared    Side = "shared"
)

// Team owns objects of the workspace.
type Team struct {
	Name    string `json:"name"`
	Side    Side   `json:"side"`
	Title   string `json:"title,omitempty"`
	Contact string `json:"contact,omitempty"`
}

// Term is one word of the glossary, in both departments' words.
type Term struct {
	Name       string   `json:"name"`
	Owner      string   `json:"owner"`
	Definition string   `json:"definition"`
	Also       []string `json:"also,omitempty"`
}

// Workspace is one whole version of the agreement. Lists are sorted by name.
type Workspace struct {
	Teams        []Team                `json:"teams,omitempty"`
	Terms        []Term                `json:"terms,omitempty"`
	Sources      []source.Spec         `json:"sources,omitempty"`
	Contracts    []contract.Spec       `json:"contracts,omitempty"`
	Identity     identity.Rules        `json:"identity"`
	Traits       []profile.TraitSpec   `json:"traits,omitempty"`
	Purposes     []consent.Purpose     `json:"purposes,omitempty"`
	Audiences    []audience.Spec       `json:"audiences,omitempty"`
	Destinations []destination.Spec    `json:"destinations,omitempty"`
	Activations  []delivery.Activation `json:"activations,omitempty"`
	Forms        []ask.Form            `json:"forms,omitempty"`
}

// Canonical returns the workspace as JSON, the same bytes for the same content (I4).
func (w *Workspace) Canonical() ([]byte, error) {
	w.sort()
	body, err := json.Marshal(w)
	return body, fault.Wrap("workspace.canonical", err)
}

// Digest names a canonical form.
func Digest(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:8])
}

// Decode reads a canonical form.
func Decode(canonical []byte) (*Workspace, error) {
	var w Workspace
	if err := json.Unmarshal(canonical, &w); err != nil {
		return nil, fault.WrapAs(fault.Internal, "workspace.decode", err, "A stored workspace version cannot be read.")
	}
	return &w, nil
}

func (w *Workspace) sort() {
	byName(w.Teams, teamName)
	byName(w.Terms, termName)
	byName(w.Sources, sourceName)
	byName(w.Contracts, contractName)
	byName(w.Traits, traitName)
	byName(w.Purposes, purposeName)
	byName(w.Audiences, audienceName)
	byName(w.Destinations, destinationName)
	byName(w.Activations, activationName)
	byName(w.Forms, formName)
}

func byName[T any](list []T, name func(T) string) {
	sort.SliceStable(list, func(i, j int) bool { return name(list[i]) < name(list[j]) })
}

func teamName(x Team) string                      { return x.Name }
func termName(x Term) string                      { return x.Name }
func sourceName(x source.Spec) string             { return x.Name }
func contractName(x contract.Spec) string         { return x.Name }
func traitName(x profile.TraitSpec) string        { return x.Name }
func purposeName(x consent.Purpose) string        { return x.Name }
func audienceName(x audience.Spec) string         { return x.Name }
func destinationName(x destination.Spec) string   { return x.Name }
func activationName(x delivery.Activation) string { return x.Name }
func formName(x ask.Form) string                  { return x.Name }

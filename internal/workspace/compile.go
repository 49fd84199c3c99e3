package workspace

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"parley/internal/ask"
	"parley/internal/audience"
	"parley/internal/consent"
	"parley/internal/contract"
	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/identity"
	"parley/internal/person"
	"parley/internal/profile"
	"parley/internal/source"
	"parley/internal/suggest"
)

// Source is a way in, ready to be used.
type Source struct {
	source.Spec
	Rules   *contract.Contract
	Mapping *source.Compiled // nil for http sources
}

// Compiled is one version of the workspace, ready to be used by every stage. It
// is immutable and safe for concurrent use.
type Compiled struct {
	*Workspace
	Version      int64
	Digest       string
	Sources      map[string]*Source
	WriteKeys    map[string]*Source
	Identity     *identity.Compiled
	Person       person.Rules
	Purposes     map[string]*consent.Purpose
	Audiences    *audience.Set
	Destinations map[string]*destination.Spec
	Activations  []*delivery.Activation // by name
	Forms        map[string]*ask.Form
}

// Compile prepares a valid workspace. An error is Invalid; after Parse without
// issues there is none.
func (w *Workspace) Compile(version int64) (*Compiled, error) {
	body, err := w.Canonical()
	if err != nil {
		return nil, err
	}
	c := &Compiled{
		Workspace: w, Version: version, Digest: Digest(body),
		Sources: map[string]*Source{}, WriteKeys: map[string]*Source{}, Purposes: map[string]*consent.Purpose{},
		Destinations: map[string]*destination.Spec{}, Forms: map[string]*ask.Form{},
	}
	if err := c.sources(); err != nil {
		return nil, err
	}
	if c.Identity, err = w.Identity.Compile(); err != nil {
		return nil, err
	}
	if c.Audiences, err = audience.Compile(w.Audiences); err != nil {
		return nil, err
	}
	traits, err := profile.NewSpecs(w.Traits)
	if err != nil {
		return nil, err
	}
	c.Person = person.Rules{Traits: traits, Visible: c.Audiences.Visible()}
	for i := range w.Purposes {
		c.Purposes[w.Purposes[i].Name] = &w.Purposes[i]
	}
	for i := range w.Destinations {
		c.Destinations[w.Destinations[i].Name] = &w.Destinations[i]
	}
	for i := range w.Activations {
		c.Activations = append(c.Activations, &w.Activations[i])
	}
	for i := range w.Forms {
		c.Forms[w.Forms[i].Name] = &w.Forms[i]
	}
	return c, nil
}

func (c *Compiled) sources() error {
	contracts := map[string]*contract.Contract{}
	for i := range c.Contracts {
		rules, err := c.Contracts[i].Compile()
		if err != nil {
			return fault.Wrap("workspace.compile", fmt.Errorf("contract %s: %w", c.Contracts[i].Name, err))
		}
		contracts[c.Contracts[i].Name] = rules
	}
	for _, spec := range c.Workspace.Sources {
		s := &Source{Spec: spec, Rules: contracts[spec.Contract]}
		if spec.Mapping != nil {
			mapping, err := spec.Mapping.Compile()
			if err != nil {
				return fault.Wrap("workspace.compile", fmt.Errorf("source %s: %w", spec.Name, err))
			}
			s.Mapping = mapping
		}
		if spec.WriteKey != "" {
			if other := c.WriteKeys[spec.WriteKey]; other != nil {
				return fault.New(fault.Invalid, "workspace.compile", "The sources %s and %s share a write key; give each its own.", other.Name, spec.Name)
			}
			c.WriteKeys[spec.WriteKey] = s
		}
		c.Sources[spec.Name] = s
	}
	return nil
}

// FindSource returns a source by name; NotFound names the nearest there is, or all.
func (c *Compiled) FindSource(name string) (*Source, error) {
	const op = "workspace.source"
	if found, ok := c.Sources[name]; ok {
		return found, nil
	}
	known := slices.Sorted(maps.Keys(c.Sources))
	shown := event.SafeName(name) // an address may have come in its place (I12)
	if near := suggest.Nearest(name, known); near != "" {
		return nil, fault.New(fault.NotFound, op, "The workspace has no source %s; did you mean %s?", shown, near)
	}
	return nil, fault.New(fault.NotFound, op, "The workspace has no source %s; it has %s.", shown, strings.Join(known, ", "))
}

package workspace

import (
	"bytes"
	"encoding/json"
	"sort"

	"parley/internal/fault"
	"parley/internal/identity"
)

// Difference is one object that two versions do not share.
type Difference struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	What string `json:"what"` // added, removed, changed
}

// Diff lists what changes from one version to another, by kind and name.
func Diff(from, to *Workspace) ([]Difference, error) {
	a, err := from.objects()
	if err != nil {
		return nil, err
	}
	b, err := to.objects()
	if err != nil {
		return nil, err
	}
	var out []Difference
	for k, body := range b {
		old, ok := a[k]
		switch {
		case !ok:
			out = append(out, Difference{k.kind, k.name, "added"})
		case !bytes.Equal(old, body):
			out = append(out, Difference{k.kind, k.name, "changed"})
		}
	}
	for k := range a {
		if _, ok := b[k]; !ok {
			out = append(out, Difference{k.kind, k.name, "removed"})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Kind != out[j].Kind {
			return out[i].Kind < out[j].Kind
		}
		return out[i].Name < out[j].Name
	})
	return out, nil
}

type objectKey struct{ kind, name string }

// objectSet collects the canonical JSON of every object of a workspace.
type objectSet struct {
	body map[objectKey][]byte
	err  error
}

func (w *Workspace) objects() (map[objectKey][]byte, error) {
	s := &objectSet{body: map[objectKey][]byte{}}
	collect(s, "team", w.Teams, teamName)
	collect(s, "term", w.Terms, termName)
	collect(s, "source", w.Sources, sourceName)
	collect(s, "contract", w.Contracts, contractName)
	if w.Identity.Name != "" {
		collect(s, "identity", []identity.Rules{w.Identity}, func(x identity.Rules) string { return x.Name })
	}
	collect(s, "trait", w.Traits, traitName)
	collect(s, "purpose", w.Purposes, purposeName)
	collect(s, "audience", w.Audiences, audienceName)
	collect(s, "destination", w.Destinations, destinationName)
	collect(s, "activation", w.Activations, activationName)
	collect(s, "form", w.Forms, formName)
	return s.body, fault.Wrap("workspace.diff", s.err)
}

func collect[T any](s *objectSet, kind string, list []T, name func(T) string) {
	for _, x := range list {
		body, err := json.Marshal(x)
		if err != nil && s.err == nil {
			s.err = err
		}
		s.body[objectKey{kind, name(x)}] = body
	}
}

package workspace

import (
	"bytes"
	"encoding/json"
	"sort"

	"parley/internal/fault"
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

// objects returns the canonical JSON of every object.
func (w *Workspace) objects() (map[objectKey][]byte, error) {
	out := map[objectKey][]byte{}
	put := func(kind, name string, v any) error {
		body, err := json.Marshal(v)
		out[objectKey{kind, name}] = body
		return fault.Wrap("workspace.diff", err)
	}
	var err error
	each := func(kind, name string, v any) {
		if err == nil {
			err = put(kind, name, v)
		}
	}
	for _, x := range w.Teams {
		each("team", x.Name, x)
	}
	for _, x := range w.Terms {
		each("term", x.Name, x)
	}
	for _, x := range w.Sources {
		each("source", x.Name, x)
	}
	for _, x := range w.Contracts {
		each("contract", x.Name, x)
	}
	if w.Identity.Name != "" {
		each("identity", w.Identity.Name, w.Identity)
	}
	for _, x := range w.Traits {
		each("trait", x.Name, x)
	}
	for _, x := range w.Purposes {
		each("purpose", x.Name, x)
	}
	for _, x := range w.Audiences {
		each("audience", x.Name, x)
	}
	for _, x := range w.Destinations {
		each("destination", x.Name, x)
	}
	for _, x := range w.Activations {
		each("activation", x.Name, x)
	}
	for _, x := range w.Forms {
		each("form", x.Name, x)
	}
	return out, err
}

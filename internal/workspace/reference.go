package workspace

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"parley/internal/ask"
	"parley/internal/contract"
	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/source"
)

// references checks that everything an object points at exists.
func (r *reader) references() {
	for _, list := range r.names {
		slices.Sort(list)
	}
	w := r.w
	if len(r.names["identity"]) == 0 {
		r.fail(Issue{Path: "identity", Message: "There is no identity document, without which nobody can be recognised; add one with kind: identity."})
	}
	for _, t := range w.Terms {
		r.owner("term "+t.Name, t.Owner)
	}
	r.contracts()
	r.sources()
	if w.Identity.Name != "" {
		r.owner("identity "+w.Identity.Name, w.Identity.Owner)
	}
	for _, t := range w.Traits {
		r.owner("trait "+t.Name, t.Owner)
		for i, s := range t.Sources {
			r.exists("trait "+t.Name, fmt.Sprintf("sources[%d]", i), "source", s)
		}
	}
	for _, p := range w.Purposes {
		r.owner("purpose "+p.Name, p.Owner)
	}
	r.audiences()
	for _, d := range w.Destinations {
		r.owner("destination "+d.Name, d.Owner)
		for i, p := range d.Purposes {
			r.exists("destination "+d.Name, fmt.Sprintf("purposes[%d]", i), "purpose", p)
		}
	}
	for i := range w.Activations {
		r.activation(&w.Activations[i])
	}
	for _, f := range w.Forms {
		r.form(f)
	}
}

func (r *reader) owner(object, team string) { r.exists(object, "owner", "team", team) }

// exists reports a name that no object of the kind has, with the nearest one.
func (r *reader) exists(object, path, kind, name string) {
	r.among(object, path, kind, name, r.names[kind])
}

func (r *reader) among(object, path, what, name string, known []string) {
	switch {
	case slices.Contains(known, name):
	case name == "" && len(known) > 0 && len(known) <= 16:
		r.problem(object, path, "Name a %s; there is %s.", what, strings.Join(known, ", "))
	case name == "":
		r.problem(object, path, "Name a %s.", what)
	default:
		r.problem(object, path, "%s", unknown(what, name, known))
	}
}

// namespace is exists for namespaces, which all stand in the identity document;
// without a readable one every reference would be reported for nothing.
func (r *reader) namespace(object, path, name string) {
	if r.w.Identity.Name == "" {
		return
	}
	var known []string
	for _, n := range r.w.Identity.Namespaces {
		known = append(known, n.Name)
	}
	r.among(object, path, "namespace", name, known)
}

func (r *reader) contracts() {
	for i := range r.w.Contracts {
		c := &r.w.Contracts[i]
		if owner := c.Owner(); owner != "" {
			r.exists("DataContract "+c.Name, ownerPath(c), "team", owner)
		}
	}
}

// ownerPath says where a contract names its owner; see contract.Spec.Owner.
func ownerPath(c *contract.Spec) string {
	for i, p := range c.CustomProperties {
		if p.Property == "owner" {
			return fmt.Sprintf("customProperties[%d].value", i)
		}
	}
	return "team.name"
}

func (r *reader) sources() {
	keys := map[string]*source.Spec{}
	for i := range r.w.Sources {
		s := &r.w.Sources[i]
		object := "source " + s.Name
		r.owner(object, s.Owner)
		r.exists(object, "contract", "DataContract", s.Contract)
		r.object(s)
		r.mapping(object, s.Mapping)
		if s.WriteKey == "" {
			continue
		}
		if other := keys[s.WriteKey]; other != nil {
			r.problem(object, "writeKey", "The source %s has the same write key, so that nobody could tell their events apart; give each its own.", other.Name)
		}
		keys[s.WriteKey] = s
	}
}

// object checks that a file's rows are held to an object of the contract.
func (r *reader) object(s *source.Spec) {
	if s.Object == "" {
		return
	}
	for _, c := range r.w.Contracts {
		if c.Name != s.Contract {
			continue
		}
		var known []string
		for _, o := range c.Schema {
			known = append(known, o.Name)
			if o.PhysicalName == s.Object {
				return
			}
		}
		r.among("source "+s.Name, "object", "object in the schema of contract "+c.Name+" called", s.Object, known)
	}
}

func (r *reader) mapping(object string, m *source.Mapping) {
	if m == nil {
		return
	}
	for _, ns := range slices.Sorted(maps.Keys(m.Identifiers)) {
		r.namespace(object, "mapping.identifiers."+ns, ns)
	}
	for _, trait := range slices.Sorted(maps.Keys(m.Traits)) {
		r.exists(object, "mapping.traits."+trait, "trait", trait)
	}
	for _, purpose := range slices.Sorted(maps.Keys(m.Consents)) {
		r.exists(object, "mapping.consents."+purpose, "purpose", purpose)
	}
}

func (r *reader) activation(a *delivery.Activation) {
	object := "activation " + a.Name
	r.owner(object, a.Owner)
	r.exists(object, "audience", "audience", a.Audience)
	r.exists(object, "destination", "destination", a.Destination)
	r.exists(object, "purpose", "purpose", a.Purpose)
	for _, f := range slices.Sorted(maps.Keys(a.Fields)) {
		r.from(object, "fields."+f, a.Fields[f])
	}
	i := slices.IndexFunc(r.w.Destinations, func(d destination.Spec) bool { return d.Name == a.Destination })
	if i < 0 || slices.Contains(r.w.Destinations[i].Purposes, a.Purpose) {
		return
	}
	d := r.w.Destinations[i]
	way := "add it to the destination's purposes"
	if len(d.Purposes) > 0 {
		way += ", or choose one of " + strings.Join(d.Purposes, ", ")
	}
	r.problem(object, "purpose", "The destination %s does not serve the purpose %s; %s.", d.Name, clip(a.Purpose), way)
}

func (r *reader) form(f ask.Form) {
	object := "form " + f.Name
	r.owner(object, f.Owner)
	r.exists(object, "purpose", "purpose", f.Purpose)
	for i, field := range f.Fields {
		r.from(object, fmt.Sprintf("fields[%d].from", i), field.From)
	}
}

// from checks "identifier.NAMESPACE" and "trait.NAME".
func (r *reader) from(object, path, from string) {
	kind, name, _ := strings.Cut(from, ".")
	switch kind {
	case "trait":
		r.exists(object, path, "trait", name)
	case "identifier":
		r.namespace(object, path, name)
	default:
		r.problem(object, path, "Take the value from identifier.NAMESPACE or trait.NAME.")
	}
}

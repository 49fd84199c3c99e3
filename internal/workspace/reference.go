package workspace

import (
	"fmt"
	"strings"

	"parley/internal/audience"
	"parley/internal/delivery"
	"parley/internal/fault"
	"parley/internal/source"
)

// references checks that everything an object points at exists.
func (r *reader) references() {
	w := r.w
	teams := names(w.Teams, func(x Team) string { return x.Name })
	contracts := names(w.Contracts, nameOfContract)
	owned := func(object, owner string) { r.exists(object, "owner", "team", owner, teams) }
	for _, t := range w.Terms {
		owned("term "+t.Name, t.Owner)
	}
	for i := range w.Sources {
		s := &w.Sources[i]
		owned("source "+s.Name, s.Owner)
		r.exists("source "+s.Name, "contract", "DataContract", s.Contract, contracts)
		r.mapping(s)
	}
	if w.Identity.Name == "" {
		r.fail("", 0, "", "identity", "There is no identity document; without one nobody can be recognised.")
	} else {
		owned("identity "+w.Identity.Name, w.Identity.Owner)
	}
	for _, t := range w.Traits {
		owned("trait "+t.Name, t.Owner)
		for i, s := range t.Sources {
			r.exists("trait "+t.Name, fmt.Sprintf("sources[%d]", i), "source", s, r.sourceNames())
		}
	}
	for _, p := range w.Purposes {
		owned("purpose "+p.Name, p.Owner)
	}
	r.audiences()
	purposes := r.purposeNames()
	for _, d := range w.Destinations {
		owned("destination "+d.Name, d.Owner)
		for i, p := range d.Purposes {
			r.exists("destination "+d.Name, fmt.Sprintf("purposes[%d]", i), "purpose", p, purposes)
		}
	}
	for i := range w.Activations {
		r.activation(&w.Activations[i])
	}
	for _, f := range w.Forms {
		owned("form "+f.Name, f.Owner)
		r.exists("form "+f.Name, "purpose", "purpose", f.Purpose, purposes)
		for i, field := range f.Fields {
			r.from("form "+f.Name, fmt.Sprintf("fields[%d].from", i), field.From)
		}
	}
}

func (r *reader) mapping(s *source.Spec) {
	if s.Mapping == nil {
		return
	}
	object := "source " + s.Name
	for _, ns := range sortedKeys(s.Mapping.Identifiers) {
		r.exists(object, "mapping.identifiers."+ns, "namespace", ns, r.namespaceNames())
	}
	for _, trait := range sortedKeys(s.Mapping.Traits) {
		r.exists(object, "mapping.traits."+trait, "trait", trait, r.traitNames())
	}
	for _, purpose := range sortedKeys(s.Mapping.Consents) {
		r.exists(object, "mapping.consents."+purpose, "purpose", purpose, r.purposeNames())
	}
}

func (r *reader) audiences() {
	all := names(r.w.Audiences, func(x audience.Spec) string { return x.Name })
	for _, a := range r.w.Audiences {
		object := "audience " + a.Name
		r.exists(object, "owner", "team", a.Owner, names(r.w.Teams, func(x Team) string { return x.Name }))
		r.condition(object, "where", a.Where, all)
	}
	if len(r.issues) > 0 {
		return
	}
	if _, err := audience.Compile(r.w.Audiences); err != nil {
		r.fail("", 0, "", "audiences", "%s", fault.Message(err))
	}
}

func (r *reader) condition(object, path string, c audience.Condition, all []string) {
	for i, sub := range c.All {
		r.condition(object, fmt.Sprintf("%s.all[%d]", path, i), sub, all)
	}
	for i, sub := range c.Any {
		r.condition(object, fmt.Sprintf("%s.any[%d]", path, i), sub, all)
	}
	switch {
	case c.Not != nil:
		r.condition(object, path+".not", *c.Not, all)
	case c.Trait != nil:
		r.exists(object, path+".trait.name", "trait", c.Trait.Name, r.traitNames())
	case c.Consent != nil:
		r.exists(object, path+".consent.purpose", "purpose", c.Consent.Purpose, r.purposeNames())
	case c.Identified != "":
		r.exists(object, path+".identified", "namespace", c.Identified, r.namespaceNames())
	case c.Audience != "":
		r.exists(object, path+".audience", "audience", c.Audience, all)
	}
}

func (r *reader) activation(a *delivery.Activation) {
	object := "activation " + a.Name
	w := r.w
	r.exists(object, "owner", "team", a.Owner, names(w.Teams, func(x Team) string { return x.Name }))
	r.exists(object, "audience", "audience", a.Audience, names(w.Audiences, func(x audience.Spec) string { return x.Name }))
	r.exists(object, "purpose", "purpose", a.Purpose, r.purposeNames())
	for _, f := range sortedKeys(a.Fields) {
		r.from(object, "fields."+f, a.Fields[f])
	}
	var found bool
	for _, d := range w.Destinations {
		if d.Name != a.Destination {
			continue
		}
		found = true
		if !contains(d.Purposes, a.Purpose) {
			r.problem(object, fault.Problem{Path: "purpose", Message: fmt.Sprintf(
				"The destination %s does not serve the purpose %s; add it to the destination's purposes or choose one of: %s.",
				d.Name, a.Purpose, strings.Join(d.Purposes, ", "))})
		}
	}
	if !found {
		list := make([]string, len(w.Destinations))
		for i, d := range w.Destinations {
			list[i] = d.Name
		}
		r.exists(object, "destination", "destination", a.Destination, list)
	}
}

// from checks "identifier.NAMESPACE" and "trait.NAME".
func (r *reader) from(object, path, from string) {
	kind, name, _ := strings.Cut(from, ".")
	switch kind {
	case "trait":
		r.exists(object, path, "trait", name, r.traitNames())
	case "identifier":
		r.exists(object, path, "namespace", name, r.namespaceNames())
	default:
		r.problem(object, fault.Problem{Path: path, Message: "Take the value from identifier.NAMESPACE or trait.NAME."})
	}
}

// exists reports a name that is not in the list, with the nearest that is.
func (r *reader) exists(object, path, kind, name string, list []string) {
	if contains(list, name) {
		return
	}
	message := fmt.Sprintf("There is no %s %q", kind, name)
	if name == "" {
		message = fmt.Sprintf("Name a %s", kind)
	}
	if near := nearest(name, list); near != "" {
		message += fmt.Sprintf("; did you mean %q?", near)
	} else if len(list) > 0 && len(list) <= 12 {
		message += "; there is " + strings.Join(list, ", ") + "."
	} else {
		message += "; add it first."
	}
	r.problem(object, fault.Problem{Path: path, Message: message})
}

func (r *reader) sourceNames() []string {
	return names(r.w.Sources, func(x source.Spec) string { return x.Name })
}

func (r *reader) namespaceNames() []string {
	out := make([]string, len(r.w.Identity.Namespaces))
	for i, n := range r.w.Identity.Namespaces {
		out[i] = n.Name
	}
	return out
}

package workspace

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"

	"parley/internal/ask"
	"parley/internal/audience"
	"parley/internal/consent"
	"parley/internal/contract"
	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/fault"
	"parley/internal/profile"
	"parley/internal/source"
)

// kinds are the values of the field kind, in the order in which to read about them.
var kinds = []string{"team", "term", "DataContract", "source", "identity", "trait", "purpose", "audience", "destination", "activation", "form"}

// decode reads a document of a kind into the workspace.
func (r *reader) decode(kind, object string, root value) {
	w := r.w
	switch kind {
	case "team":
		add(r, object, root, &w.Teams, (*Team).validate)
	case "term":
		add(r, object, root, &w.Terms, (*Term).validate)
	case "source":
		add(r, object, root, &w.Sources, (*source.Spec).Validate)
	case "DataContract":
		add(r, object, root, &w.Contracts, (*contract.Spec).Validate)
	case "trait":
		add(r, object, root, &w.Traits, (*profile.TraitSpec).Validate)
	case "purpose":
		add(r, object, root, &w.Purposes, (*consent.Purpose).Validate)
	case "audience":
		add(r, object, root, &w.Audiences, (*audience.Spec).Validate)
	case "destination":
		add(r, object, root, &w.Destinations, (*destination.Spec).Validate)
	case "activation":
		add(r, object, root, &w.Activations, (*delivery.Activation).Validate)
	case "form":
		add(r, object, root, &w.Forms, (*ask.Form).Validate)
	case "identity":
		r.identity(object, root)
	}
}

func (r *reader) identity(object string, root value) {
	if first := r.names["identity"][0]; object != "identity "+first {
		at := r.at["identity "+first]
		r.problem(object, "kind", "There is one identity document in a workspace, and %s:%d is it; move the namespaces there.", at.file, at.root.line)
		return
	}
	rules := &r.w.Identity
	if r.unpack(object, root, rules) {
		r.problems(object, rules.Validate())
	}
}

func add[T any](r *reader, object string, root value, list *[]T, validate func(*T) []fault.Problem) {
	var spec T
	if !r.unpack(object, root, &spec) {
		return
	}
	r.problems(object, validate(&spec))
	*list = append(*list, spec)
}

// unpack decodes a document whose every field fits; else it reports those that
// do not. The field kind is the workspace's, except in a contract, where the
// standard has it too.
func (r *reader) unpack(object string, root value, into any) bool {
	if _, isContract := into.(*contract.Spec); !isContract {
		root.fields = slices.DeleteFunc(slices.Clone(root.fields), func(f field) bool { return f.name == "kind" })
	}
	var s shaper
	s.check(root, reflect.TypeOf(into).Elem(), "")
	r.problems(object, s.problems)
	if len(s.problems) > 0 {
		return false
	}
	if err := json.Unmarshal(root.appendJSON(nil), into); err != nil {
		r.problem(object, "", "The document cannot be read; compare it with docs/workspace.md.")
		return false
	}
	return true
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// wrongName says what is wrong with an object's name, "" if nothing is. Names
// stand in addresses, file names and commands. A contract brings its name along
// and a term is named as people say it.
func wrongName(kind, name string) string {
	// Traits are named by whoever sends them: firstName, lifetime value.
	if kind == "DataContract" || kind == "term" || kind == "trait" {
		if len(name) > 200 {
			return "The name is longer than 200 bytes; choose a shorter one."
		}
		return ""
	}
	if namePattern.MatchString(name) {
		return ""
	}
	return "A name is 1 to 63 small letters, digits, dots, dashes and underscores, and begins with a letter or digit, such as recent-buyers; put what people read into title."
}

func (t *Team) validate() []fault.Problem {
	if t.Side != IT && t.Side != Marketing && t.Side != Shared {
		return []fault.Problem{{Path: "side", Message: "A team is on the side it, marketing or shared; write one of them."}}
	}
	return nil
}

func (t *Term) validate() []fault.Problem {
	if t.Definition == "" {
		return []fault.Problem{{Path: "definition", Message: "Say in one or two sentences what the term means."}}
	}
	return nil
}

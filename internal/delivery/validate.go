package delivery

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"parley/internal/destination"
	"parley/internal/fault"
)

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// reserved are the names that stand beside the fields in every hand-over.
var reserved = []string{"person", "version", "action", "mode"}

// Validate returns every mistake in the activation, in the order of its
// fields. Whether the things it names exist is the workspace's to check.
func (a Activation) Validate() []fault.Problem {
	var out []fault.Problem
	add := func(path, format string, args ...any) {
		out = append(out, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	if !destination.ValidName(a.Name) {
		add("name", "The activation needs a name of letters, digits, - and _, at most 100 characters.")
	}
	for _, f := range []struct{ path, value, what string }{
		{"owner", a.Owner, "owner; name the team that answers for it"},
		{"audience", a.Audience, "audience; name the one to hand over"},
		{"destination", a.Destination, "destination; name the system that receives"},
	} {
		if strings.TrimSpace(f.value) == "" {
			add(f.path, "The activation has no %s.", f.what)
		}
	}
	if a.Mode != destination.Include && a.Mode != destination.Suppress {
		add("mode", "The mode is include (address these people) or suppress (leave them alone).")
	}
	if strings.TrimSpace(a.Purpose) == "" {
		add("purpose", "The activation has no purpose; without one nobody's data may leave.")
	}
	for _, name := range slices.Sorted(maps.Keys(a.Fields)) {
		path := "fields." + name
		if !fieldName.MatchString(name) || slices.Contains(reserved, strings.ToLower(name)) {
			add(path, "A field is named by letters, digits and _, beginning with a letter, and not %s.", strings.Join(reserved, ", "))
		}
		kind, what, _ := strings.Cut(a.Fields[name], ".")
		if (kind != "identifier" && kind != "trait") || what == "" {
			add(path, "A field takes its value from identifier.NAMESPACE or trait.NAME; write one of the two.")
		}
	}
	for i, name := range a.Require {
		if _, ok := a.Fields[name]; !ok {
			add(fmt.Sprintf("require[%d]", i), "The field %s is required but not among the fields; add it there or remove it here.", name)
		}
	}
	return out
}

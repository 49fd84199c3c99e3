package destination

import (
	"slices"
	"strings"
	"time"

	"parley/internal/fault"
	"parley/internal/lifecycle"
)

// Env is what a connector may use of the installation it runs in.
type Env struct {
	DataDir string              // root of all files; CSV folders lie below
	Getenv  func(string) string // where secrets come from; they are never in a Spec
	Clock   lifecycle.Clock
	// Timeout bounds one hand-over over the network; 0 means 15 s.
	Timeout time.Duration
}

// Opener makes the connector of one destination. It refuses a Spec it cannot
// serve with an error of kind Invalid and makes no network call.
type Opener func(Spec, Env) (Connector, error)

// Registry maps a Spec's Type to its Opener. The server fills it; nothing
// registers itself.
type Registry map[string]Opener

// Open checks the spec and opens its connector; the caller closes it. Errors
// are of kind Invalid and name the field.
func (r Registry) Open(s Spec, env Env) (Connector, error) {
	const op = "destination.open"
	if found := s.Validate(); len(found) > 0 {
		return nil, fault.New(fault.Invalid, op, "Destination %s, field %s: %s", s.Name, found[0].Path, found[0].Message)
	}
	open, ok := r[s.Type]
	if !ok {
		types := make([]string, 0, len(r))
		for t := range r {
			types = append(types, t)
		}
		slices.Sort(types)
		return nil, fault.New(fault.Invalid, op, "Destination %s: this installation has no connector of type %s, only %s.",
			s.Name, s.Type, strings.Join(types, ", "))
	}
	c, err := open(s, env)
	return c, fault.Wrap(op, err)
}

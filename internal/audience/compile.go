package audience

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"parley/internal/fault"
	"parley/internal/suggest"
)

// Compiled is one audience ready to be evaluated. It never changes.
type Compiled struct {
	// Name is the audience's name.
	Name string
	// index is the place in the set; audiences that this one refers to lie before it.
	index int
	root  *node
}

// kind says which field of a Condition a node came from.
type kind uint8

const (
	kindAll kind = iota
	kindAny
	kindNot
	kindTrait
	kindEvent
	kindDidNot
	kindAudience
	kindConsent
	kindIdentified
	kindBucket
)

// node is a Condition with its values parsed and its references resolved.
type node struct {
	kind     kind
	text     string  // in plain English, for Explain
	children []*node // all, any; one for not
	name     string  // trait, purpose or namespace
	value    valueTest
	event    *eventTest
	audience *Compiled
	stand    string
	bucket   BucketTest
}

// eventTest is a parsed EventTest.
type eventTest struct {
	name            string
	where           []propertyTest
	measure         string // never empty
	property        string
	atLeast, atMost *number
	window          window
}

type propertyTest struct {
	property string
	value    valueTest
}

// Set is all audiences of one workspace version, compiled. It never changes and
// may be used by many goroutines at once.
type Set struct {
	audiences []*Compiled // referenced before referring, otherwise by name
	byName    map[string]*Compiled
	visible   Visibility
	depends   dependencies
}

// Compile parses the audiences and resolves their references to each other. The
// order of specs does not matter (I4). It refuses invalid conditions, names that
// appear twice, references to audiences that do not exist and references in a
// circle, with an error of kind fault.Invalid that names the audience and the place.
func Compile(specs []Spec) (*Set, error) {
	c := compiler{
		specs: make(map[string]*Spec, len(specs)),
		state: make(map[string]progress, len(specs)),
		set:   &Set{byName: make(map[string]*Compiled, len(specs))},
	}
	for i := range specs {
		name := specs[i].Name
		if strings.TrimSpace(name) == "" {
			return nil, invalid("An audience has no name; give every audience one.")
		}
		if c.specs[name] != nil {
			return nil, invalid("Two audiences are called %s; rename one.", quote(name))
		}
		c.specs[name] = &specs[i]
		c.names = append(c.names, name)
	}
	sort.Strings(c.names)
	for _, name := range c.names {
		if err := c.audience(name); err != nil {
			return nil, err
		}
	}
	c.set.visible = visibilityOf(c.set.audiences)
	c.set.depends = dependenciesOf(c.set.audiences)
	return c.set, nil
}

// Names lists the audiences, referenced ones before those that refer to them.
func (set *Set) Names() []string {
	names := make([]string, len(set.audiences))
	for i, c := range set.audiences {
		names[i] = c.Name
	}
	return names
}

// Audience returns one audience by its name.
func (set *Set) Audience(name string) (*Compiled, bool) {
	c, ok := set.byName[name]
	return c, ok
}

// Visible says which part of a person's history any audience can still see.
func (set *Set) Visible() Visibility { return set.visible }

func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "audience.compile", format, args...)
}

type progress uint8

const (
	untouched progress = iota
	underway
	finished
)

type compiler struct {
	specs map[string]*Spec
	names []string // sorted
	state map[string]progress
	trail []string // audiences under way, outermost first
	set   *Set
}

// audience compiles one audience after those it refers to (depth first), so
// that the set ends up in topological order.
func (c *compiler) audience(name string) error {
	switch c.state[name] {
	case finished:
		return nil
	case underway:
		circle := append(slices.Clone(c.trail[slices.Index(c.trail, name):]), name)
		return invalid("Audiences refer to each other in a circle: %s; remove one of the references.", strings.Join(circle, " → "))
	}
	c.state[name] = underway
	c.trail = append(c.trail, name)
	spec := c.specs[name]
	if problems := spec.Where.Validate("where"); len(problems) > 0 {
		return invalid("Audience %s, %s: %s", quote(name), problems[0].Path, problems[0].Message)
	}
	root, err := c.node(&spec.Where)
	if err != nil {
		return err
	}
	done := &Compiled{Name: name, index: len(c.set.audiences), root: root}
	c.set.audiences = append(c.set.audiences, done)
	c.set.byName[name] = done
	c.trail = c.trail[:len(c.trail)-1]
	c.state[name] = finished
	return nil
}

func (c *compiler) node(in *Condition) (*node, error) {
	out := &node{text: headline(in)}
	var err error
	switch {
	case in.All != nil:
		out.kind = kindAll
		out.children, err = c.nodes(in.All)
	case in.Any != nil:
		out.kind = kindAny
		out.children, err = c.nodes(in.Any)
	case in.Not != nil:
		out.kind = kindNot
		out.children, err = c.nodes([]Condition{*in.Not})
	case in.Trait != nil:
		out.kind, out.name = kindTrait, in.Trait.Name
		out.value, err = compileValue(in.Trait.Op, in.Trait.Value)
	case in.Event != nil:
		out.kind = kindEvent
		out.event, err = compileEvent(in.Event)
	case in.DidNot != nil:
		out.kind = kindDidNot
		out.event, err = compileEvent(in.DidNot)
	case in.Audience != "":
		out.kind = kindAudience
		out.audience, err = c.reference(in.Audience)
	case in.Consent != nil:
		out.kind, out.name, out.stand = kindConsent, in.Consent.Purpose, in.Consent.Is
	case in.Identified != "":
		out.kind, out.name = kindIdentified, in.Identified
	case in.Bucket != nil:
		out.kind, out.bucket = kindBucket, *in.Bucket
	}
	return out, err
}

func (c *compiler) nodes(in []Condition) ([]*node, error) {
	out := make([]*node, len(in))
	for i := range in {
		child, err := c.node(&in[i])
		if err != nil {
			return nil, err
		}
		out[i] = child
	}
	return out, nil
}

func (c *compiler) reference(name string) (*Compiled, error) {
	if c.specs[name] == nil {
		hint := "create it first, or remove the reference"
		if best := suggest.Nearest(name, c.names); best != "" {
			hint = fmt.Sprintf("did you mean %s?", quote(best))
		}
		return nil, invalid("Audience %s refers to an audience %s that does not exist; %s", quote(c.trail[len(c.trail)-1]), quote(name), hint)
	}
	if err := c.audience(name); err != nil {
		return nil, err
	}
	return c.set.byName[name], nil
}

// compileEvent parses a validated test. A count that is compared with nothing
// asks for at least one event.
func compileEvent(in *EventTest) (*eventTest, error) {
	out := &eventTest{name: in.Name, measure: in.Measure, property: in.Property}
	if out.measure == "" {
		out.measure = "count"
	}
	if in.AtLeast != nil {
		n, _ := parseNumber(string(*in.AtLeast))
		out.atLeast = &n
	}
	if in.AtMost != nil {
		n, _ := parseNumber(string(*in.AtMost))
		out.atMost = &n
	}
	if out.measure == "count" && out.atLeast == nil && out.atMost == nil {
		one := whole(1)
		out.atLeast = &one
	}
	for _, p := range in.Where {
		value, err := compileValue(p.Op, p.Value)
		if err != nil {
			return nil, err
		}
		out.where = append(out.where, propertyTest{property: p.Property, value: value})
	}
	var err error
	out.window, err = compileWindow(in.Window)
	return out, err
}

// each visits every node of the audience, references not followed.
func (n *node) each(visit func(*node)) {
	visit(n)
	for _, child := range n.children {
		child.each(visit)
	}
}

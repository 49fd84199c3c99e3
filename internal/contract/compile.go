package contract

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"parley/internal/fault"
)

// node is a compiled object, property or array item.
type node struct {
	name       string
	kind       string // logicalType; "" accepts any value
	required   bool
	fields     []*node // sorted by name
	names      map[string]bool
	quarantine bool // unplanned properties are violations
	items      *node

	minLength, maxLength bound
	minItems, maxItems   bound
	minFields, maxFields bound
	uniqueItems          bool
	patterns             []*regexp.Regexp
	format               string
	isFormat             func(string) bool
	layouts              []string
	limits               []limit
	multipleOf           *number
	enum, missing        *set
}

// bound is an optional count.
type bound struct {
	set bool
	n   int
}

// limit is one of the four comparisons; for times at is used, else number.
type limit struct {
	rule   string
	text   string // as the contract has it, for the message
	sign   int    // the forbidden result of comparing the value with the limit
	strict bool   // equality is forbidden too
	number number
	at     time.Time
}

// set is a set of scalars.
type set struct {
	texts  map[string]bool
	others map[string]bool // by canonical form
}

func (s *set) has(v any) bool {
	if text, ok := v.(string); ok {
		return s.texts[text]
	}
	return s.others[string(canonical(nil, v))]
}

// compiler turns a Spec into nodes and notes every mistake on the way, so that
// what validates is exactly what compiles.
type compiler struct{ problems []fault.Problem }

func (c *compiler) problem(path, format string, args ...any) {
	c.problems = append(c.problems, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Compile prepares the contract for Check. A Spec with problems is Invalid; the
// error names the first of them.
func (s *Spec) Compile() (*Contract, error) {
	c := &compiler{}
	compiled := c.spec(s)
	if len(c.problems) > 0 {
		p := c.problems[0]
		return nil, fault.New(fault.Invalid, "contract.compile", "The contract %q has %d problem(s); the first, at %s: %s", s.Name, len(c.problems), p.Path, p.Message)
	}
	return compiled, nil
}

// Validate returns every mistake in the document, none if it can be used.
func (s *Spec) Validate() []fault.Problem {
	c := &compiler{}
	c.spec(s)
	return c.problems
}

func (c *compiler) spec(s *Spec) *Contract {
	c.header(s)
	c.kept("", s.Kept, specFields)
	unplanned := c.policy("", s.CustomProperties, "unplanned", false)
	strict := c.policy("", s.CustomProperties, "unplannedProperties", false)
	contract := &Contract{objects: map[string]*node{}, keys: map[string][][]string{}, quarantineUnplanned: unplanned}
	for i := range s.Schema {
		path, o := fmt.Sprintf("schema[%d]", i), &s.Schema[i]
		n := c.object(path, o, strict)
		keys := c.keys(path, o)
		for _, name := range []string{o.Name, o.PhysicalName} {
			if name == "" || (name == o.PhysicalName && contract.objects[name] == n) {
				continue
			}
			if contract.objects[name] != nil {
				c.problem(path+".name", "There are two schema objects called %q; rename one.", name)
				continue
			}
			contract.objects[name], contract.keys[name] = n, keys
		}
	}
	return contract
}

func (c *compiler) header(s *Spec) {
	if !slices.Contains([]string{"v3.1.0", "v3.0.2", "v3.0.1", "v3.0.0"}, s.APIVersion) {
		c.problem("apiVersion", "The version of the standard must be v3.1.0 (or an older v3.0); write apiVersion: v3.1.0.")
	}
	if s.Kind != "DataContract" {
		c.problem("kind", "The kind must be DataContract; write kind: DataContract.")
	}
	for _, f := range []struct{ path, value string }{{"id", s.ID}, {"version", s.Version}, {"status", s.Status}, {"name", s.Name}} {
		if strings.TrimSpace(f.value) == "" {
			c.problem(f.path, "The contract needs a %s; fill it in.", f.path)
		}
	}
	if len(s.Schema) == 0 {
		c.problem("schema", "The contract describes nothing; add at least one schema object.")
	}
}

// policy reads allow or quarantine; true means quarantine.
func (c *compiler) policy(path string, list []CustomProperty, name string, inherited bool) bool {
	for i, p := range list {
		if p.Property != name {
			continue
		}
		switch customText(list, name) {
		case "allow":
			return false
		case "quarantine":
			return true
		}
		c.problem(join(path, fmt.Sprintf("customProperties[%d].value", i)), "%s must be allow or quarantine.", name)
	}
	return inherited
}

func (c *compiler) object(path string, o *Object, strict bool) *node {
	c.kept(path, o.Kept, objectFields)
	if strings.TrimSpace(o.Name) == "" {
		c.problem(path+".name", "A schema object needs a name: the event it describes, or the name of the table.")
	}
	if o.LogicalType != "" && o.LogicalType != "object" {
		c.problem(path+".logicalType", "A schema object is of logicalType object; describe other types as properties of one.")
	}
	n := &node{kind: "object", quarantine: c.policy(path, o.CustomProperties, "unplannedProperties", strict)}
	c.fields(path, n, o.Properties)
	return n
}

func (c *compiler) fields(path string, n *node, properties []Property) {
	n.names = make(map[string]bool, len(properties))
	for i := range properties {
		at, p := fmt.Sprintf("%s.properties[%d]", path, i), &properties[i]
		if p.Name == "" {
			c.problem(at+".name", "A property needs a name: the field it describes.")
		} else if n.names[p.Name] {
			c.problem(at+".name", "The property %q is described twice; keep one.", p.Name)
		}
		n.names[p.Name] = true
		n.fields = append(n.fields, c.property(at, p, n.quarantine))
	}
	slices.SortFunc(n.fields, func(a, b *node) int { return strings.Compare(a.name, b.name) })
}

var logicalTypes = []string{"", "string", "date", "timestamp", "time", "number", "integer", "boolean", "object", "array"}

func (c *compiler) property(path string, p *Property, strict bool) *node {
	c.kept(path, p.Kept, propertyFields)
	n := &node{name: p.Name, kind: p.LogicalType, required: p.Required, layouts: defaultLayouts[p.LogicalType]}
	if !slices.Contains(logicalTypes, p.LogicalType) {
		c.problem(path+".logicalType", "There is no logicalType %q; use string, date, timestamp, time, number, integer, boolean, object or array.", p.LogicalType)
		return n
	}
	if p.LogicalTypeOptions != nil {
		c.options(path+".logicalTypeOptions", n, p.LogicalTypeOptions)
	}
	c.quality(path, n, p.Quality)
	n.quarantine = c.policy(path, p.CustomProperties, "unplannedProperties", strict)
	switch {
	case len(p.Properties) > 0 && p.LogicalType != "object":
		c.problem(path+".properties", "Only a property of logicalType object has properties; set logicalType: object or remove them.")
	case p.LogicalType == "object":
		c.fields(path, n, p.Properties)
		// An object whose inside nobody described is open.
		n.quarantine = n.quarantine && len(p.Properties) > 0
		c.requiredFields(path, n, p.LogicalTypeOptions)
	}
	switch {
	case p.Items != nil && p.LogicalType != "array":
		c.problem(path+".items", "Only a property of logicalType array has items; set logicalType: array or remove them.")
	case p.Items != nil:
		n.items = c.property(path+".items", p.Items, strict)
	}
	return n
}

// requiredFields applies the object option that lists required properties.
func (c *compiler) requiredFields(path string, n *node, o *Options) {
	if o == nil {
		return
	}
	for i, name := range o.Required {
		at := slices.IndexFunc(n.fields, func(f *node) bool { return f.name == name })
		if at < 0 {
			c.problem(fmt.Sprintf("%s.logicalTypeOptions.required[%d]", path, i), "There is no property %q to require; add it to properties.", name)
			continue
		}
		n.fields[at].required = true
	}
}

func (c *compiler) values(path string, raw []json.RawMessage) *set {
	s := &set{texts: map[string]bool{}, others: map[string]bool{}}
	for i, r := range raw {
		v, err := literal(r)
		if err != nil {
			c.problem(fmt.Sprintf("%s[%d]", path, i), "This is not a value; write text, a number, true, false or null.")
			continue
		}
		if text, ok := v.(string); ok {
			s.texts[text] = true
		} else {
			s.others[string(canonical(nil, v))] = true
		}
	}
	return s
}

func (c *compiler) pattern(path, pattern string) *regexp.Regexp {
	re, err := regexp.Compile(pattern)
	if err != nil {
		c.problem(path, "The pattern is not a regular expression of the RE2 dialect, which has no look-around and no back-references; rewrite it without them.")
		return nil
	}
	return re
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

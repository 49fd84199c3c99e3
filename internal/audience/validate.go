package audience

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/internal/fault"
)

// Bounds of one audience. They keep evaluation and explanation short; what is
// larger reads better as several audiences that refer to each other.
const (
	MaxDepth = 16  // conditions within each other
	MaxNodes = 500 // conditions in one audience
	maxName  = 200 // characters of any name
	maxPath  = 8   // names in one dotted property
)

// Buckets is how many parts people are split into.
const Buckets = 10000

var (
	measures = []string{"count", "sum", "min", "max", "avg"}
	stands   = []string{"granted", "denied", "unknown"}
)

// Validate returns every mistake of the document, in the order of reading; none
// means that it can be compiled, its references to other audiences aside.
func (s *Spec) Validate() []fault.Problem {
	var v validator
	v.name("name", s.Name, "the audience")
	v.name("owner", s.Owner, "the team that owns the audience")
	v.condition(&s.Where, "where", 1)
	return v.problems
}

// Validate returns every mistake of a condition that stands alone, such as one
// in a preview. Paths begin with the given path.
func (c *Condition) Validate(path string) []fault.Problem {
	var v validator
	v.condition(c, path, 1)
	return v.problems
}

type validator struct {
	problems []fault.Problem
	nodes    int
}

func (v *validator) add(path, format string, args ...any) {
	v.problems = append(v.problems, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (v *validator) name(path, name, what string) {
	switch {
	case strings.TrimSpace(name) == "":
		v.add(path, "It is empty; name %s.", what)
	case len(name) > maxName:
		v.add(path, "It is longer than %d bytes; choose a shorter name.", maxName)
	}
}

var tooDeep = fmt.Sprintf("Conditions lie more than %d deep; move the inner part into an audience of its own and refer to it.", MaxDepth)

// fieldsSet names the fields of a node that are set, in the order of fieldNames.
func (c *Condition) fieldsSet() []string {
	set := []bool{
		c.All != nil, c.Any != nil, c.Not != nil, c.Trait != nil, c.Event != nil, c.DidNot != nil,
		c.Audience != "", c.Consent != nil, c.Identified != "", c.Bucket != nil,
	}
	var names []string
	for i, name := range fieldNames["condition"] {
		if set[i] {
			names = append(names, name)
		}
	}
	return names
}

func (v *validator) condition(c *Condition, path string, depth int) {
	v.nodes++
	if v.nodes == MaxNodes+1 {
		v.add(path, "The audience has more than %d conditions; move a part into an audience of its own and refer to it.", MaxNodes)
	}
	if v.nodes > MaxNodes {
		return
	}
	if depth > MaxDepth {
		v.add(path, "%s", tooDeep)
		return
	}
	set := c.fieldsSet()
	if len(set) == 0 {
		v.add(path, "It says nothing; give it one of %s.", strings.Join(fieldNames["condition"], ", "))
		return
	}
	if len(set) > 1 {
		v.add(path, "It says %s at once; combine them as a list under all or any.", strings.Join(set, " and "))
		return
	}
	v.part(c, path+"."+set[0], depth)
}

// part checks the one field that is set; path already ends with its name.
func (v *validator) part(c *Condition, path string, depth int) {
	switch {
	case c.All != nil:
		v.conditions(c.All, path, depth)
	case c.Any != nil:
		v.conditions(c.Any, path, depth)
	case c.Not != nil:
		v.condition(c.Not, path, depth+1)
	case c.Trait != nil:
		v.name(path+".name", c.Trait.Name, "a trait")
		v.value(path, c.Trait.Op, c.Trait.Value)
	case c.Event != nil:
		v.event(c.Event, path)
	case c.DidNot != nil:
		v.event(c.DidNot, path)
	case c.Audience != "":
		v.name(path, c.Audience, "another audience")
	case c.Consent != nil:
		v.name(path+".purpose", c.Consent.Purpose, "a purpose")
		if !slices.Contains(stands, c.Consent.Is) {
			v.add(path+".is", "%s", unknown("stand on a purpose", c.Consent.Is, stands))
		}
	case c.Identified != "":
		v.name(path, c.Identified, "a namespace of identifiers")
	case c.Bucket != nil:
		v.bucket(c.Bucket, path)
	}
}

func (v *validator) conditions(list []Condition, path string, depth int) {
	if len(list) == 0 {
		v.add(path, "The list is empty; put at least one condition in it.")
	}
	for i := range list {
		v.condition(&list[i], fmt.Sprintf("%s[%d]", path, i), depth+1)
	}
}

func (v *validator) value(path, op string, raw json.RawMessage) {
	needs, ok := operators[op]
	if !ok {
		v.add(path+".op", "%s", unknownOperator(op))
		return
	}
	if _, err := parseLiteral(needs, raw); err != nil {
		v.add(path+".value", "The operator %s %s.", op, err.Error())
	}
}

func (v *validator) property(path, property string) {
	names := strings.Split(property, ".")
	switch {
	case property == "":
		v.add(path, "It is empty; name a property of the event.")
	case len(property) > maxName || len(names) > maxPath:
		v.add(path, "It is too long; use at most %d names joined by dots.", maxPath)
	case slices.Contains(names, ""):
		v.add(path, "%s has an empty name between dots; write it like address.city.", quote(property))
	}
}

func (v *validator) event(e *EventTest, path string) {
	v.name(path+".name", e.Name, "an event")
	for i, p := range e.Where {
		at := fmt.Sprintf("%s.where[%d]", path, i)
		v.property(at+".property", p.Property)
		v.value(at, p.Op, p.Value)
	}
	counts := e.Measure == "" || e.Measure == "count"
	switch {
	case !slices.Contains(measures, e.Measure) && e.Measure != "":
		v.add(path+".measure", "%s", unknown("measure", e.Measure, measures))
	case counts && e.Property != "":
		v.add(path+".property", "A count has no property; choose sum, min, max or avg as measure, or remove it.")
	case !counts:
		v.property(path+".property", e.Property)
		if e.AtLeast == nil && e.AtMost == nil {
			v.add(path, "The measure %s is compared with nothing; give atLeast, atMost or both.", e.Measure)
		}
	}
	v.bounds(e, path, counts)
	if e.Window != nil {
		v.window(e.Window, path+".window")
	}
}

func (v *validator) bounds(e *EventTest, path string, counts bool) {
	least, okLeast := v.bound(e.AtLeast, path+".atLeast", counts)
	most, okMost := v.bound(e.AtMost, path+".atMost", counts)
	if okLeast && okMost && least.cmp(most) > 0 {
		v.add(path, "atLeast is greater than atMost, which nobody can meet; exchange them.")
	}
}

func (v *validator) bound(text *json.Number, path string, counts bool) (number, bool) {
	if text == nil {
		return number{}, false
	}
	n, ok := parseNumber(string(*text))
	switch {
	case !ok:
		v.add(path, "%s is not a number that can be compared with; write digits such as 3 or 49.90.", quote(string(*text)))
	case counts && (!n.isWhole() || n.cmp(number{}) < 0):
		v.add(path, "A count is a whole number, 0 or more.")
	default:
		return n, true
	}
	return number{}, false
}

func (v *validator) window(w *Window, path string) {
	if w.Last != "" {
		if w.From != nil || w.To != nil {
			v.add(path, "It has last and fixed times; keep either last, or from and to.")
		}
		if _, err := ParseDuration(w.Last); err != nil {
			v.add(path+".last", "%s.", err.Error())
		}
		return
	}
	if w.From == nil && w.To == nil {
		v.add(path, "It is empty; give last such as 30d, or from and to, or remove it to look at all history.")
		return
	}
	v.fixedTime(w.From, path+".from")
	v.fixedTime(w.To, path+".to")
	if w.From != nil && w.To != nil && !w.From.Before(*w.To) {
		v.add(path, "from is not before to, so that no event fits; exchange them.")
	}
}

// fixedTime refuses what the microseconds of event times (event.Event) cannot
// tell apart, and the zero time, which means no limit once compiled.
func (v *validator) fixedTime(t *time.Time, path string) {
	switch {
	case t == nil:
	case t.IsZero():
		v.add(path, "The year 1 is no limit; remove the field.")
	case t.Nanosecond()%int(time.Microsecond) != 0:
		v.add(path, "It is finer than a microsecond; event times are not.")
	}
}

func (v *validator) bucket(b *BucketTest, path string) {
	v.name(path+".seed", b.Seed, "the split, such as its experiment")
	if b.From < 0 || b.To > Buckets || b.From >= b.To {
		v.add(path, "The share from %d to %d is not within 0 to %d, or is empty; 0 to %d is one tenth of the people.", b.From, b.To, Buckets, Buckets/10)
	}
}

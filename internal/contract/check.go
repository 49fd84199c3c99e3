package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Check holds a record to an object of the contract and returns what it breaks,
// sorted by field, then rule; nil if nothing. Null counts as missing. Values are
// nil, bool, string, json.Number, []any and map[string]any; anything else
// breaks the rule type. Dates and times are text. A record of an object that
// the contract does not name breaks the rule unplanned if the contract says so,
// else nothing. Uniqueness is the caller's: see UniqueFields.
func (c *Contract) Check(object string, record map[string]any) []Violation {
	return c.check(object, record, false)
}

// CheckText is Check for records whose values are all text, as the rows of a
// CSV file are: text that spells a number, true or false counts as such where
// the contract wants one, and empty text counts as missing.
func (c *Contract) CheckText(object string, record map[string]any) []Violation {
	return c.check(object, record, true)
}

// Describes reports whether the contract names the object.
func (c *Contract) Describes(object string) bool { return c.objects[object] != nil }

func (c *Contract) check(object string, record map[string]any, text bool) []Violation {
	n := c.objects[object]
	if n == nil {
		if !c.quarantineUnplanned {
			return nil
		}
		return []Violation{{Rule: "unplanned", Shape: Shape(record), Message: "The contract does not describe this kind of record; add a schema object for it or stop sending it."}}
	}
	var way [8]step // most records are shallow: no allocation
	r := run{text: text, way: way[:0]}
	r.fields(n, record)
	if len(r.found) > 1 {
		slices.SortFunc(r.found, func(a, b Violation) int {
			if d := strings.Compare(a.Field, b.Field); d != 0 {
				return d
			}
			return strings.Compare(a.Rule, b.Rule)
		})
	}
	return r.found
}

// run collects the violations of one record.
type run struct {
	text  bool
	way   []step
	found []Violation
}

// step is one step of the way from the record to a value.
type step struct {
	name  string
	index int // used if name is empty
}

// path spells out where in the record we are; only a violation needs it.
func (r *run) path() string {
	var out strings.Builder
	for i, s := range r.way {
		switch {
		case s.name == "":
			out.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		case i > 0:
			out.WriteByte('.')
		}
		out.WriteString(s.name)
	}
	return out.String()
}

func (r *run) enter(s step) { r.way = append(r.way, s) }
func (r *run) leave()       { r.way = r.way[:len(r.way)-1] }

func (r *run) add(rule string, v any, format string, args ...any) {
	if len(r.found) == MaxViolations {
		return
	}
	// A contract that states a rule twice (minimum and format, say) breaks once.
	field := r.path()
	for _, f := range r.found {
		if f.Field == field && f.Rule == rule {
			return
		}
	}
	subject := field
	if subject == "" {
		subject = "the record"
	}
	r.found = append(r.found, Violation{Rule: rule, Field: field, Shape: Shape(v), Message: subject + " " + fmt.Sprintf(format, args...)})
}

func (r *run) fields(n *node, record map[string]any) {
	known := 0
	for _, f := range n.fields {
		v, there := record[f.name]
		if there {
			known++
		}
		r.enter(step{name: f.name})
		r.value(f, v)
		r.leave()
	}
	if n.minFields.set && len(record) < n.minFields.n {
		r.add("minProperties", record, "must have at least %s; send the missing ones.", count(n.minFields.n, "field"))
	}
	if n.maxFields.set && len(record) > n.maxFields.n {
		r.add("maxProperties", record, "may have at most %s; leave out the others.", count(n.maxFields.n, "field"))
	}
	if n.quarantine && known < len(record) {
		r.unplanned(n, record)
	}
}

func (r *run) unplanned(n *node, record map[string]any) {
	for _, name := range sortedKeys(record) {
		if n.names[name] {
			continue
		}
		r.enter(step{name: shorten(name)})
		r.add("unplanned", record[name], "is not in the contract; add it there or stop sending it.")
		r.leave()
	}
}

// shorten bounds a field name that a sender made up.
func shorten(name string) string {
	const most = 64
	if name == "" {
		return `""`
	}
	if len(name) <= most {
		return strings.ToValidUTF8(name, "\uFFFD")
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

func (r *run) value(n *node, v any) {
	if r.text {
		v = spelt(n.kind, v)
	}
	if v == nil {
		empty := r.text && n.missing != nil && n.missing.texts[""]
		if n.required || empty {
			r.add("required", v, "is required but missing; have the sender fill it in.")
		}
		return
	}
	if n.missing != nil && n.missing.has(v) {
		r.add("missing", v, "holds a value that stands for nothing; have the sender leave the field out or fill it in.")
	}
	if n.enum != nil && !n.enum.has(v) {
		r.add("enum", v, "is not one of the %d agreed values; correct it or add it to the contract.", len(n.enum.texts)+len(n.enum.others))
	}
	if len(n.patterns) > 0 {
		r.patterns(n, v)
	}
	switch n.kind {
	case "":
	case "string":
		r.string(n, v)
	case "integer", "number":
		r.number(n, v)
	case "boolean":
		if _, ok := v.(bool); !ok {
			r.add("type", v, "must be true or false.")
		}
	case "date", "timestamp", "time":
		r.temporal(n, v)
	case "object":
		inner, ok := v.(map[string]any)
		if !ok {
			r.add("type", v, "must be an object.")
			return
		}
		r.fields(n, inner)
	case "array":
		r.array(n, v)
	}
}

// spelt reads text as the value it spells, if the contract wants such a value.
func spelt(kind string, v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	if s == "" {
		return nil
	}
	switch kind {
	case "integer", "number":
		trimmed := strings.TrimSpace(s)
		if _, ok := parseNumber(trimmed); ok {
			return json.Number(trimmed)
		}
	case "boolean":
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "true":
			return true
		case "false":
			return false
		}
	}
	return v
}

func (r *run) patterns(n *node, v any) {
	s, ok := v.(string)
	if !ok {
		if num, isNumber := v.(json.Number); isNumber {
			s, ok = string(num), true
		}
	}
	for _, re := range n.patterns {
		if ok && !re.MatchString(s) {
			r.add("pattern", v, "does not match the agreed pattern %s; correct its spelling.", re)
		}
	}
}

func (r *run) string(n *node, v any) {
	s, ok := v.(string)
	if !ok {
		r.add("type", v, "must be text.")
		return
	}
	if n.minLength.set || n.maxLength.set {
		length := utf8.RuneCountInString(s)
		if n.minLength.set && length < n.minLength.n {
			r.add("minLength", v, "must have at least %s.", count(n.minLength.n, "character"))
		}
		if n.maxLength.set && length > n.maxLength.n {
			r.add("maxLength", v, "may have at most %s.", count(n.maxLength.n, "character"))
		}
	}
	if n.isFormat != nil && !n.isFormat(s) {
		r.add("format", v, "is not of the format %s; correct it.", n.format)
	}
}

func (r *run) number(n *node, v any) {
	text, ok := v.(json.Number)
	var num number
	if ok {
		num, ok = parseNumber(string(text))
	}
	if !ok {
		r.add("type", v, "must be a number.")
		return
	}
	if n.kind == "integer" && !num.whole() {
		r.add("type", v, "must be a whole number.")
	}
	for i := range n.limits {
		l := &n.limits[i]
		r.limit(l, v, num.compare(l.number))
	}
	if n.multipleOf != nil && !num.multipleOf(*n.multipleOf) {
		r.add("multipleOf", v, "must be a multiple of %s.", n.multipleOf.text)
	}
}

var limitTexts = map[string]string{
	"minimum": "must be %s or more.", "maximum": "must be %s or less.",
	"exclusiveMinimum": "must be more than %s.", "exclusiveMaximum": "must be less than %s.",
	"format": "does not fit into %s.",
}

func (r *run) limit(l *limit, v any, compared int) {
	if compared == l.sign || (compared == 0 && l.strict) {
		r.add(l.rule, v, limitTexts[l.rule], l.text)
	}
}

func (r *run) temporal(n *node, v any) {
	s, ok := v.(string)
	if !ok {
		r.add("type", v, "must be a %s, written as text.", n.kind)
		return
	}
	t, ok := parseTemporal(n.layouts, s)
	switch {
	case !ok && n.format != "":
		r.add("format", v, "must be a %s written as %s.", n.kind, n.format)
		return
	case !ok:
		r.add("type", v, "must be a %s in ISO 8601, or the contract must state its format.", n.kind)
		return
	}
	for i := range n.limits {
		l := &n.limits[i]
		r.limit(l, v, t.Compare(l.at))
	}
}

func (r *run) array(n *node, v any) {
	list, ok := v.([]any)
	if !ok {
		r.add("type", v, "must be a list.")
		return
	}
	if n.minItems.set && len(list) < n.minItems.n {
		r.add("minItems", v, "must have at least %s.", count(n.minItems.n, "item"))
	}
	if n.maxItems.set && len(list) > n.maxItems.n {
		r.add("maxItems", v, "may have at most %s.", count(n.maxItems.n, "item"))
	}
	if n.uniqueItems && repeats(list) {
		r.add("uniqueItems", v, "must not repeat an item.")
	}
	if n.items == nil {
		return
	}
	for i, item := range list {
		r.enter(step{index: i})
		r.value(n.items, item)
		r.leave()
	}
}

package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// optionsOf says which options belong to which types; an option that can have
// no effect is a mistake in the contract.
var optionsOf = map[string][]string{
	"minLength": {"string"}, "maxLength": {"string"}, "pattern": {"string"},
	"format":  {"string", "date", "timestamp", "time", "integer", "number"},
	"minimum": ordered, "maximum": ordered, "exclusiveMinimum": ordered, "exclusiveMaximum": ordered,
	"multipleOf": {"integer", "number"},
	"minItems":   {"array"}, "maxItems": {"array"}, "uniqueItems": {"array"},
	"minProperties": {"object"}, "maxProperties": {"object"}, "required": {"object"},
}

var ordered = []string{"date", "timestamp", "time", "integer", "number"}

func (c *compiler) options(path string, n *node, o *Options) {
	c.kept(path, o.Kept, optionFields)
	c.misplaced(path, n.kind, o)
	n.minLength, n.maxLength = c.bounds(path, "Length", o.MinLength, o.MaxLength)
	n.minItems, n.maxItems = c.bounds(path, "Items", o.MinItems, o.MaxItems)
	n.minFields, n.maxFields = c.bounds(path, "Properties", o.MinProperties, o.MaxProperties)
	n.uniqueItems = o.UniqueItems
	if o.Pattern != "" {
		if re := c.pattern(path+".pattern", o.Pattern); re != nil {
			n.patterns = append(n.patterns, re)
		}
	}
	c.format(path+".format", n, o.Format)
	c.limit(path, n, "minimum", o.Minimum, -1, false)
	c.limit(path, n, "maximum", o.Maximum, 1, false)
	c.limit(path, n, "exclusiveMinimum", o.ExclusiveMinimum, -1, true)
	c.limit(path, n, "exclusiveMaximum", o.ExclusiveMaximum, 1, true)
	if len(o.MultipleOf) == 0 {
		return
	}
	m, ok := parseNumber(strings.TrimSpace(string(o.MultipleOf)))
	if !ok || m.decimal().sign() <= 0 {
		c.problem(path+".multipleOf", "multipleOf must be a number above 0.")
		return
	}
	n.multipleOf = &m
}

// misplaced reports options that the type does not have.
func (c *compiler) misplaced(path, kind string, o *Options) {
	used := map[string]bool{
		"minLength": o.MinLength != nil, "maxLength": o.MaxLength != nil, "pattern": o.Pattern != "", "format": o.Format != "",
		"minimum": o.Minimum != nil, "maximum": o.Maximum != nil,
		"exclusiveMinimum": o.ExclusiveMinimum != nil, "exclusiveMaximum": o.ExclusiveMaximum != nil,
		"multipleOf": o.MultipleOf != nil, "minItems": o.MinItems != nil, "maxItems": o.MaxItems != nil,
		"uniqueItems": o.UniqueItems, "minProperties": o.MinProperties != nil, "maxProperties": o.MaxProperties != nil,
		"required": len(o.Required) > 0,
	}
	for _, name := range sortedKeys(used) {
		if used[name] && !slices.Contains(optionsOf[name], kind) {
			c.problem(path+"."+name, "%s belongs to logicalType %s; set the type or remove the option.", name, strings.Join(optionsOf[name], ", "))
		}
	}
}

func (c *compiler) bounds(path, of string, least, most *int) (lo, hi bound) {
	if least != nil {
		lo = bound{set: true, n: *least}
	}
	if most != nil {
		hi = bound{set: true, n: *most}
	}
	if (lo.set && lo.n < 0) || (hi.set && hi.n < 0) {
		c.problem(path+".min"+of, "min%s and max%s must not be negative.", of, of)
	}
	if lo.set && hi.set && lo.n > hi.n {
		c.problem(path+".min"+of, "min%s is above max%s, so no value fits; swap them.", of, of)
	}
	return lo, hi
}

func (c *compiler) format(path string, n *node, format string) {
	if format == "" {
		return
	}
	n.format = format
	switch n.kind {
	case "string":
		check, known := stringFormats[format]
		if !known {
			c.problem(path, "There is no string format %q; use email, uuid, uri, hostname, ipv4, ipv6, date or date-time, or write a pattern.", format)
		}
		n.isFormat = check
	case "integer":
		r, known := integerRanges[format]
		if !known {
			c.problem(path, "There is no integer format %q; use i8 to i128 or u8 to u128.", format)
			return
		}
		low, _ := parseNumber(r[0])
		high, _ := parseNumber(r[1])
		n.limits = append(n.limits, limit{rule: "format", text: format, sign: -1, number: low}, limit{rule: "format", text: format, sign: 1, number: high})
	case "number":
		if format != "f32" && format != "f64" {
			c.problem(path, "There is no number format %q; use f32 or f64.", format)
		}
	case "date", "timestamp", "time":
		layouts, ok := jdkLayouts(format)
		if !ok {
			c.problem(path, "The format %q uses something we cannot read; use a JDK pattern such as yyyy-MM-dd or dd/MM/yyyy HH:mm.", format)
			return
		}
		n.layouts = layouts
	}
}

func (c *compiler) limit(path string, n *node, rule string, raw json.RawMessage, sign int, strict bool) {
	if len(raw) == 0 || !slices.Contains(ordered, n.kind) {
		return
	}
	l := limit{rule: rule, sign: sign, strict: strict}
	ok := false
	if n.kind == "integer" || n.kind == "number" {
		l.text = strings.TrimSpace(string(raw))
		l.number, ok = parseNumber(l.text)
	} else if json.Unmarshal(raw, &l.text) == nil {
		l.at, ok = parseTemporal(n.layouts, l.text)
	}
	if !ok {
		c.problem(path+"."+rule, "%s must be a %s like the values it limits.", rule, n.kind)
		return
	}
	n.limits = append(n.limits, l)
}

// quality applies the library metrics that can be decided per record.
func (c *compiler) quality(path string, n *node, list []Quality) {
	for i := range list {
		q := &list[i]
		at := fmt.Sprintf("%s.quality[%d]", path, i)
		c.metric(at, q)
		if !q.enforced() {
			continue
		}
		switch q.Metric {
		case "nullValues":
			n.required = true
		case "missingValues":
			if q.Arguments != nil {
				n.missing = c.values(at+".arguments.missingValues", q.Arguments.MissingValues)
				n.required = n.required || n.missing.others[string(canonical(nil, nil))]
			}
		case "invalidValues":
			c.validity(at, n, q.Arguments)
		}
	}
}

func (c *compiler) validity(path string, n *node, a *Arguments) {
	if a == nil || (len(a.ValidValues) == 0 && a.Pattern == "") {
		c.problem(path+".arguments", "invalidValues needs validValues or a pattern among its arguments.")
		return
	}
	if len(a.ValidValues) > 0 {
		n.enum = c.values(path+".arguments.validValues", a.ValidValues)
	}
	if a.Pattern != "" {
		if re := c.pattern(path+".arguments.pattern", a.Pattern); re != nil {
			n.patterns = append(n.patterns, re)
		}
	}
}

var metrics = []string{"nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"}

// metric checks the form of a quality rule.
func (c *compiler) metric(path string, q *Quality) {
	switch q.Type {
	case "text", "sql", "custom":
		return
	case "", "library":
	default:
		c.problem(path+".type", "There is no quality type %q; use library, text, sql or custom.", q.Type)
		return
	}
	_, old := q.Kept["rule"] // what metric was called in v3.0; kept, not enforced
	if !slices.Contains(metrics, q.Metric) && !(q.Metric == "" && old) {
		c.problem(path+".metric", "There is no metric %q; use %s.", q.Metric, strings.Join(metrics, ", "))
	}
}

// enforced reports whether the rule allows no exception.
func (q *Quality) enforced() bool {
	if q.Type != "" && q.Type != "library" {
		return false
	}
	for _, limit := range []json.RawMessage{q.MustBe, q.MustBeLessOrEqualTo} {
		if n, ok := parseNumber(strings.TrimSpace(string(limit))); ok && n.decimal().sign() == 0 {
			return true
		}
	}
	return false
}

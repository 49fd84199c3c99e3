package source

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
)

// defaultName is the name of records whose mapping gives none.
const defaultName = "record"

// FieldError is one cell that does not fit its mapping. It never holds the value (I12).
type FieldError struct {
	Column  string `json:"column"`
	Field   string `json:"field"` // what the column was to become, such as properties.quantity
	Shape   string `json:"shape"` // what was found, without the value
	Message string `json:"message"`
}

// Compiled is a checked mapping, ready to be applied. It is never changed and
// may be used by many goroutines at once.
type Compiled struct {
	key         []string
	event       string
	cases       []eventCase
	time        *coercion
	identifiers []target
	traits      []target
	properties  []target
	consents    []consentTarget
	typed       map[string]*coercion // by column
}

// target is a named value and the column it comes from.
type target struct {
	coercion
	name  string
	field string
}

type eventCase struct {
	name, column string
	pattern      *regexp.Regexp
}

type consentTarget struct {
	purpose, column string
	granted, denied []string
}

// Compile checks the mapping and resolves its patterns and zones. The error is
// fault.Invalid with the first of the problems that Validate lists.
func (m *Mapping) Compile() (*Compiled, error) {
	const op = "source.compile"
	if m == nil {
		return nil, fault.New(fault.Invalid, op, "The mapping is missing; say what the table's columns mean.")
	}
	if problems := m.validate("mapping"); len(problems) > 0 {
		return nil, fault.New(fault.Invalid, op, "%s: %s", problems[0].Path, problems[0].Message)
	}
	zone := time.UTC
	c := &Compiled{key: slices.Clone(m.Key), event: m.Event, typed: map[string]*coercion{}}
	if c.event == "" {
		c.event = defaultName
	}
	if m.Time != nil {
		zone, _ = zoneOf(m.Time.Zone)
		c.time = &coercion{column: m.Time.Column, kind: typeTimestamp, formats: slices.Clone(m.Time.Formats), zone: zone}
	}
	for _, e := range m.Events {
		pattern, err := regexp.Compile(e.When.Matches)
		if err != nil {
			return nil, fault.WrapAs(fault.Internal, op, err, "The pattern for event %s cannot be used.", e.Name)
		}
		c.cases = append(c.cases, eventCase{name: e.Name, column: e.When.Column, pattern: pattern})
	}
	c.identifiers = targets("identifiers", m.Identifiers, zone)
	c.traits = targets("traits", m.Traits, zone)
	c.properties = targets("properties", m.Properties, zone)
	for _, purpose := range slices.Sorted(maps.Keys(m.Consents)) {
		from := m.Consents[purpose]
		c.consents = append(c.consents, consentTarget{purpose: purpose, column: from.Column,
			granted: slices.Clone(from.Granted), denied: slices.Clone(from.Denied)})
	}
	c.compileTyped()
	return c, nil
}

// targets lists the columns by name, so that identifiers and mistakes always
// come in the same order (I4).
func targets(section string, columns map[string]Column, zone *time.Location) []target {
	out := make([]target, 0, len(columns))
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		from := columns[name]
		out = append(out, target{name: name, field: section + "." + name, coercion: coercion{column: from.Column,
			kind: from.Type, suffix: from.TrimSuffix, formats: slices.Clone(from.Formats), zone: zone}})
	}
	return out
}

// compileTyped decides how each column is seen by the contract. A column that is
// mapped more than once takes the first mapping with a type among properties,
// traits, identifiers and time.
func (c *Compiled) compileTyped() {
	for _, section := range [][]target{c.properties, c.traits, c.identifiers} {
		for i := range section {
			t := &section[i]
			if have := c.typed[t.column]; have == nil || have.kind == "" && t.kind != "" {
				c.typed[t.column] = &t.coercion
			}
		}
	}
	if c.time != nil {
		if have := c.typed[c.time.column]; have == nil || have.kind == "" {
			c.typed[c.time.column] = c.time
		}
	}
}

// Apply makes the record event of a row. An empty cell is an absent value. A
// cell that does not fit its type is left out of the event and listed; whether
// the event may go on is for the caller to say. The event time is the time
// column's, or ReceivedAt where that is empty or does not fit, within
// event.BoundTime. The result depends on the arguments alone (I4).
func (c *Compiled) Apply(row Row, in event.Receipt) (event.Event, []FieldError) {
	var wrong []FieldError
	e := event.Event{
		Source:     in.Source,
		ID:         in.ID,
		Type:       event.Record,
		Name:       c.name(row),
		ReceivedAt: in.ReceivedAt.UTC().Truncate(time.Microsecond),
		Properties: collect(c.properties, row, &wrong),
		Traits:     collect(c.traits, row, &wrong),
		Consents:   c.stands(row),
	}
	if e.ID == "" {
		e.ID = c.Key(row)
	}
	for i := range c.identifiers {
		t := &c.identifiers[i]
		if id := t.identifier(row, &wrong); id != "" {
			e.Identifiers = append(e.Identifiers, event.Identifier{Namespace: t.name, Value: id})
		}
	}
	e.Time = c.eventTime(row, in.ReceivedAt, &wrong)
	return e, wrong
}

func (c *Compiled) name(row Row) string {
	for _, one := range c.cases {
		if one.pattern.MatchString(text(row[one.column])) {
			return one.name
		}
	}
	return c.event
}

func collect(from []target, row Row, wrong *[]FieldError) map[string]any {
	var out map[string]any
	for i := range from {
		v, what := from[i].of(row)
		switch what {
		case unfit:
			*wrong = append(*wrong, from[i].mistake(from[i].field, v))
		case taken:
			if out == nil {
				out = make(map[string]any, len(from))
			}
			out[from[i].name] = v
		}
	}
	return out
}

// identifier reads an identifier's value as text, as written but for the
// mapping's own type and suffix.
func (t *target) identifier(row Row, wrong *[]FieldError) string {
	v, what := t.of(row)
	switch v.(type) {
	case []any, map[string]any:
		what = unfit
	}
	switch what {
	case unfit:
		*wrong = append(*wrong, t.mistake(t.field, v))
		return ""
	case absent:
		return ""
	}
	return text(v)
}

// stands reads the consents. A cell that stands in both lists is a denial (I6).
func (c *Compiled) stands(row Row) map[string]bool {
	var out map[string]bool
	for _, one := range c.consents {
		v, present := row[one.column]
		if !present {
			continue
		}
		cell := text(v)
		denied := slices.Contains(one.denied, cell)
		if !denied && !slices.Contains(one.granted, cell) {
			continue
		}
		if out == nil {
			out = map[string]bool{}
		}
		out[one.purpose] = !denied
	}
	return out
}

func (c *Compiled) eventTime(row Row, receivedAt time.Time, wrong *[]FieldError) time.Time {
	if c.time == nil {
		return event.BoundTime(receivedAt, receivedAt)
	}
	v, what := c.time.of(row)
	t := receivedAt
	switch what {
	case unfit:
		*wrong = append(*wrong, c.time.mistake("time", v))
	case taken:
		t, _ = parseTime(text(row[c.time.column]), c.time.formats, c.time.zone)
	}
	return event.BoundTime(t, receivedAt)
}

// Typed returns the row as its contract sees it, under the columns' own names:
// mapped columns with their types, the others as they come. An empty cell is
// left out, so that the rule "required" finds it; a cell that does not fit its
// type stays as it came, so that the rule "type" finds it, and is listed too, by
// column in sorted order.
func (c *Compiled) Typed(row Row) (map[string]any, []FieldError) {
	out := make(map[string]any, len(row))
	var wrong []FieldError
	for column, v := range row {
		if v == nil || v == "" {
			continue
		}
		how := c.typed[column]
		if how == nil {
			out[column] = v
			continue
		}
		v, what := how.of(row)
		if what == absent {
			continue
		}
		out[column] = v
		if what == unfit {
			wrong = append(wrong, how.mistake(column, v))
		}
	}
	slices.SortFunc(wrong, func(a, b FieldError) int {
		if a.Column < b.Column {
			return -1
		}
		return 1 // columns differ: a row has each once
	})
	return out, wrong
}

func (c *coercion) mistake(field string, v any) FieldError {
	found := shape(v)
	kind := c.kind
	if kind == "" {
		kind = "plain value"
	}
	article := "a"
	if kind == typeInteger {
		article = "an"
	}
	message := fmt.Sprintf("Column %s was to be %s %s and is %s; correct the row or the mapping.", c.column, article, kind, found)
	if kind == typeDate || kind == typeTimestamp {
		message = fmt.Sprintf("Column %s was to be a %s and is %s that fits none of its formats; correct the row or add the format to the mapping.", c.column, kind, found)
	}
	return FieldError{Column: c.column, Field: field, Shape: found, Message: message}
}

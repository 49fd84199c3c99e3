package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"parley/internal/fault"
)

// UnmarshalJSON accepts an object, or just the column's name as a text. Unknown
// fields are refused: a mistyped one would otherwise silently do nothing.
func (c *Column) UnmarshalJSON(raw []byte) error {
	const op = "source.column"
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		*c = Column{}
		return json.Unmarshal(raw, &c.Column)
	}
	type plain Column // without this method
	var out plain
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		return fault.WrapAs(fault.Invalid, op, err,
			"A column must be its name, or an object with column, type, trimSuffix and formats.")
	}
	*c = Column(out)
	return nil
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Validate lists every mistake that can be seen in the document alone, in the
// document's order; whether the owner and the contract exist is the workspace's
// matter. An empty list means that the mapping compiles.
func (s *Spec) Validate() []fault.Problem {
	var p problems
	if !namePattern.MatchString(s.Name) {
		p.add("name", "A source's name is 1 to 64 small letters, digits, - and _, and starts with a letter or digit.")
	}
	p.need("owner", s.Owner, "Name the team that owns the source.")
	p.need("contract", s.Contract, "Name the contract that the source's data are held to.")
	switch s.Kind {
	case HTTP:
		s.validateHTTP(&p)
	case File:
		s.validateFile(&p)
	default:
		p.add("type", "The type must be http or file.")
	}
	return p
}

type problems []fault.Problem

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (p *problems) need(path, value, message string) {
	if strings.TrimSpace(value) == "" {
		p.add(path, "%s", message)
	}
}

func (s *Spec) validateHTTP(p *problems) {
	p.need("writeKey", s.WriteKey, "An http source needs a write key, which its senders present.")
	if strings.ContainsAny(s.WriteKey, ": \t\r\n") {
		p.add("writeKey", "A write key holds no blanks and no colon; senders put it in front of a colon.")
	}
	for _, f := range []struct {
		path string
		set  bool
	}{
		{"object", s.Object != ""}, {"format", s.Format != ""}, {"delimiter", s.Delimiter != ""},
		{"watch", s.Watch != ""}, {"mapping", s.Mapping != nil},
	} {
		if f.set {
			p.add(f.path, "Only a file source has %s; remove it or change the type to file.", f.path)
		}
	}
}

func (s *Spec) validateFile(p *problems) {
	if s.WriteKey != "" {
		p.add("writeKey", "Only an http source has a write key; remove it or change the type to http.")
	}
	p.need("object", s.Object, "Name the object of the contract that describes a row.")
	switch s.Format {
	case "", "csv", "jsonl", "parquet":
	default:
		p.add("format", "The format must be csv, jsonl or parquet, or be left out to go by the file's ending.")
	}
	if s.Delimiter != "" {
		if s.Format == "jsonl" || s.Format == "parquet" {
			p.add("delimiter", "Only CSV has a delimiter; remove it.")
		}
		if !ValidDelimiter(s.Delimiter) {
			p.add("delimiter", "The delimiter must be one ASCII character such as ; or a tab, and no quote, letter, digit or line break.")
		}
	}
	if s.Watch != "" && !filepath.IsLocal(s.Watch) {
		p.add("watch", "The folder must lie inside the data directory: a relative path without ..")
	}
	if s.Mapping == nil {
		p.add("mapping", "A file source needs a mapping, which says what its columns mean.")
		return
	}
	*p = append(*p, s.Mapping.validate("mapping")...)
}

// ValidDelimiter reports whether a text can separate CSV cells: one ASCII
// character that is no quote, letter, digit or line break. Empty is not.
func ValidDelimiter(d string) bool {
	if len(d) != 1 || d[0] >= 0x80 {
		return false
	}
	c := d[0]
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
	return !letter && c != '"' && (c == '\t' || c >= 0x20) && c != 0x7f
}

func (m *Mapping) validate(path string) problems {
	var p problems
	for i, column := range m.Key {
		at := fmt.Sprintf("%s.key[%d]", path, i)
		p.need(at, column, "A key column has no name.")
		if slices.Index(m.Key, column) < i {
			p.add(at, "Column %s stands in the key twice; remove one.", column)
		}
	}
	m.validateEvents(&p, path)
	m.validateTime(&p, path)
	for _, section := range []struct {
		name    string
		columns map[string]Column
	}{{"identifiers", m.Identifiers}, {"traits", m.Traits}, {"properties", m.Properties}} {
		for _, name := range slices.Sorted(maps.Keys(section.columns)) {
			at := path + "." + section.name + "." + name
			p.need(at, name, "A name is empty; give the value a name.")
			section.columns[name].validate(&p, at)
		}
	}
	for _, purpose := range slices.Sorted(maps.Keys(m.Consents)) {
		m.Consents[purpose].validate(&p, path+".consents."+purpose, purpose)
	}
	return p
}

func (m *Mapping) validateEvents(p *problems, path string) {
	for i, e := range m.Events {
		at := fmt.Sprintf("%s.events[%d]", path, i)
		p.need(at+".name", e.Name, "Give the event a name.")
		p.need(at+".when.column", e.When.Column, "Name the column that decides.")
		if e.When.Matches == "" {
			p.add(at+".when.matches", "Give the pattern that the column must match, such as ^C.")
		}
		if _, err := regexp.Compile(e.When.Matches); err != nil {
			p.add(at+".when.matches", "The pattern is not a valid RE2 expression: %v.", err)
		}
	}
}

func (m *Mapping) validateTime(p *problems, path string) {
	if m.Time == nil {
		return
	}
	p.need(path+".time.column", m.Time.Column, "Name the column that holds the time, or remove time to take the time of receipt.")
	validateFormats(p, path+".time", m.Time.Formats)
	if _, ok := zoneOf(m.Time.Zone); !ok {
		p.add(path+".time.zone", "The time zone is not known; write an IANA name such as Europe/Berlin.")
	}
}

func validateFormats(p *problems, path string, formats []string) {
	for i, format := range formats {
		if wrong := checkFormat(format); wrong != "" {
			p.add(fmt.Sprintf("%s.formats[%d]", path, i), "%s", wrong)
		}
	}
}

func (c Column) validate(p *problems, path string) {
	p.need(path+".column", c.Column, "Name the column that the value comes from.")
	switch c.Type {
	case typeDate, typeTimestamp:
		validateFormats(p, path, c.Formats)
		return
	case "", typeString, typeInteger, typeNumber, typeBoolean:
	default:
		p.add(path+".type", "The type must be string, integer, number, boolean, date or timestamp.")
	}
	if len(c.Formats) > 0 {
		p.add(path+".formats", "Only a date or a timestamp has formats; remove them or set the type.")
	}
}

func (c ConsentColumn) validate(p *problems, path, purpose string) {
	p.need(path, purpose, "A purpose has no name.")
	p.need(path+".column", c.Column, "Name the column that holds the person's stand.")
	if len(c.Granted)+len(c.Denied) == 0 {
		p.add(path, "Say which texts mean granted and which mean denied.")
	}
	for i, cell := range c.Granted {
		if slices.Contains(c.Denied, cell) {
			p.add(fmt.Sprintf("%s.granted[%d]", path, i), "The same text cannot mean both granted and denied; remove it from one list.")
		}
		if cell == "" {
			p.add(fmt.Sprintf("%s.granted[%d]", path, i), "An empty cell cannot mean granted; consent must be stated.")
		}
	}
}

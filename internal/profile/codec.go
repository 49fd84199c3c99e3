package profile

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"parley/internal/fault"
)

// The stored form is {"trait":[[value,"source","id",microseconds],…],…} with
// traits sorted by name and entries latest first. It is written and
// read by hand because it is on the path of every event.

// AppendJSON appends the stored form; equal profiles give equal bytes (I4).
func (p *Profile) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	for i := range p.traits {
		t := &p.traits[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, t.name), ':', '[')
		for j := range t.entries {
			e := &t.entries[j]
			if j > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, '['), e.raw...), ',')
			b = append(appendQuoted(b, e.source), ',')
			b = append(appendQuoted(b, e.id), ',')
			b = append(strconv.AppendInt(b, e.micros, 10), ']')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	if plain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	return append(b, quote(s)...)
}

// MarshalJSON returns the stored form.
func (p *Profile) MarshalJSON() ([]byte, error) {
	return p.AppendJSON(make([]byte, 0, 64+80*len(p.traits))), nil
}

// UnmarshalJSON reads the stored form, also if a database has changed its white
// space, escapes or order of keys. It is Invalid for anything else.
func (p *Profile) UnmarshalJSON(b []byte) error {
	decoded, err := Decode(b)
	if err == nil {
		*p = *decoded
	}
	return err
}

// Decode is UnmarshalJSON without the detour through encoding/json.
func Decode(b []byte) (*Profile, error) {
	s := scanner{text: string(b)}
	p := s.profile()
	if s.skip(); s.bad || s.at != len(s.text) {
		return nil, fault.New(fault.Invalid, "profile.decode", "A stored profile is damaged; fold the person's history again.")
	}
	slices.SortFunc(p.traits, func(a, b trait) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(p.traits); i++ {
		if p.traits[i].name == p.traits[i-1].name {
			return nil, fault.New(fault.Invalid, "profile.decode", "A stored profile holds a trait twice; fold the person's history again.")
		}
	}
	return p, nil
}

// scanner reads the stored form; after the first mistake it is bad and reads nothing.
type scanner struct {
	text string
	at   int
	bad  bool
}

func (s *scanner) skip() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// take consumes c if it comes next.
func (s *scanner) take(c byte) bool {
	s.skip()
	if s.bad || s.at >= len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) expect(c byte) {
	if !s.take(c) {
		s.bad = true
	}
}

func (s *scanner) profile() *Profile {
	p := &Profile{}
	s.expect('{')
	if s.take('}') {
		return p
	}
	p.traits = make([]trait, 0, 16)
	for !s.bad {
		t := trait{name: s.string()}
		s.expect(':')
		s.expect('[')
		for !s.bad {
			t.entries = append(t.entries, s.entry())
			if !s.take(',') {
				break
			}
		}
		s.expect(']')
		p.traits = append(p.traits, t)
		if !s.take(',') {
			break
		}
	}
	s.expect('}')
	return p
}

func (s *scanner) entry() entry {
	var e entry
	s.expect('[')
	e.raw = s.value()
	s.expect(',')
	e.source = s.string()
	s.expect(',')
	e.id = s.string()
	s.expect(',')
	s.skip()
	from := s.at
	for s.at < len(s.text) && (s.text[s.at] == '-' || (s.text[s.at] >= '0' && s.text[s.at] <= '9')) {
		s.at++
	}
	n, err := strconv.ParseInt(s.text[from:s.at], 10, 64)
	s.bad = s.bad || err != nil
	e.micros = n
	s.expect(']')
	return e
}

// string reads a JSON string.
func (s *scanner) string() string {
	raw := s.quoted()
	if s.bad {
		return ""
	}
	if !strings.Contains(raw, `\`) {
		return raw[1 : len(raw)-1] // spares boxing it
	}
	text, _ := parse(raw).(string)
	return text
}

// quoted reads a JSON string and returns it in canonical form.
func (s *scanner) quoted() string {
	s.skip()
	from := s.at
	s.expect('"')
	ascii := true
	for !s.bad {
		if s.at >= len(s.text) || s.text[s.at] < 0x20 {
			s.bad = true
			return ""
		}
		c := s.text[s.at]
		s.at++
		if c == '"' {
			break
		}
		if c == '\\' {
			ascii = false
			s.at = min(s.at+1, len(s.text))
		}
		ascii = ascii && c < 0x80
	}
	if s.bad || s.at > len(s.text) {
		s.bad, s.at = true, len(s.text)
		return ""
	}
	raw := s.text[from:s.at]
	if ascii {
		return raw
	}
	return s.canonical(raw)
}

// canonical rewrites a JSON value that may have been written by someone else.
func (s *scanner) canonical(raw string) string {
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil || dec.More() {
		s.bad = true
		return ""
	}
	text, ok := encode(v)
	s.bad = s.bad || !ok
	return text
}

// value reads any JSON value and returns it in canonical form.
func (s *scanner) value() string {
	s.skip()
	if s.bad || s.at >= len(s.text) {
		s.bad = true
		return ""
	}
	switch s.text[s.at] {
	case '"':
		return s.quoted()
	case '{', '[':
		dec := json.NewDecoder(strings.NewReader(s.text[s.at:]))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) != nil {
			s.bad = true
			return ""
		}
		s.at += int(dec.InputOffset())
		text, _ := encode(v)
		return text
	}
	from := s.at
	for s.at < len(s.text) && strings.IndexByte(",]} \t\r\n", s.text[s.at]) < 0 {
		s.at++
	}
	raw := s.text[from:s.at]
	if raw != null && raw != "true" && raw != "false" && !jsonNumber.MatchString(raw) {
		s.bad = true
	}
	return raw
}

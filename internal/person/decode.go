package person

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/audience"
	"parley/internal/consent"
	"parley/internal/fault"
	"parley/internal/profile"
)

// Decode reads a stored document. What Encode wrote is read by hand, because it
// is on the path of every event; anything else that says the same (a database
// may have changed white space or order) takes the long way and is as good.
func Decode(raw []byte) (*Document, error) {
	r := reader{rest: string(raw)}
	if d := r.document(); !r.odd && r.rest == "" {
		return d, nil
	}
	return decodeAny(raw)
}

func decodeAny(raw []byte) (*Document, error) {
	d := &Document{}
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber() // or a long number in the history would lose its last digits
	err := in.Decode(d)
	if err == nil {
		if _, more := in.Token(); more != io.EOF {
			err = errors.New("something follows the document")
		}
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Internal, "person.decode", err, "A stored person cannot be read.")
	}
	return d, nil
}

// reader reads the form that Encode writes. At the first thing that Encode would
// not have written it is odd, and what it returns means nothing.
type reader struct {
	rest string
	odd  bool
}

func (r *reader) document() *Document {
	d := &Document{}
	r.expect(`{"k":`)
	d.Key = r.text()
	r.expect(`,"p":`)
	d.Profile = r.profile()
	r.expect(`,"c":`)
	d.Consents = r.consents()
	if r.take(`,"h":[`) {
		d.History = r.history()
	}
	if r.take(`,"a":`) {
		d.Answers = audience.Memberships{}
		r.object(func(name string) { d.Answers[name] = r.answer() })
	}
	if r.take(`,"s":`) {
		d.Since = map[string]time.Time{}
		r.object(func(name string) { d.Since[name] = r.time() })
	}
	r.expect(`,"f":`)
	d.FirstSeen = r.time()
	r.expect(`,"l":`)
	d.LastSeen = r.time()
	r.expect(`}`)
	return d
}

func (r *reader) take(literal string) bool {
	rest, ok := strings.CutPrefix(r.rest, literal)
	r.rest = rest
	return ok
}

func (r *reader) expect(literal string) {
	if !r.take(literal) {
		r.odd = true
	}
}

func (r *reader) profile() profile.Profile {
	p, err := profile.Decode([]byte(r.value()))
	if err != nil {
		r.odd = true
		return profile.Profile{}
	}
	return *p
}

func (r *reader) consents() (c consent.Record) {
	if r.take("[]") {
		return c
	}
	if err := c.UnmarshalJSON([]byte(r.value())); err != nil {
		r.odd = true
	}
	return c
}

func (r *reader) history() []audience.Occurrence {
	var out []audience.Occurrence
	for !r.odd {
		var o audience.Occurrence
		r.expect(`{"t":`)
		o.Time = r.time()
		r.expect(`,"n":`)
		o.Name = r.text()
		r.expect(`,"s":`)
		o.Source = r.text()
		r.expect(`,"i":`)
		o.ID = r.text()
		if r.take(`,"p":`) {
			o.Properties = map[string]any{}
			r.object(func(name string) { o.Properties[name] = r.any() })
		}
		r.expect(`}`)
		out = append(out, o)
		if !r.take(`,`) {
			break
		}
	}
	r.expect(`]`)
	return out
}

func (r *reader) answer() (m audience.Membership) {
	if m.Member = r.take(`{"member":true`); !m.Member {
		r.expect(`{"member":false`)
	}
	if r.take(`,"next":`) {
		m.Next = r.time()
	}
	r.expect(`}`)
	return m
}

// object reads an object that is not empty; field reads the value of a name.
func (r *reader) object(field func(name string)) {
	r.expect(`{`)
	for !r.odd {
		name := r.text()
		r.expect(`:`)
		field(name)
		if !r.take(`,`) {
			break
		}
	}
	r.expect(`}`)
}

func (r *reader) time() (t time.Time) {
	if err := t.UnmarshalText([]byte(r.text())); err != nil {
		r.odd = true
	}
	return t
}

func (r *reader) text() string {
	if !strings.HasPrefix(r.rest, `"`) {
		r.odd = true
		return ""
	}
	for i := 1; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '"':
			return r.cut(i + 1)[1:i]
		case c < 0x20 || c >= utf8.RuneSelf || c == '\\':
			text, _ := r.parse(r.value()).(string)
			return text
		}
	}
	r.odd = true
	return ""
}

func (r *reader) any() any {
	if strings.HasPrefix(r.rest, `"`) {
		return r.text()
	}
	raw := r.value()
	switch {
	case raw == "true":
		return true
	case raw == "false":
		return false
	case decimal(raw):
		return json.Number(raw)
	}
	return r.parse(raw)
}

// parse reads any one value by the book.
func (r *reader) parse(raw string) (v any) {
	in := json.NewDecoder(strings.NewReader(raw))
	in.UseNumber()
	if in.Decode(&v) != nil || in.InputOffset() != int64(len(raw)) {
		r.odd = true
	}
	return v
}

// value takes the text of the next value, however deep.
func (r *reader) value() string {
	depth, quoted := 0, false
	for i := 0; i < len(r.rest); i++ {
		c := r.rest[i]
		switch {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']' || c == ',' || c == ':') && depth == 0:
			return r.cut(i)
		case c == '}' || c == ']':
			depth--
		}
	}
	r.odd = true
	return ""
}

func (r *reader) cut(n int) string {
	value := r.rest[:n]
	r.rest = r.rest[n:]
	return value
}

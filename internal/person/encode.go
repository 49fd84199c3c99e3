package person

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"parley/internal/audience"
	"parley/internal/fault"
)

// Encode returns the stored form, the same bytes for the same content (I4). It
// is the JSON of Document, written by hand because everyone an event touches is
// written again.
func (d *Document) Encode() ([]byte, error) {
	consents, err := d.Consents.MarshalJSON()
	if err != nil {
		return nil, fault.Wrap("person.encode", err)
	}
	w := writer{b: make([]byte, 0, 512+len(consents)+192*len(d.History)+80*len(d.Answers))}
	w.key(`{"k":`).text(d.Key)
	w.b = d.Profile.AppendJSON(append(w.b, `,"p":`...))
	w.b = append(append(w.b, `,"c":`...), consents...)
	if len(d.History) > 0 {
		w.history(d.History)
	}
	if len(d.Answers) > 0 {
		w.answers(d.Answers)
	}
	if len(d.Since) > 0 {
		w.since(d.Since)
	}
	w.key(`,"f":`).time(d.FirstSeen)
	w.key(`,"l":`).time(d.LastSeen)
	return append(w.b, '}'), fault.Wrap("person.encode", w.err)
}

// writer appends JSON. Names in a key are known to need no escapes.
type writer struct {
	b   []byte
	err error // the first value that JSON cannot hold
}

func (w *writer) key(literal string) *writer {
	w.b = append(w.b, literal...)
	return w
}

func (w *writer) history(list []audience.Occurrence) {
	w.key(`,"h":[`)
	for i := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		o := &list[i]
		w.key(`{"t":`).time(o.Time)
		w.key(`,"n":`).text(o.Name)
		w.key(`,"s":`).text(o.Source)
		w.key(`,"i":`).text(o.ID)
		if len(o.Properties) > 0 {
			w.key(`,"p":`)
			for n, name := range sortedNames(o.Properties) {
				w.name(n, name)
				w.value(o.Properties[name])
			}
			w.b = append(w.b, '}')
		}
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
}

func (w *writer) answers(answers audience.Memberships) {
	w.key(`,"a":`)
	for n, name := range sortedNames(answers) {
		w.name(n, name)
		w.b = strconv.AppendBool(append(w.b, `{"member":`...), answers[name].Member)
		if next := answers[name].Next; !next.IsZero() {
			w.key(`,"next":`).time(next)
		}
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, '}')
}

func (w *writer) since(since map[string]time.Time) {
	w.key(`,"s":`)
	for n, name := range sortedNames(since) {
		w.name(n, name)
		w.time(since[name])
	}
	w.b = append(w.b, '}')
}

// name writes the n-th name of an object, from 0.
func (w *writer) name(n int, name string) {
	if n == 0 {
		w.b = append(w.b, '{')
	} else {
		w.b = append(w.b, ',')
	}
	w.text(name)
	w.b = append(w.b, ':')
}

func (w *writer) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			w.marshal(s)
			return
		}
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
}

func (w *writer) time(t time.Time) {
	b, err := t.AppendText(append(w.b, '"'))
	if err != nil {
		w.fail(err)
		return
	}
	w.b = append(b, '"')
}

func (w *writer) value(v any) {
	switch v := v.(type) {
	case string:
		w.text(v)
	case bool:
		w.b = strconv.AppendBool(w.b, v)
	case json.Number:
		if !decimal(string(v)) {
			w.marshal(v)
			return
		}
		w.b = append(w.b, v...)
	default:
		w.marshal(v)
	}
}

func (w *writer) marshal(v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		w.fail(err)
		return
	}
	w.b = append(w.b, raw...)
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// decimal says whether s is a plain JSON number such as 12 or 12.95; what it
// does not know goes through an encoder that checks it.
func decimal(s string) bool {
	dot := -1
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
		case c == '.' && dot < 0 && i > 0 && i < len(s)-1:
			dot = i
		default:
			return false
		}
	}
	return s != "" && (s[0] != '0' || len(s) == 1 || dot == 1)
}

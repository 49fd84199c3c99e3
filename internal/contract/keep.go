package contract

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"parley/internal/fault"
)

// maxDepth bounds the nesting of a document, so that decoding stays cheap.
const maxDepth = 100

// UnmarshalJSON reads a document and keeps what it does not know.
func (s *Spec) UnmarshalJSON(b []byte) error {
	if depth(b) > maxDepth {
		return fault.New(fault.Invalid, "contract.parse", "The contract is nested deeper than %d levels; flatten it.", maxDepth)
	}
	type plain Spec
	return read(b, (*plain)(s), &s.Kept)
}

// MarshalJSON writes the document with what was kept, keys sorted.
func (s Spec) MarshalJSON() ([]byte, error) { type plain Spec; return write(plain(s), s.Kept) }

// UnmarshalJSON keeps what it does not know.
func (o *Object) UnmarshalJSON(b []byte) error {
	type plain Object
	return read(b, (*plain)(o), &o.Kept)
}

// MarshalJSON writes back what was kept.
func (o Object) MarshalJSON() ([]byte, error) { type plain Object; return write(plain(o), o.Kept) }

// UnmarshalJSON keeps what it does not know.
func (p *Property) UnmarshalJSON(b []byte) error {
	type plain Property
	return read(b, (*plain)(p), &p.Kept)
}

// MarshalJSON writes back what was kept.
func (p Property) MarshalJSON() ([]byte, error) { type plain Property; return write(plain(p), p.Kept) }

// UnmarshalJSON keeps what it does not know.
func (o *Options) UnmarshalJSON(b []byte) error {
	type plain Options
	return read(b, (*plain)(o), &o.Kept)
}

// MarshalJSON writes back what was kept.
func (o Options) MarshalJSON() ([]byte, error) { type plain Options; return write(plain(o), o.Kept) }

// UnmarshalJSON keeps what it does not know.
func (q *Quality) UnmarshalJSON(b []byte) error {
	type plain Quality
	return read(b, (*plain)(q), &q.Kept)
}

// MarshalJSON writes back what was kept.
func (q Quality) MarshalJSON() ([]byte, error) { type plain Quality; return write(plain(q), q.Kept) }

// UnmarshalJSON keeps what it does not know.
func (a *Arguments) UnmarshalJSON(b []byte) error {
	type plain Arguments
	return read(b, (*plain)(a), &a.Kept)
}

// MarshalJSON writes back what was kept.
func (a Arguments) MarshalJSON() ([]byte, error) {
	type plain Arguments
	return write(plain(a), a.Kept)
}

// UnmarshalJSON keeps what it does not know.
func (c *CustomProperty) UnmarshalJSON(b []byte) error {
	type plain CustomProperty
	return read(b, (*plain)(c), &c.Kept)
}

// MarshalJSON writes back what was kept.
func (c CustomProperty) MarshalJSON() ([]byte, error) {
	type plain CustomProperty
	return write(plain(c), c.Kept)
}

// read decodes b into a struct without methods and collects the fields it lacks.
func read(b []byte, into any, kept *Kept) error {
	if err := json.Unmarshal(b, into); err != nil {
		return err
	}
	var all Kept
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		delete(all, name)
	}
	*kept = nil
	if len(all) > 0 {
		*kept = all
	}
	return nil
}

// write encodes a struct without methods together with what was kept.
func write(plain any, kept Kept) ([]byte, error) {
	b, err := json.Marshal(plain)
	if err != nil || len(kept) == 0 {
		return b, err
	}
	all := Kept{}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	for name, value := range kept {
		if _, known := all[name]; !known {
			all[name] = value
		}
	}
	return json.Marshal(all)
}

// depth returns how deeply the brackets of a JSON text nest.
func depth(b []byte) int {
	deepest, level := 0, 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		}
	}
	return deepest
}

// literal decodes a scalar of the document, numbers exactly.
func literal(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

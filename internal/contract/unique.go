package contract

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// UniqueFields returns the sets of fields whose values together must not occur
// in two records of the object: the primary key first, all its fields as one
// set, then each unique field by itself, then what duplicateValues rules say.
// Only fields of the object itself count, not those of nested objects.
func (c *Contract) UniqueFields(object string) [][]string {
	keys := make([][]string, len(c.keys[object]))
	for i, k := range c.keys[object] {
		keys[i] = slices.Clone(k)
	}
	return keys
}

func (c *compiler) keys(path string, o *Object) [][]string {
	var primary []*Property
	for i := range o.Properties {
		if o.Properties[i].PrimaryKey {
			primary = append(primary, &o.Properties[i])
		}
	}
	slices.SortStableFunc(primary, func(a, b *Property) int {
		return cmp.Compare(max(a.PrimaryKeyPosition, 0), max(b.PrimaryKeyPosition, 0))
	})
	var keys [][]string
	add := func(fields []string) {
		known := func(k []string) bool { return slices.Equal(k, fields) }
		if len(fields) > 0 && !slices.ContainsFunc(keys, known) {
			keys = append(keys, fields)
		}
	}
	var names []string
	for _, p := range primary {
		names = append(names, p.Name)
	}
	add(names)
	for i := range o.Properties {
		p := &o.Properties[i]
		noDuplicates := func(q Quality) bool { return q.Metric == "duplicateValues" && q.enforced() }
		if p.Unique || slices.ContainsFunc(p.Quality, noDuplicates) {
			add([]string{p.Name})
		}
	}
	for i := range o.Quality {
		q, at := &o.Quality[i], fmt.Sprintf("%s.quality[%d]", path, i)
		c.metric(at, q)
		if q.Metric == "duplicateValues" && q.enforced() {
			add(c.duplicates(at, o, q.Arguments))
		}
	}
	return keys
}

// duplicates returns the properties of an object-level duplicateValues rule.
func (c *compiler) duplicates(path string, o *Object, a *Arguments) []string {
	if a == nil || len(a.Properties) == 0 {
		c.problem(path+".arguments.properties", "duplicateValues on an object needs the properties that are unique together.")
		return nil
	}
	for i, name := range a.Properties {
		if !slices.ContainsFunc(o.Properties, func(p Property) bool { return p.Name == name }) {
			c.problem(fmt.Sprintf("%s.arguments.properties[%d]", path, i), "The object has no property %q; add it or correct the name.", name)
		}
	}
	return slices.Clone(a.Properties)
}

// UniqueKey returns the SHA-256, in hex, of the values of the fields, so that
// two records have the same hash exactly if all the values are equal. Numbers
// are equal by value (1 and 1.0), everything else as written. ok is false if a
// field is missing or null: such a record is not held to be a duplicate.
func UniqueKey(record map[string]any, fields []string) (hash string, ok bool) {
	var b []byte
	for _, f := range fields {
		v := record[f]
		if v == nil {
			return "", false
		}
		b = canonical(b, v)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), len(fields) > 0
}

// canonical appends an unambiguous form of a JSON value: a letter for the kind,
// the length, the content.
func canonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 'z')
	case bool:
		if v {
			return append(b, 't')
		}
		return append(b, 'f')
	case string:
		return appendText(append(b, 's'), v)
	case json.Number:
		if n, ok := parseNumber(string(v)); ok {
			return appendText(append(b, 'n'), n.key())
		}
		return appendText(append(b, 'x'), string(v))
	case []any:
		b = binary.AppendUvarint(append(b, 'l'), uint64(len(v)))
		for _, item := range v {
			b = canonical(b, item)
		}
		return b
	case map[string]any:
		b = binary.AppendUvarint(append(b, 'o'), uint64(len(v)))
		for _, name := range sortedKeys(v) {
			b = canonical(appendText(b, name), v[name])
		}
		return b
	}
	return appendText(append(b, 'x'), fmt.Sprintf("%T", v))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// repeats reports whether two items of the list are equal.
func repeats(list []any) bool {
	seen := make(map[string]bool, len(list))
	for _, item := range list {
		k := string(canonical(nil, item))
		if seen[k] {
			return true
		}
		seen[k] = true
	}
	return false
}

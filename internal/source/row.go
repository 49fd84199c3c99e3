package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/fault"
)

// Row is one row of a table, column to value. Values are JSON values as in
// event.Event: nil, bool, string, json.Number, []any and map[string]any. Rows of
// a CSV file hold strings only, "" for an empty cell.
type Row map[string]any

// DecodeRow reads a row from a JSON object: the payload of a journal entry or a
// line of a JSON Lines file. The limits of event.DecodeObject hold.
func DecodeRow(raw []byte) (Row, error) {
	return event.DecodeObject(raw, "source.decode_row")
}

// EncodeRow writes a row as a canonical JSON object: sorted columns, no blanks,
// numbers as they were written. Equal rows give equal bytes (I4), and DecodeRow
// reads every row that EncodeRow accepts.
func EncodeRow(row Row) ([]byte, error) {
	const op = "source.encode_row"
	out, sound := appendValue(make([]byte, 0, 32*len(row)+2), map[string]any(row), 1)
	if !sound {
		return nil, fault.New(fault.Invalid, op,
			"The row holds a NUL character, invalid UTF-8, a value that is not JSON, or more than %d levels; correct the file.", event.MaxDepth)
	}
	if len(out) > event.MaxMessageBytes {
		return nil, fault.New(fault.TooLarge, op,
			"The row is %d bytes long, the limit is %d; leave out columns that are not needed.", len(out), event.MaxMessageBytes)
	}
	return out, nil
}

// ContentHash returns the SHA-256 of the row's canonical form in hexadecimal.
// Only rows of JSON values that EncodeRow accepts are told apart reliably.
func ContentHash(row Row) string {
	out, _ := appendValue(make([]byte, 0, 32*len(row)+2), map[string]any(row), 1)
	return hash(out)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// appendValue appends a value's canonical JSON and reports whether the value can
// be read back. It goes on after a mistake so that ContentHash is total.
func appendValue(out []byte, v any, depth int) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return append(out, "null"...), true
	case bool:
		if v {
			return append(out, "true"...), true
		}
		return append(out, "false"...), true
	case string:
		return appendString(out, v)
	case json.Number:
		return append(out, v...), isJSONNumber(v.String())
	case []any:
		return appendList(out, v, depth)
	case Row:
		return appendObject(out, v, depth)
	case map[string]any:
		return appendObject(out, v, depth)
	}
	return append(out, "null"...), false
}

func appendList(out []byte, list []any, depth int) ([]byte, bool) {
	if depth > event.MaxDepth {
		return append(out, "null"...), false
	}
	sound, ok := true, true
	out = append(out, '[')
	for i, item := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out, ok = appendValue(out, item, depth+1)
		sound = sound && ok
	}
	return append(out, ']'), sound
}

func appendObject(out []byte, object map[string]any, depth int) ([]byte, bool) {
	if depth > event.MaxDepth {
		return append(out, "null"...), false
	}
	keys := make([]string, 0, len(object))
	for k := range object {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	sound, ok := true, true
	out = append(out, '{')
	for i, k := range keys {
		if i > 0 {
			out = append(out, ',')
		}
		out, ok = appendString(out, k)
		sound = sound && ok
		out = append(out, ':')
		out, ok = appendValue(out, object[k], depth+1)
		sound = sound && ok
	}
	return append(out, '}'), sound
}

const hexDigits = "0123456789abcdef"

func appendString(out []byte, s string) ([]byte, bool) {
	sound := utf8.ValidString(s)
	out = append(out, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[start:i]...)
		start = i + 1
		if c == '"' || c == '\\' {
			out = append(out, '\\', c)
			continue
		}
		sound = sound && c != 0
		out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	out = append(out, s[start:]...)
	return append(out, '"'), sound
}

// maxKeyBytes keeps keys within what every driver can index (PostgreSQL's
// B-tree ends at 2,704 bytes).
const maxKeyBytes = 512

// Key returns the row's key: the texts of the mapping's key columns, joined by
// "|" with "\" before every "|" and "\" inside of them, so that no two keys fall
// together. A key over 512 bytes becomes "sha256:" and its hash. Without key
// columns, or when none of them has a value, it is the row's ContentHash:
// otherwise all rows without a key would overwrite one another (I2).
func (c *Compiled) Key(row Row) string {
	var b strings.Builder
	empty := true
	for i, column := range c.key {
		if i > 0 {
			b.WriteByte('|')
		}
		part := text(row[column])
		if part != "" {
			empty = false
		}
		escapeKey(&b, part)
	}
	switch {
	case empty:
		return ContentHash(row)
	case b.Len() > maxKeyBytes:
		return "sha256:" + hash([]byte(b.String()))
	}
	return b.String()
}

func escapeKey(b *strings.Builder, part string) {
	for i := 0; i < len(part); i++ {
		if part[i] == '|' || part[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(part[i])
	}
}

// text returns any value as text: "" for nil, JSON for lists and objects.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	out, _ := appendValue(nil, v, 1)
	return string(out)
}

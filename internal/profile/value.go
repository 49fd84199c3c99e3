package profile

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// null is the canonical JSON of an explicit null.
const null = "null"

var (
	wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.0+)?$`)
	jsonNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
)

// coerce returns the canonical JSON of a value as the type wants it, false if it
// cannot be had without guessing: text that spells a number, a whole number
// written 5.0, a number where text is wanted, a date out of a timestamp (the
// day as written) and a timestamp out of a date (midnight UTC) are converted.
// Timestamps are kept in UTC. Null fits every type.
func coerce(kind string, v any) (string, bool) {
	if v == nil {
		return null, true
	}
	text, isText := v.(string)
	if n, ok := v.(json.Number); ok {
		if !jsonNumber.MatchString(string(n)) {
			return "", false
		}
		text, isText = string(n), kind != "boolean" && kind != "date" && kind != "timestamp"
	}
	switch kind {
	case "":
		return encode(v)
	case "string":
		return quote(text), isText
	case "integer":
		whole, _, _ := strings.Cut(text, ".")
		if whole == "-0" {
			whole = "0"
		}
		return whole, isText && wholeNumber.MatchString(text)
	case "number":
		return text, isText && jsonNumber.MatchString(text)
	case "boolean":
		if b, ok := v.(bool); ok {
			return map[bool]string{true: "true", false: "false"}[b], true
		}
		return text, isText && (text == "true" || text == "false")
	case "date":
		t, ok := instant(text)
		return quote(t.Format(time.DateOnly)), ok && isText
	case "timestamp":
		t, ok := instant(text)
		return quote(t.UTC().Format(time.RFC3339Nano)), ok && isText
	}
	return "", false
}

// instant reads an RFC 3339 timestamp or a date.
func instant(text string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// encode is JSON with sorted keys and without HTML escapes; false for what is
// not JSON.
func encode(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return quote(v), true
	case bool, json.Number, []any, map[string]any:
	default:
		return "", false
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return "", false
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}

// quote is the JSON of a text.
func quote(s string) string {
	if plain(s) { // most is, and need not go through an encoder
		return `"` + s + `"`
	}
	return quoteSlowly(s)
}

// plain reports whether a text is its own JSON between quotation marks.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func quoteSlowly(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // text always encodes; bad UTF-8 becomes U+FFFD
	return strings.TrimSuffix(b.String(), "\n")
}

// parse is the inverse of encode: numbers stay json.Number.
func parse(raw string) any {
	switch {
	case raw == "" || raw == null:
		return nil
	case raw == "true":
		return true
	case raw == "false":
		return false
	case raw[0] == '-' || (raw[0] >= '0' && raw[0] <= '9'):
		return json.Number(raw)
	case raw[0] == '"' && !strings.Contains(raw, `\`):
		return raw[1 : len(raw)-1]
	}
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

package source

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The types a column can be given.
const (
	typeString    = "string"
	typeInteger   = "integer"
	typeNumber    = "number"
	typeBoolean   = "boolean"
	typeDate      = "date"
	typeTimestamp = "timestamp"
)

// coercion turns one column's cells into values of a type.
type coercion struct {
	column  string
	kind    string // one of the types above, or "" for as it comes
	suffix  string
	formats []string
	zone    *time.Location
}

// outcome is what became of a cell.
type outcome int

const (
	absent outcome = iota // an empty cell
	taken
	unfit // not of the type
)

// of reads the row's cell. A cell that is unfit is returned as it came.
func (c *coercion) of(row Row) (any, outcome) {
	v, present := row[c.column]
	if !present || v == nil || v == "" {
		return nil, absent
	}
	cut := c.cutSuffix(v)
	if cut == "" {
		return nil, absent
	}
	if c.kind == "" {
		return cut, taken
	}
	if s, ok := cut.(string); ok && c.kind != typeString && strings.TrimSpace(s) == "" {
		return nil, absent
	}
	if out, ok := c.convert(cut); ok {
		return out, taken
	}
	return v, unfit
}

func (c *coercion) cutSuffix(v any) any {
	if c.suffix == "" {
		return v
	}
	switch v := v.(type) {
	case string:
		return strings.TrimSuffix(v, c.suffix)
	case json.Number:
		cut := strings.TrimSuffix(v.String(), c.suffix)
		if isJSONNumber(cut) {
			return json.Number(cut)
		}
		return cut
	}
	return v
}

func (c *coercion) convert(v any) (any, bool) {
	switch v.(type) {
	case string, json.Number, bool:
	default:
		return nil, false // lists and objects have no type of a cell
	}
	s := text(v)
	switch c.kind {
	case typeString:
		return s, true
	case typeInteger:
		return number(v, s, integer)
	case typeNumber:
		return number(v, s, decimal)
	case typeBoolean:
		return boolean(s)
	case typeDate:
		t, ok := parseTime(s, c.formats, c.zone)
		return t.Format(time.DateOnly), ok
	case typeTimestamp:
		t, ok := parseTime(s, c.formats, c.zone)
		return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano), ok
	}
	return nil, false
}

func number(v any, s string, read func(string) (string, bool)) (any, bool) {
	if _, isBool := v.(bool); isBool {
		return nil, false
	}
	out, ok := read(strings.TrimSpace(s))
	return json.Number(out), ok
}

func boolean(s string) (any, bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "yes", "1", "y", "t":
		return true, true
	case "false", "no", "0", "n", "f":
		return false, true
	}
	return nil, false
}

// decimal rewrites a decimal number by JSON's grammar and keeps its digits:
// "+07.50" → "7.50", ".5" → "0.5", "5." → "5". Thousands separators, NaN and
// infinities are no numbers: "1,234" means two things in two countries.
func decimal(s string) (string, bool) {
	sign := ""
	switch {
	case strings.HasPrefix(s, "-"):
		sign, s = "-", s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i:]
		digits := strings.TrimLeft(exponent[1:], "+-")
		if len(exponent)-len(digits) > 2 || !allDigits(digits) {
			return "", false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole == "" && fraction == "" || whole != "" && !allDigits(whole) || fraction != "" && !allDigits(fraction) {
		return "", false
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction + exponent, true
}

// maxIntegerExponent bounds how far "1e9" is written out.
const maxIntegerExponent = 64

// integer rewrites a whole number in plain digits; 3.0 and 1e3 are whole numbers.
func integer(s string) (string, bool) {
	s, ok := decimal(s)
	if !ok {
		return "", false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		exponent, err := strconv.Atoi(s[i+1:])
		if err != nil || exponent > maxIntegerExponent || exponent < -maxIntegerExponent {
			return "", false
		}
		exact, ok := new(big.Rat).SetString(s)
		if !ok || !exact.IsInt() {
			return "", false
		}
		return exact.Num().String(), true
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.Trim(fraction, "0") != "" {
		return "", false
	}
	if whole == "-0" {
		whole = "0"
	}
	return whole, true
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isJSONNumber reports whether s is a number by JSON's grammar.
func isJSONNumber(s string) bool {
	rewritten, ok := decimal(s)
	return ok && rewritten == s && !strings.HasPrefix(s, "+")
}

// shape describes a value without repeating it (I12).
func shape(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("text of %d characters", utf8.RuneCountInString(v))
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "no value"
}

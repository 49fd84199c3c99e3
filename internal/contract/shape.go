package contract

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Shape describes a value without giving it away (I12): its kind and size,
// such as "text of 12 characters" or "whole number of 3 digits, negative".
func Shape(v any) string {
	switch v := v.(type) {
	case nil:
		return "missing"
	case bool:
		return "true or false"
	case string:
		if v == "" {
			return "empty text"
		}
		return "text of " + count(utf8.RuneCountInString(v), "character")
	case json.Number:
		return numberShape(string(v))
	case []any:
		return fmt.Sprintf("list of %d", len(v))
	case map[string]any:
		return "object of " + count(len(v), "field")
	}
	return "something that is not a JSON value"
}

func numberShape(s string) string {
	n, ok := parseNumber(s)
	if !ok {
		return "malformed number"
	}
	mantissa, _, scientific := strings.Cut(strings.ToLower(s), "e")
	digits := 0
	for i := range len(mantissa) {
		if isDigit(mantissa[i]) {
			digits++
		}
	}
	shape := "decimal number of "
	if n.whole() {
		shape = "whole number of "
	}
	shape += count(digits, "digit")
	if scientific {
		shape += " and an exponent"
	}
	if strings.HasPrefix(s, "-") {
		shape += ", negative"
	}
	return shape
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

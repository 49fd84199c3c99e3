package audience

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// The operators of TraitTest and PropertyTest.
//
// A missing value and null are the same, and a list or an object equals
// nothing. Every test is either true or false, never unknown: isNot, notIn and
// notExists are the plain opposites of is, in and exists, so they hold for a
// missing value; every other operator is false for a missing value and for a
// value of another type than it compares. A number in quotes is text, not a number.
const (
	opIs         = "is"
	opIsNot      = "isNot"
	opIn         = "in"
	opNotIn      = "notIn"
	opGt         = "gt"
	opGte        = "gte"
	opLt         = "lt"
	opLte        = "lte"
	opContains   = "contains"   // part of a text, or one whole element of a list
	opStartsWith = "startsWith" // case counts, as everywhere
	opExists     = "exists"
	opNotExists  = "notExists"
	opBefore     = "before" // strictly; RFC 3339 times, or dates, which begin at midnight UTC
	opAfter      = "after"  // strictly
)

// shape is the kind of value that an operator compares with.
type shape string

const (
	shapeNone   shape = "no value"
	shapeScalar shape = "a text, a number, true or false"
	shapeList   shape = "a list of texts, numbers, true or false"
	shapeNumber shape = "a number"
	shapeText   shape = "a text"
	shapeTime   shape = "a time such as 2026-03-01T00:00:00Z or a date such as 2026-03-01"
)

var operators = map[string]shape{
	opIs: shapeScalar, opIsNot: shapeScalar,
	opIn: shapeList, opNotIn: shapeList,
	opGt: shapeNumber, opGte: shapeNumber, opLt: shapeNumber, opLte: shapeNumber,
	opContains: shapeScalar, opStartsWith: shapeText,
	opExists: shapeNone, opNotExists: shapeNone,
	opBefore: shapeTime, opAfter: shapeTime,
}

var operatorNames = func() []string {
	names := make([]string, 0, len(operators))
	for name := range operators {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}()

// operatorWords are what people write instead, where spelling alone would not lead to the operator.
var operatorWords = map[string]string{
	"=": opIs, "==": opIs, "eq": opIs, "equals": opIs, "equal": opIs,
	"!=": opIsNot, "<>": opIsNot, "ne": opIsNot, "neq": opIsNot, "notequals": opIsNot,
	">": opGt, ">=": opGte, "<": opLt, "<=": opLte,
	"ge": opGte, "le": opLte, "greaterthan": opGt, "lessthan": opLt,
	"isset": opExists, "set": opExists, "isnotset": opNotExists, "missing": opNotExists, "oneof": opIn,
	"includes": opContains, "prefix": opStartsWith, "beginswith": opStartsWith,
}

// maxListed bounds the values of one in or notIn.
const maxListed = 1000

// literal is the value of a test, parsed. Which field counts follows from kind.
type literal struct {
	kind   shape // shapeText, shapeNumber, shapeTime, shapeList, shapeScalar for true and false
	text   string
	number number
	truth  bool
	time   time.Time
	list   []literal
}

// valueTest is a parsed TraitTest or PropertyTest without its name.
type valueTest struct {
	op   string
	want literal
}

func compileValue(op string, raw json.RawMessage) (valueTest, error) {
	want, err := parseLiteral(operators[op], raw)
	return valueTest{op: op, want: want}, err
}

// parseLiteral reads the value that an operator needs. The error's text is the
// rest of a sentence that begins with the operator.
func parseLiteral(needs shape, raw json.RawMessage) (literal, error) {
	given := len(raw) > 0 && string(bytes.TrimSpace(raw)) != "null"
	if needs == shapeNone {
		if given {
			return literal{}, fmt.Errorf("takes no value; remove it")
		}
		return literal{}, nil
	}
	wrong := fmt.Errorf("needs %s as its value", needs)
	if !given {
		return literal{}, wrong
	}
	var v any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&v) != nil || decoder.More() {
		return literal{}, wrong
	}
	if needs == shapeList {
		return parseList(v, wrong)
	}
	return parseOne(needs, v, wrong)
}

func parseList(v any, wrong error) (literal, error) {
	elements, ok := v.([]any)
	if !ok || len(elements) == 0 {
		return literal{}, wrong
	}
	if len(elements) > maxListed {
		return literal{}, fmt.Errorf("lists more than %d values; use a trait that says the same", maxListed)
	}
	out := literal{kind: shapeList, list: make([]literal, 0, len(elements))}
	for _, e := range elements {
		one, err := parseOne(shapeScalar, e, wrong)
		if err != nil {
			return literal{}, err
		}
		out.list = append(out.list, one)
	}
	return out, nil
}

func parseOne(needs shape, v any, wrong error) (literal, error) {
	var out literal
	switch v := v.(type) {
	case bool:
		out = literal{kind: shapeScalar, truth: v}
	case string:
		out = literal{kind: shapeText, text: v}
	case json.Number:
		n, ok := parseNumber(string(v))
		if !ok {
			return literal{}, fmt.Errorf("has a number that is too large; use at most %d digits", maxNumberText)
		}
		out = literal{kind: shapeNumber, number: n}
	default:
		return literal{}, wrong
	}
	if needs == shapeTime && out.kind == shapeText {
		if t, ok := parseTime(out.text); ok {
			return literal{kind: shapeTime, time: t}, nil
		}
		return literal{}, wrong
	}
	if needs != shapeScalar && needs != out.kind {
		return literal{}, wrong
	}
	return out, nil
}

// parseTime reads an RFC 3339 time, or a date as its midnight in UTC.
func parseTime(text string) (time.Time, bool) {
	layout := time.RFC3339Nano
	if len(text) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, text)
	return t, err == nil
}

// holds compares a JSON value, nil when missing.
func (t *valueTest) holds(actual any) bool {
	switch t.op {
	case opExists:
		return actual != nil
	case opNotExists:
		return actual == nil
	case opIs:
		return t.want.equals(actual)
	case opIsNot:
		return !t.want.equals(actual)
	case opIn:
		return t.want.lists(actual)
	case opNotIn:
		return !t.want.lists(actual)
	case opContains:
		return t.want.isIn(actual)
	case opStartsWith:
		text, ok := actual.(string)
		return ok && strings.HasPrefix(text, t.want.text)
	case opBefore, opAfter:
		return t.holdsTime(actual)
	}
	return t.holdsOrder(actual)
}

func (t *valueTest) holdsTime(actual any) bool {
	text, ok := actual.(string)
	if !ok {
		return false
	}
	at, ok := parseTime(text)
	if !ok {
		return false
	}
	if t.op == opBefore {
		return at.Before(t.want.time)
	}
	return at.After(t.want.time)
}

func (t *valueTest) holdsOrder(actual any) bool {
	n, ok := numberOf(actual)
	if !ok {
		return false
	}
	order := n.cmp(t.want.number)
	switch t.op {
	case opGt:
		return order > 0
	case opGte:
		return order >= 0
	case opLt:
		return order < 0
	case opLte:
		return order <= 0
	}
	return false
}

// equals compares within one type: numbers by value (1 equals 1.0), texts by bytes.
func (l *literal) equals(actual any) bool {
	switch actual := actual.(type) {
	case string:
		return l.kind == shapeText && l.text == actual
	case bool:
		return l.kind == shapeScalar && l.truth == actual
	}
	if l.kind != shapeNumber {
		return false
	}
	n, ok := numberOf(actual)
	return ok && n.cmp(l.number) == 0
}

func (l *literal) lists(actual any) bool {
	for i := range l.list {
		if l.list[i].equals(actual) {
			return true
		}
	}
	return false
}

func (l *literal) isIn(actual any) bool {
	switch actual := actual.(type) {
	case string:
		return l.kind == shapeText && strings.Contains(actual, l.text)
	case []any:
		for _, e := range actual {
			if l.equals(e) {
				return true
			}
		}
	}
	return false
}

// lookup follows a dotted path through objects; nil when there is nothing.
func lookup(object map[string]any, path string) any {
	for {
		head, rest, nested := strings.Cut(path, ".")
		if !nested {
			return object[path]
		}
		inner, ok := object[head].(map[string]any)
		if !ok {
			return nil
		}
		object, path = inner, rest
	}
}

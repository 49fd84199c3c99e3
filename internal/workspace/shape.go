package workspace

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/contract"
	"parley/internal/fault"
	"parley/internal/source"
	"parley/internal/suggest"
)

// shaper compares a document with the Go type it is meant for. The standard
// decoder would do, but it stops at the first mistake, takes Name for name, and
// names no place within types that decode themselves.
type shaper struct{ problems []fault.Problem }

func (s *shaper) wrong(path, format string, args ...any) {
	s.problems = append(s.problems, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

var (
	anyJSON    = reflect.TypeFor[json.RawMessage]()
	jsonDigits = reflect.TypeFor[json.Number]()
	instant    = reflect.TypeFor[time.Time]()
	column     = reflect.TypeFor[source.Column]()
	kept       = reflect.TypeFor[contract.Kept]()
)

// check notes every place at which v does not fit t. Nothing written fits all.
func (s *shaper) check(v value, t reflect.Type, path string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if v.form == null || t == anyJSON {
		return
	}
	switch {
	case t == jsonDigits:
		s.expect(v, number, path)
	case t == instant:
		s.instant(v, path)
	case t == column && v.form == text:
	case t.Kind() == reflect.Struct:
		if s.expect(v, group, path) {
			s.fields(v, t, path)
		}
	case t.Kind() == reflect.Slice:
		if s.expect(v, list, path) {
			for i, item := range v.items {
				s.element(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
			}
		}
	case t.Kind() == reflect.Map:
		if s.expect(v, group, path) {
			for _, f := range v.fields {
				s.element(f.value, t.Elem(), path+"."+f.name)
			}
		}
	default:
		s.scalar(v, t, path)
	}
}

// element is check for what must not be left empty.
func (s *shaper) element(v value, t reflect.Type, path string) {
	if v.form == null && t != anyJSON {
		s.wrong(path, "There is nothing here; fill it in or remove it.")
		return
	}
	s.check(v, t, path)
}

func (s *shaper) expect(v value, want form, path string) bool {
	if v.form == want {
		return true
	}
	hint := ""
	switch {
	case want == text && (v.form == number || v.form == truth):
		hint = "; put it in quotes"
	case want == list && v.form != group:
		hint = "; put it in brackets, [like, this]"
	case want == list:
		hint = "; begin each entry with a dash"
	case want == number && v.form == text:
		hint = "; write plain digits without quotes"
	case want == truth && v.form == text:
		hint = "; write true or false without quotes"
	case want == group:
		hint = "; write its fields as name: value"
	}
	s.wrong(path, "This should be %s, not %s%s.", want, v.form, hint)
	return false
}

func (s *shaper) scalar(v value, t reflect.Type, path string) {
	var err error
	switch t.Kind() {
	case reflect.String:
		s.expect(v, text, path)
	case reflect.Bool:
		s.expect(v, truth, path)
	case reflect.Float64:
		if s.expect(v, number, path) {
			_, err = strconv.ParseFloat(v.text, 64)
		}
	case reflect.Int, reflect.Int64:
		if s.expect(v, number, path) {
			_, err = strconv.ParseInt(v.text, 10, t.Bits())
		}
		if err != nil && strings.ContainsAny(v.text, ".eE") {
			s.wrong(path, "This should be a whole number such as 3, without a point or an exponent.")
			return
		}
	default:
		s.wrong(path, "This field cannot be written in a workspace; remove it.")
	}
	if err != nil {
		s.wrong(path, "The number is too large; write a smaller one.")
	}
}

func (s *shaper) instant(v value, path string) {
	var parser encoding.TextUnmarshaler = new(time.Time)
	if v.form != text || parser.UnmarshalText([]byte(v.text)) != nil {
		s.wrong(path, "Write the time with its zone, such as 2026-03-01T00:00:00Z or 2026-03-01T00:00:00+01:00.")
	}
}

func (s *shaper) fields(v value, t reflect.Type, path string) {
	known, open := fieldsOf(t)
	for _, f := range v.fields {
		at := f.name
		if path != "" {
			at = path + "." + f.name
		}
		if sub, ok := known[f.name]; ok {
			s.check(f.value, sub, at)
			continue
		}
		names := slices.Sorted(maps.Keys(known))
		// Even where a contract may hold more than we know, a name that differs
		// only in case is a slip, and the decoder would take it for ours.
		same := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, f.name) })
		if !open || same {
			s.wrong(at, "%s", unknown("field", f.name, names))
		}
	}
}

// fieldsOf returns the JSON fields of a struct, and whether it keeps others.
func fieldsOf(t reflect.Type) (known map[string]reflect.Type, open bool) {
	known = map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "-" {
			known[name] = f.Type
		}
		open = open || f.Type == kept
	}
	return known, open
}

// unknown is the sentence for a word that is none of the known ones.
func unknown(what, word string, known []string) string {
	sentence := fmt.Sprintf("There is no %s %q", what, clip(word))
	near := suggest.Nearest(word, known)
	switch {
	case near != "":
		return sentence + fmt.Sprintf("; did you mean %q?", near)
	case len(known) > 0 && len(known) <= 16:
		return sentence + "; there is " + strings.Join(known, ", ") + "."
	case len(known) > 0:
		return sentence + "; check its spelling."
	}
	return sentence + "; add it first."
}

// clip shortens a word for a sentence.
func clip(word string) string {
	const most = 60
	if runes := []rune(word); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return word
}

// Package ask decides which fields of a form need not be asked again, because
// the company holds the answer and may show it for the form's purpose.
//
// It never lets on that something is held but may not be used: to a form that is
// not allowed to know, a well-known customer looks like a stranger (I6).
package ask

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/fault"
)

// Form is one form document of the workspace.
type Form struct {
	Name    string  `json:"name"`
	Owner   string  `json:"owner"` // team
	Title   string  `json:"title,omitempty"`
	Purpose string  `json:"purpose"` // what the answers are used for; consent is asked for it
	Fields  []Field `json:"fields"`
}

// Field is one question of a form.
type Field struct {
	Name string `json:"name"`
	// From is where the answer may be held: trait.NAME or identifier.NAMESPACE.
	From string `json:"from"`
	// MaxAge is how old a held value may be, such as 365d, 12h, 2w or 90m; an
	// older one, or one of unknown age, is confirmed by asking. Empty: any age.
	MaxAge string `json:"maxAge,omitempty"`
}

// Value is something held about the visitor.
type Value struct {
	Value  any
	Source string
	Time   time.Time // when it was stated; zero if unknown
}

// Known is what is held about the visitor at a moment.
type Known struct {
	Now    time.Time
	Values map[string]Value // by Field.From
}

// KnownField is a value that may be shown.
type KnownField struct {
	Value  any       `json:"value"`
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
}

// Answer splits the requested fields: each is in Known or in Ask.
type Answer struct {
	Known   map[string]KnownField `json:"known"` // by field name; never nil
	Ask     []string              `json:"ask"`   // in the order requested; never nil
	Avoided int                   `json:"avoided"`
}

// Decide answers for the requested fields, or for all fields of the form if none
// is named; repeated names count once. allowed says whether the visitor's values
// may be used for the form's purpose (consent.Decide is the judge); if not, the
// answer is the one a stranger gets. A requested field that the form does not
// have is to be asked. An invalid MaxAge is met by no value.
func Decide(form Form, fields []string, known Known, allowed bool) Answer {
	answer := Answer{Known: map[string]KnownField{}, Ask: []string{}}
	if len(fields) == 0 {
		for _, f := range form.Fields {
			fields = append(fields, f.Name)
		}
	}
	seen := make(map[string]bool, len(fields))
	for _, name := range fields {
		if seen[name] {
			continue
		}
		seen[name] = true
		if v, ok := held(form, name, known); ok && allowed {
			answer.Known[name] = KnownField(v)
			continue
		}
		answer.Ask = append(answer.Ask, name)
	}
	answer.Avoided = len(answer.Known)
	return answer
}

// held returns the value for a field if there is one that is fresh enough.
func held(form Form, name string, known Known) (Value, bool) {
	i := slices.IndexFunc(form.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Value{}, false
	}
	f := form.Fields[i]
	v, ok := known.Values[f.From]
	if !ok || v.Value == nil || v.Value == "" {
		return Value{}, false
	}
	if f.MaxAge == "" {
		return v, true
	}
	most, valid := parseAge(f.MaxAge)
	return v, valid && !v.Time.IsZero() && known.Now.Sub(v.Time) <= most
}

var (
	fieldName = regexp.MustCompile(`^[\pL_][\pL\pN_.-]{0,99}$`)
	origin    = regexp.MustCompile(`^(trait|identifier)\.[^\s.]+$`)
)

// Validate returns every mistake in the document, none if it can be used. That
// the purpose, traits and namespaces exist is for the workspace to check.
func (f *Form) Validate() []fault.Problem {
	var problems []fault.Problem
	problem := func(path, format string, args ...any) {
		problems = append(problems, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	if strings.TrimSpace(f.Name) == "" {
		problem("name", "A form needs a name.")
	}
	if strings.TrimSpace(f.Owner) == "" {
		problem("owner", "A form needs an owner; name the team that answers for it.")
	}
	if strings.TrimSpace(f.Purpose) == "" {
		problem("purpose", "A form needs a purpose, for without one nothing may be shown; name a purpose of the workspace.")
	}
	if len(f.Fields) == 0 {
		problem("fields", "A form without fields asks nothing; add at least one.")
	}
	seen := map[string]bool{}
	for i, field := range f.Fields {
		path := fmt.Sprintf("fields[%d]", i)
		if !fieldName.MatchString(field.Name) {
			problem(path+".name", "A field needs a name that begins with a letter and has only letters, digits, _, . and -.")
		} else if seen[field.Name] {
			problem(path+".name", "The field %q occurs twice; keep one.", field.Name)
		}
		seen[field.Name] = true
		if !origin.MatchString(field.From) {
			problem(path+".from", "A field comes from trait.NAME or identifier.NAMESPACE; write one of them.")
		}
		if _, ok := parseAge(field.MaxAge); field.MaxAge != "" && !ok {
			problem(path+".maxAge", "An age is a whole number above 0 with m, h, d or w, such as 365d.")
		}
	}
	return problems
}

var ageUnits = map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// parseAge reads a length of time such as 365d; a day has 24 hours.
func parseAge(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	unit, known := ageUnits[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	if !known || err != nil || n == 0 || n > uint64(math.MaxInt64/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

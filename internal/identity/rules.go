package identity

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"parley/internal/event"
	"parley/internal/fault"
)

// junk values never identify anyone, in any namespace: SDKs and forms send them
// when they know nothing. Compared in lower case.
var junk = map[string]bool{
	"": true, "null": true, "nil": true, "none": true, "undefined": true, "unknown": true, "n/a": true, "na": true,
	"anonymous": true, "anon": true, "guest": true, "user": true, "test": true, "true": true, "false": true,
	"[object object]": true, "nan": true, "0": true, "-1": true, "-": true, "id": true, "not set": true, "(not set)": true,
	"00000000-0000-0000-0000-000000000000": true,
}

// MaxValue is the longest identifier, in bytes.
const MaxValue = 512

// Compiled is a set of rules ready for use. It is immutable.
type Compiled struct {
	byName map[string]*namespace
	order  []string // by priority, then name
}

type namespace struct {
	Namespace
	rank    int
	window  time.Duration // 0: ever
	blocked map[string]bool
}

var windowPattern = regexp.MustCompile(`^([1-9][0-9]{0,4})([mhdw])$`)

var windowUnits = map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

func parseWindow(s string) (time.Duration, bool) {
	if s == "" {
		return 0, true
	}
	m := windowPattern.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return time.Duration(n) * windowUnits[m[2]], err == nil
}

// Validate lists the mistakes in the rules.
func (r *Rules) Validate() []fault.Problem {
	var out []fault.Problem
	add := func(path, format string, args ...any) {
		out = append(out, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	if len(r.Namespaces) == 0 {
		add("namespaces", "Name at least one namespace, such as email.")
	}
	seen := map[string]bool{}
	for i, n := range r.Namespaces {
		at := fmt.Sprintf("namespaces[%d]", i)
		switch {
		case n.Name == "":
			add(at+".name", "Give the namespace a name.")
		case seen[n.Name]:
			add(at+".name", "The namespace %s stands twice; keep one.", n.Name)
		}
		seen[n.Name] = true
		if _, ok := normalisers[n.Normalise]; !ok {
			add(at+".normalise", "There is no normaliser %q; use none, trim, lower, email, phone or digits.", n.Normalise)
		}
		if n.Limit < 0 {
			add(at+".limit", "A limit is a number of values from 1; leave it out for no limit.")
		}
		if _, ok := parseWindow(n.Window); !ok {
			add(at+".window", "A window is a number and a unit, such as 30d or 12h.")
		}
		if n.Window != "" && n.Limit == 0 {
			add(at+".window", "A window needs a limit to restrict.")
		}
	}
	return out
}

// Compile prepares the rules; it fails with the first mistake.
func (r *Rules) Compile() (*Compiled, error) {
	if p := r.Validate(); len(p) > 0 {
		return nil, fault.New(fault.Invalid, "identity.compile", "%s: %s", p[0].Path, p[0].Message)
	}
	c := &Compiled{byName: map[string]*namespace{}}
	for _, n := range r.Namespaces {
		ns := &namespace{Namespace: n, blocked: map[string]bool{}}
		ns.window, _ = parseWindow(n.Window)
		for _, b := range n.Blocked {
			ns.blocked[normalisers[n.Normalise](b)] = true
		}
		c.byName[n.Name] = ns
		c.order = append(c.order, n.Name)
	}
	sort.Slice(c.order, func(i, j int) bool {
		a, b := c.byName[c.order[i]], c.byName[c.order[j]]
		if a.Priority != b.Priority {
			return a.Priority < b.Priority
		}
		return a.Name < b.Name
	})
	for i, name := range c.order {
		c.byName[name].rank = i
	}
	return c, nil
}

// normalisers make spellings of one identifier equal. An empty result means the
// value identifies nobody.
var normalisers = map[string]func(string) string{
	"":       strings.TrimSpace,
	"trim":   strings.TrimSpace,
	"none":   func(s string) string { return s },
	"lower":  func(s string) string { return strings.ToLower(strings.TrimSpace(s)) },
	"email":  normaliseEmail,
	"phone":  normalisePhone,
	"digits": normaliseDigits,
}

func normaliseEmail(s string) string {
	s = strings.ToLower(strings.TrimSpace(norm.NFKC.String(s)))
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 || strings.ContainsAny(s, " \t\r\n") {
		return ""
	}
	return s
}

// normalisePhone gives E.164; a number without a country code is not an
// identifier, because nobody knows whose it is.
func normalisePhone(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "00") {
		s = "+" + s[2:]
	}
	if !strings.HasPrefix(s, "+") {
		return ""
	}
	n, err := phonenumbers.Parse(s, "")
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return ""
	}
	return phonenumbers.Format(n, phonenumbers.E164)
}

func normaliseDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// Dropped is a claimed identifier that identifies nobody, and why. It holds no value (I12).
type Dropped struct {
	Namespace string `json:"namespace"`
	Reason    string `json:"reason"` // undeclared, malformed, blocked
}

// Normalise returns the usable identifiers in the order in which they anchor an
// event (priority, then namespace, then value), without repetitions, and what
// was dropped.
func (c *Compiled) Normalise(claimed []event.Identifier) (usable []event.Identifier, dropped []Dropped) {
	seen := make(map[event.Identifier]bool, len(claimed))
	for _, id := range claimed {
		ns, ok := c.byName[id.Namespace]
		if !ok {
			dropped = append(dropped, Dropped{id.Namespace, "undeclared"})
			continue
		}
		value, reason := ns.normalise(id.Value)
		if reason != "" {
			dropped = append(dropped, Dropped{id.Namespace, reason})
			continue
		}
		n := event.Identifier{Namespace: id.Namespace, Value: value}
		if !seen[n] {
			seen[n] = true
			usable = append(usable, n)
		}
	}
	sort.Slice(usable, func(i, j int) bool {
		a, b := usable[i], usable[j]
		if a.Namespace != b.Namespace {
			return c.byName[a.Namespace].rank < c.byName[b.Namespace].rank
		}
		return a.Value < b.Value
	})
	return usable, dropped
}

func (n *namespace) normalise(value string) (normal, reason string) {
	if len(value) > MaxValue || !utf8.ValidString(value) || strings.ContainsFunc(value, isControl) {
		return "", "malformed"
	}
	if junk[strings.ToLower(strings.TrimSpace(value))] {
		return "", "blocked"
	}
	normal = normalisers[n.Normalise](value)
	switch {
	case normal == "":
		return "", "malformed"
	case n.blocked[normal], junk[normal]:
		return "", "blocked"
	}
	return normal, ""
}

func isControl(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }

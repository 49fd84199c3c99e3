package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"parley/client"
)

type peopleCommand struct {
	Get peopleGetCommand `cmd:"" help:"Show one person."`
}

type peopleGetCommand struct {
	Identifier string `arg:"" name:"namespace:value" help:"An identifier of the person, such as email:ada@example.org."`
	Why        bool   `help:"Say which claims join the person, and why they are in an audience or not."`
}

// Run shows one person.
func (c *peopleGetCommand) Run(ctx context.Context, s *session) (err error) {
	namespace, value, ok := strings.Cut(c.Identifier, ":")
	if !ok || namespace == "" || value == "" {
		return &usageError{"An identifier is written NAMESPACE:VALUE, such as email:ada@example.org."}
	}
	api, done, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	person, err := api.Person(ctx, namespace, value, c.Why)
	if err != nil {
		return err
	}
	return s.print(person, personTable(person))
}

func personTable(p client.Person) *table {
	t := &table{head: []string{"", "NAME", "VALUE", "FROM", "SINCE"}}
	for _, i := range p.Identifiers {
		t.row("identifier", i.Namespace, i.Value, "", instant(i.FirstSeen))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Traits)) {
		v := p.Traits[name]
		t.row("trait", name, fmt.Sprint(v.Value), v.Source+" "+v.Event, instant(v.Time))
	}
	for _, purpose := range slices.Sorted(maps.Keys(p.Consents)) {
		v := p.Consents[purpose]
		t.row("consent", purpose, v.Stand, v.Source, instant(v.Time))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Audiences)) {
		t.row("audience", name, "member", "", instant(p.Audiences[name]))
	}
	t.say("Person %d, first seen %s, last seen %s.", p.ID, instant(p.FirstSeen), instant(p.LastSeen))
	if p.Why != nil {
		why(t, p.Why)
	}
	return t
}

func why(t *table, w *client.PersonWhy) {
	t.say("")
	t.say("Why these identifiers are one person:")
	for _, a := range w.Assertions {
		line := fmt.Sprintf("  %s:%s is %s:%s, says %s (%s, event %s)", a.A.Namespace, a.A.Value, a.B.Namespace, a.B.Value,
			a.Source, plural(a.Count, "time", "times"), a.Event)
		if a.Refused != "" {
			line += "; refused: " + a.Refused
		}
		t.say("%s", line)
	}
	if len(w.Assertions) == 0 {
		t.say("  No source has joined two identifiers.")
	}
	t.say("Why in an audience or not:")
	for _, name := range slices.Sorted(maps.Keys(w.Audiences)) {
		explain(t, name+": ", w.Audiences[name], 1)
	}
}

// explain writes an explanation and, indented, its parts.
func explain(t *table, label string, e client.Explanation, depth int) {
	mark := "no "
	if e.Holds {
		mark = "yes"
	}
	line := strings.Repeat("  ", depth) + mark + " " + label + e.Condition
	if e.Evidence != nil && e.Evidence.Count > 0 {
		line += fmt.Sprintf(" (%s found)", plural(e.Evidence.Count, "event", "events"))
	}
	if !e.Next.IsZero() {
		line += "; may change " + instant(e.Next)
	}
	t.say("%s", line)
	for _, part := range e.Parts {
		explain(t, "", part, depth+1)
	}
}

// instant is a time as people compare it; empty for none.
func instant(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04:05Z")
}

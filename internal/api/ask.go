package api

import (
	"context"
	"net/http"
	"sort"
	"strings"
	"time"

	"parley/internal/ask"
	"parley/internal/auth"
	"parley/internal/consent"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/state"
	"parley/internal/workspace"
)

// AskBook is the book of what the ask API showed and withheld (I7).
const AskBook = "ask"

// AskRequest names a form and who is in front of it.
type AskRequest struct {
	Form    string           `json:"form" minLength:"1"`
	Visitor event.Identifier `json:"visitor"`
	Fields  []string         `json:"fields,omitempty" maxItems:"200" doc:"Fields to answer for; none: all of the form."`
	Asked   bool             `json:"asked,omitempty" doc:"The form has asked for these fields already: count those that were held as repeated asks."`
}

// AskAnswer splits the fields into those held and those to be asked.
type AskAnswer struct {
	Known    map[string]AskKnown `json:"known" doc:"What is held and may be shown for the form's purpose."`
	Ask      []string            `json:"ask" doc:"What has to be asked."`
	Avoided  int                 `json:"avoided" doc:"Questions that this answer spares the visitor."`
	Repeated int                 `json:"repeated" doc:"Questions that were asked although the answer was held."`
}

// AskKnown is a value held.
type AskKnown struct {
	Value  any       `json:"value"`
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
}

type askInput struct{ Body AskRequest }

func (s *service) asks() {
	register(s, operation{id: "ask", method: http.MethodPost, path: "/v1/ask", tag: "ask", roles: []auth.Role{auth.Ask},
		summary:     "Which fields of a form need not be asked again",
		description: "A visitor who did not allow the form's purpose gets the answer of a stranger: everything is to be asked."}, s.ask)
}

// asking is one request being answered.
type asking struct {
	form    *ask.Form
	fields  []string
	purpose *consent.Purpose
	person  int64
	known   ask.Known
	verdict consent.Decision
	answer  ask.Answer
}

func (s *service) ask(ctx context.Context, in *askInput) (AskAnswer, error) {
	ws, err := s.current("api.ask")
	if err != nil {
		return AskAnswer{}, err
	}
	form := ws.Forms[in.Body.Form]
	if form == nil {
		return AskAnswer{}, fault.New(fault.NotFound, "api.ask", "The workspace has no form of this name.")
	}
	a := &asking{form: form, fields: known(form, in.Body.Fields), purpose: ws.Purposes[form.Purpose]}
	err = s.Store.View(ctx, func(tx *state.Tx) error { return a.look(ctx, tx, ws, in.Body.Visitor) })
	if err != nil {
		return AskAnswer{}, err
	}
	a.answer = ask.Decide(*form, in.Body.Fields, a.known, a.verdict.Allowed)
	if err := s.record(ctx, a, in.Body.Asked); err != nil {
		return AskAnswer{}, err
	}
	out := AskAnswer{Known: make(map[string]AskKnown, len(a.answer.Known)), Ask: a.answer.Ask, Avoided: a.answer.Avoided}
	for name, v := range a.answer.Known {
		out.Known[name] = AskKnown(v)
	}
	if in.Body.Asked {
		out.Avoided, out.Repeated = 0, a.answer.Avoided
	}
	return out, nil
}

// known leaves only the form's own fields: others are answered with "ask", but
// their names are the sender's and never reach the counts.
func known(form *ask.Form, requested []string) []string {
	wanted := map[string]bool{}
	for _, name := range requested {
		wanted[name] = true
	}
	var out []string
	for _, f := range form.Fields {
		if len(requested) == 0 || wanted[f.Name] {
			out = append(out, f.Name)
		}
	}
	return out
}

// look gathers what is held about the visitor. Nobody known is no error: a
// stranger is asked everything.
func (a *asking) look(ctx context.Context, tx *state.Tx, ws *workspace.Compiled, visitor event.Identifier) error {
	progress, err := tx.Progress(ctx)
	if err != nil {
		return err
	}
	a.known = ask.Known{Now: progress.Clock, Values: map[string]ask.Value{}}
	f, err := find(ctx, tx, ws, visitor)
	if kind := fault.KindOf(err); err != nil && (kind == fault.NotFound || kind == fault.Invalid) {
		return nil
	}
	if err != nil {
		return err
	}
	a.person = f.id
	if a.purpose != nil {
		a.verdict = consent.Decide(a.purpose, f.doc.Consents.State()[a.purpose.Name], []string{a.purpose.Name})
	}
	sources, err := statedBy(ctx, tx, f)
	if err != nil {
		return err
	}
	for _, field := range a.form.Fields {
		kind, name, _ := strings.Cut(field.From, ".")
		if kind == "identifier" {
			if v, ok := latest(f.nodes, name, sources); ok {
				a.known.Values[field.From] = v
			}
			continue
		}
		if value, from, ok := f.doc.Profile.Value(ws.Person.Traits, name); ok {
			a.known.Values[field.From] = ask.Value{Value: value, Source: from.Source, Time: from.Time}
		}
	}
	return nil
}

// statedBy returns which source first tied each identifier to another.
func statedBy(ctx context.Context, tx *state.Tx, f *found) (map[event.Identifier]string, error) {
	claims, err := tx.AssertionsOf(ctx, f.identifiers())
	out := map[event.Identifier]string{}
	for _, c := range claims {
		for _, id := range []event.Identifier{c.A, c.B} {
			if out[id] == "" && c.Refused == "" {
				out[id] = c.Source
			}
		}
	}
	return out, err
}

// latest returns the identifier of a namespace that was first seen last; nodes
// are sorted by value, so a tie goes to the lowest.
func latest(nodes []state.Identifier, namespace string, sources map[event.Identifier]string) (ask.Value, bool) {
	var best *state.Identifier
	for i := range nodes {
		if n := &nodes[i]; n.Namespace == namespace && (best == nil || n.FirstSeen.After(best.FirstSeen)) {
			best = n
		}
	}
	if best == nil {
		return ask.Value{}, false
	}
	return ask.Value{Value: best.Value, Source: sources[best.Identifier], Time: best.FirstSeen}, true
}

// record counts the asks and enters what was shown, or held but withheld, into
// the book. Nothing is shown that could not be recorded (I7), so a failure here
// fails the request. Only a release waits for the disk.
func (s *service) record(ctx context.Context, a *asking, asked bool) error {
	now := s.Clock.Now()
	counts := map[state.AskKey]int64{}
	for _, name := range a.fields {
		outcome := "asked"
		if _, held := a.answer.Known[name]; held {
			if outcome = "avoided"; asked {
				outcome = "repeated"
			}
		}
		counts[state.AskKey{Form: a.form.Name, Day: now.Truncate(24 * time.Hour), Field: name, Outcome: outcome}]++
	}
	line := state.Disclosure{At: now, Person: a.person, Activation: "form:" + a.form.Name, Purpose: a.form.Purpose}
	durability := state.Replayable
	var lines []state.Disclosure
	switch {
	case len(a.answer.Known) > 0:
		line.Decision, line.Ground = "released", a.verdict.Ground+" ("+strings.Join(names(a.answer.Known), ", ")+")"
		lines, durability = []state.Disclosure{line}, state.Durable
	case !a.verdict.Allowed && ask.Decide(*a.form, a.fields, a.known, true).Avoided > 0:
		line.Decision, line.Ground = "refused", a.verdict.Reason
		lines = []state.Disclosure{line}
	}
	return s.Store.Update(ctx, durability, func(tx *state.Tx) error {
		if err := tx.AddAsks(ctx, counts); err != nil {
			return err
		}
		return tx.AppendDisclosures(ctx, AskBook, lines)
	})
}

// names returns the keys of a map, sorted.
func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

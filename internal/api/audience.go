package api

import (
	"context"
	"net/http"
	"time"

	"parley/internal/audience"
	"parley/internal/fault"
	"parley/internal/person"
	"parley/internal/state"
	"parley/internal/suggest"
	"parley/internal/workspace"
)

// Audience is one audience and how it stands.
type Audience struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Owner       string `json:"owner"`
	Description string `json:"description" doc:"The condition in plain words."`
	Size        int64  `json:"size"`
	// NextChange is exact or absent.
	NextChange time.Time `json:"next_change,omitzero" doc:"The first instant at which a membership can change without an event. Absent: never, or too far behind the changes of other audiences to be known."`
}

// AudienceList is every audience, by name.
type AudienceList struct {
	Audiences []Audience `json:"audiences"`
}

// Members is one page of an audience.
type Members struct {
	Members []Member `json:"members"`
	Next    int64    `json:"next,omitempty" doc:"Send it as after to get the next page; absent on the last."`
}

// Member is a person in an audience.
type Member struct {
	Person      int64     `json:"person"`
	Since       time.Time `json:"since"`
	Identifiers []string  `json:"identifiers,omitempty" doc:"The person's identifiers of the requested namespace."`
}

type membersInput struct {
	Name        string `path:"name"`
	After       int64  `query:"after" minimum:"0" doc:"Only people above this number."`
	Limit       int    `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
	Identifiers string `query:"identifiers" doc:"Namespace whose identifiers to add, such as email."`
}

func (s *service) audiences() {
	register(s, operation{id: "list-audiences", method: http.MethodGet, path: "/v1/audiences", tag: "audiences",
		summary: "List the audiences with their sizes"}, s.listAudiences)
	register(s, operation{id: "list-members", method: http.MethodGet, path: "/v1/audiences/{name}/members", tag: "audiences",
		summary: "List the people in an audience, page by page"}, s.members)
	register(s, operation{id: "preview-audience", method: http.MethodPost, path: "/v1/audiences/preview", tag: "audiences",
		summary:     "Count who would be in an audience, before anything changes",
		description: "Evaluates a condition over everybody, as of journal time, and compares it with the audience's present members."}, s.preview)
}

func (s *service) listAudiences(ctx context.Context, _ *none) (AudienceList, error) {
	ws, err := s.current("api.audiences")
	if err != nil {
		return AudienceList{}, err
	}
	out := AudienceList{Audiences: []Audience{}}
	err = s.Store.View(ctx, func(tx *state.Tx) error {
		sizes, err := tx.AudienceSizes(ctx)
		if err != nil {
			return err
		}
		next, err := nextChanges(ctx, tx)
		if err != nil {
			return err
		}
		for _, spec := range ws.Workspace.Audiences {
			out.Audiences = append(out.Audiences, Audience{Name: spec.Name, Title: spec.Title, Owner: spec.Owner,
				Description: audience.Describe(spec.Where), Size: sizes[spec.Name], NextChange: next[spec.Name]})
		}
		return nil
	})
	return out, err
}

// maxTimers bounds how many people nextChanges looks at.
const maxTimers = 1000

// nextChanges returns for audiences the earliest instant at which a membership
// can change by itself. People are read in the order of their timers, and a
// person's timer is the earliest of all their changes: what is found at or
// before the last timer read is therefore the earliest, and what lies after it
// is only known when every timer was read.
func nextChanges(ctx context.Context, tx *state.Tx) (map[string]time.Time, error) {
	timers, err := tx.TimersDue(ctx, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), maxTimers)
	if err != nil || len(timers) == 0 {
		return nil, err
	}
	ids := make([]int64, len(timers))
	for i, t := range timers {
		ids[i] = t.Person
	}
	docs, err := tx.People(ctx, ids)
	if err != nil {
		return nil, err
	}
	next := map[string]time.Time{}
	for _, raw := range docs {
		doc, err := person.Decode(raw)
		if err != nil {
			return nil, err
		}
		for name, answer := range doc.Answers {
			if at, ok := next[name]; !answer.Next.IsZero() && (!ok || answer.Next.Before(at)) {
				next[name] = answer.Next
			}
		}
	}
	if len(timers) == maxTimers {
		for name, at := range next {
			if at.After(timers[maxTimers-1].At) {
				delete(next, name)
			}
		}
	}
	return next, nil
}

func (s *service) members(ctx context.Context, in *membersInput) (Members, error) {
	ws, err := s.current("api.members")
	if err != nil {
		return Members{}, err
	}
	if err := hasAudience(ws, in.Name); err != nil {
		return Members{}, err
	}
	out := Members{Members: []Member{}}
	err = s.Store.View(ctx, func(tx *state.Tx) error {
		list, err := tx.Members(ctx, in.Name, in.After, in.Limit)
		if err != nil {
			return err
		}
		values := map[int64][]string{}
		if in.Identifiers != "" {
			if values, err = identifiersOf(ctx, tx, list, in.Identifiers); err != nil {
				return err
			}
		}
		for _, m := range list {
			out.Members = append(out.Members, Member{m.Person, m.Since, values[m.Person]})
		}
		if len(list) == in.Limit {
			out.Next = list[len(list)-1].Person
		}
		return nil
	})
	return out, err
}

// unknownAudience names the nearest audience there is. It does not repeat what
// was asked for: a person's address may have come in the wrong place (I12).
func unknownAudience(ws *workspace.Compiled, name string) error {
	if near := suggest.Nearest(name, ws.Audiences.Names()); near != "" {
		return fault.New(fault.NotFound, "api.audience", "The workspace has no audience of this name; did you mean %s?", near)
	}
	return fault.New(fault.NotFound, "api.audience", "The workspace has no audience of this name; parley audience list shows those there are.")
}

func hasAudience(ws *workspace.Compiled, name string) error {
	if _, ok := ws.Audiences.Audience(name); !ok {
		return unknownAudience(ws, name)
	}
	return nil
}

func identifiersOf(ctx context.Context, tx *state.Tx, list []state.Membership, namespace string) (map[int64][]string, error) {
	people := make([]int64, len(list))
	for i, m := range list {
		people[i] = m.Person
	}
	nodes, err := tx.IdentifiersOf(ctx, people)
	out := map[int64][]string{}
	for _, n := range nodes {
		if n.Namespace == namespace {
			out[n.Person] = append(out[n.Person], n.Value)
		}
	}
	return out, err
}

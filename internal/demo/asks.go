package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"parley/client"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/lake"
)

// view is one showing of a form: what it asked, and which of that was held.
type view struct {
	form    string
	visitor client.Identifier
	fields  []string // whose answers were held before the form was shown
}

// countAsks counts the questions of forms whose answer was held before, and
// those of them that the ask API, asked now, still tells the form to ask.
func (d *Demo) countAsks(ctx context.Context, s *Summary) error {
	var views []view
	err := d.server.History(ctx, func(person int64, rows []lake.Row) error {
		if person == 0 {
			return nil
		}
		events, err := decode(rows)
		if err != nil {
			return err
		}
		shown, asked := formViews(events)
		s.AsksTotal += asked
		views = append(views, shown...)
		return nil
	})
	if err != nil {
		return err
	}
	for _, v := range views {
		s.AsksBefore += int64(len(v.fields))
		answer, err := d.api.Ask(ctx, client.AskRequest{Form: v.form, Visitor: v.visitor, Fields: v.fields})
		if err != nil {
			return err
		}
		s.AsksAfter += int64(len(answer.Ask))
	}
	return nil
}

func decode(rows []lake.Row) ([]event.Event, error) {
	events := make([]event.Event, len(rows))
	for i := range rows {
		d := json.NewDecoder(bytes.NewReader(rows[i].Event))
		d.UseNumber()
		if err := d.Decode(&events[i]); err != nil {
			return nil, fault.Wrap("demo.asks", err)
		}
	}
	return events, nil
}

// formViews returns a person's form views that asked for something held before,
// and the number of all questions.
func formViews(events []event.Event) (views []view, asked int64) {
	held := heldSince(events)
	for i := range events {
		e := &events[i]
		if e.Name != "Form Viewed" {
			continue
		}
		fields := texts(e.Properties["asked"])
		asked += int64(len(fields))
		fields = slices.DeleteFunc(fields, func(f string) bool {
			since, ok := held[f]
			return !ok || !since.Before(e.Time)
		})
		if len(fields) > 0 {
			form, _ := e.Properties["form"].(string)
			views = append(views, view{form: form, visitor: visitor(e), fields: fields})
		}
	}
	return views, asked
}

// heldSince returns since when each trait of a person is held.
func heldSince(events []event.Event) map[string]time.Time {
	held := map[string]time.Time{}
	for i := range events {
		for name, value := range events[i].Traits {
			if since, ok := held[name]; value != nil && value != "" && (!ok || events[i].Time.Before(since)) {
				held[name] = events[i].Time
			}
		}
	}
	return held
}

// visitor is who the web server can tell is in front of the form: the login, else the device.
func visitor(e *event.Event) client.Identifier {
	var out client.Identifier
	for _, id := range e.Identifiers {
		if out.Namespace == "" || id.Namespace == "user_id" {
			out = client.Identifier(id)
		}
	}
	return out
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

package pipeline

import (
	"bytes"
	"encoding/json"

	"parley/internal/audience"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lake"
	"parley/internal/person"
	"parley/internal/state"
	"parley/internal/workspace"
)

// Version is the payload of a Workspace entry.
type Version struct {
	Author string          `json:"author"`
	Body   json.RawMessage `json:"body"` // workspace.Canonical
}

// apply makes a workspace version govern everything after it. When it sees
// more of the past than the one before (a new trait, a wider window), everyone
// is folded again from the lake; then everyone is evaluated afresh.
func (r *run) apply(e *journal.Entry) error {
	var v Version
	if err := json.Unmarshal(e.Payload, &v); err != nil {
		return fault.WrapAs(fault.Internal, "pipeline.apply", err, "A workspace entry cannot be read.")
	}
	next, err := workspace.Decode(v.Body)
	if err != nil {
		return err
	}
	current, err := r.tx.Workspace(r.ctx)
	if err != nil {
		return err
	}
	compiled, err := next.Compile(current.Version + 1)
	if err != nil {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	before := r.ws
	r.ws = compiled
	r.reset()
	record := state.WorkspaceVersion{Version: compiled.Version, Digest: compiled.Digest, Author: v.Author, At: e.ReceivedAt, Body: v.Body}
	if err := r.tx.PutWorkspace(r.ctx, record); err != nil || before == nil {
		return err
	}
	if r.seesMore(before) {
		if err := r.refold(); err != nil {
			return err
		}
	}
	if err := r.endActivations(before); err != nil {
		return err
	}
	return r.evaluateAll()
}

// seesMore says whether the new version looks at parts of the past that
// documents do not hold, or reads them differently.
func (r *run) seesMore(before *workspace.Compiled) bool {
	same := func(a, b any) bool {
		x, errA := json.Marshal(a)
		y, errB := json.Marshal(b)
		return errA == nil && errB == nil && string(x) == string(y)
	}
	return !same(before.Traits, r.ws.Traits) || !same(before.Audiences.Visible(), r.ws.Audiences.Visible()) ||
		!same(before.Workspace.Audiences, r.ws.Workspace.Audiences)
}

// refold rebuilds profile and history of everyone from the lake, in journal
// order. Who is whom, consents and memberships' beginnings stay.
func (r *run) refold() error {
	return r.lake.ScanByPerson(r.ctx, nil, func(id int64, rows []lake.Row) error {
		if id == 0 {
			return nil
		}
		current, err := r.tx.Survivor(r.ctx, id)
		if err != nil || current != id {
			return err
		}
		if err := r.loadPeople([]int64{id}); err != nil {
			return err
		}
		s := r.people[id]
		if s == nil {
			return nil
		}
		if err := r.refoldOne(s, rows); err != nil {
			return err
		}
		s.dirty = true
		return r.flushEvery(500)
	})
}

// refoldOne folds one person's rows again. Of a record with several contents all
// are observed, but only the newest is part of the history, and only with the
// person it is about.
func (r *run) refoldOne(s *subject, rows []lake.Row) error {
	var keys []event.Key
	for i := range rows {
		if rows[i].Type == event.Record {
			keys = append(keys, event.Key{Source: rows[i].Source, ID: rows[i].ID})
		}
	}
	receipts, err := r.tx.Receipts(r.ctx, keys)
	if err != nil {
		return err
	}
	fresh := &person.Document{Key: s.doc.Key, Consents: s.doc.Consents, Since: s.doc.Since}
	for i := range rows {
		e, err := decodeRow(&rows[i])
		if err != nil {
			return err
		}
		if e.Type == event.Record {
			fresh.Forget(e.Source, e.ID)
		}
		fresh.Fold(r.ws.Person, e, nil, r.progress.Clock)
	}
	for _, k := range keys {
		about, err := r.survivor(receipts[k].Person)
		if err != nil {
			return err
		}
		if about != s.id {
			fresh.Forget(k.Source, k.ID)
		}
	}
	s.doc = fresh
	return nil
}

func decodeRow(row *lake.Row) (*event.Event, error) {
	e := &event.Event{}
	d := json.NewDecoder(bytes.NewReader(row.Event))
	d.UseNumber()
	if err := d.Decode(e); err != nil {
		return nil, fault.WrapAs(fault.Internal, "pipeline.refold", err, "An event of the lake cannot be read.")
	}
	return e, nil
}

// evaluateAll evaluates everyone afresh.
func (r *run) evaluateAll() error {
	if err := r.flush(); err != nil {
		return err
	}
	for after := int64(0); ; {
		people, err := r.tx.PeopleAfter(r.ctx, after, 500)
		if err != nil {
			return err
		}
		if len(people) == 0 {
			return r.flush()
		}
		ids := make([]int64, len(people))
		for i, p := range people {
			ids[i] = p.ID
		}
		after = ids[len(ids)-1]
		if err := r.loadPeople(ids); err != nil {
			return err
		}
		for _, id := range ids {
			s := r.people[id]
			s.change, s.merged = audience.Change{Everything: true}, true
			if err := r.evaluate(s, r.progress.Clock); err != nil {
				return err
			}
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
}

// endActivations takes everyone off the lists of activations that are no more.
func (r *run) endActivations(before *workspace.Compiled) error {
	still := map[string]bool{}
	for _, a := range r.ws.Activations {
		still[a.Name] = true
	}
	var ended []*delivery.Activation
	for _, a := range before.Activations {
		if !still[a.Name] {
			ended = append(ended, a)
		}
	}
	if len(ended) == 0 {
		return nil
	}
	for after := int64(0); ; {
		people, err := r.tx.PeopleAfter(r.ctx, after, 500)
		if err != nil || len(people) == 0 {
			return err
		}
		ids := make([]int64, len(people))
		for i, p := range people {
			ids[i] = p.ID
		}
		after = ids[len(ids)-1]
		if err := r.loadPeople(ids); err != nil {
			return err
		}
		for _, id := range ids {
			r.endFor(r.people[id], ended)
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
}

func (r *run) endFor(s *subject, ended []*delivery.Activation) {
	for _, a := range ended {
		row := s.deliveries[a.Name]
		if row == nil {
			continue
		}
		next, changed := delivery.Desire(row.Member, delivery.Desired{Reason: reasonEnded})
		if !changed {
			continue
		}
		r.out.decisions = append(r.out.decisions, state.Disclosure{At: r.progress.Clock, Person: s.id, Activation: a.Name,
			Destination: a.Destination, Purpose: a.Purpose, Decision: "withdrawn", Ground: reasonEnded, Version: next.Version})
		row.Member, row.Mode = next, a.Mode
		s.changed[a.Name] = true
	}
}

const reasonEnded = "the activation ended"

// flushEvery flushes when the working set has grown to n people.
func (r *run) flushEvery(n int) error {
	if len(r.people) < n {
		return nil
	}
	return r.flush()
}

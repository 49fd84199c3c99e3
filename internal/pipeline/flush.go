package pipeline

import (
	"sort"

	"parley/internal/event"
	"parley/internal/lake"
	"parley/internal/state"
)

// rowKey names a delivery row.
type rowKey struct {
	activation string
	person     int64
}

// flush writes the effects in a fixed order (I4) and empties the working set.
func (r *run) flush() error {
	for _, write := range []func() error{r.flushIdentity, r.flushPeople, r.flushDeliveries, r.flushReceipts, r.flushParcel} {
		if err := write(); err != nil {
			return err
		}
	}
	r.reset()
	return nil
}

func (r *run) flushIdentity() error {
	if err := r.tx.Merge(r.ctx, r.out.merges); err != nil {
		return err
	}
	nodes := make([]state.Identifier, 0, len(r.out.nodes))
	for id, n := range r.out.nodes {
		n.Person = r.graph.Person(id)
		nodes = append(nodes, n)
		r.out.parcel.Assignments = append(r.out.parcel.Assignments, lake.Assignment{Node: id, Person: n.Person})
	}
	sort.Slice(nodes, func(i, j int) bool { return lessIdentifier(nodes[i].Identifier, nodes[j].Identifier) })
	if err := r.tx.PutIdentifiers(r.ctx, nodes); err != nil {
		return err
	}
	assertions := make([]state.Assertion, 0, len(r.out.assertions))
	for _, a := range r.out.assertions {
		assertions = append(assertions, *a)
	}
	sort.Slice(assertions, func(i, j int) bool { return assertions[i].Seq < assertions[j].Seq })
	return r.tx.AddAssertions(r.ctx, assertions)
}

func lessIdentifier(a, b event.Identifier) bool {
	if a.Namespace != b.Namespace {
		return a.Namespace < b.Namespace
	}
	return a.Value < b.Value
}

func (r *run) flushPeople() error {
	var people []state.Person
	for id, s := range r.people {
		if s.dirty {
			people = append(people, state.Person{ID: id})
		}
	}
	sort.Slice(people, func(i, j int) bool { return people[i].ID < people[j].ID })
	err := each(len(people), func(i int) (err error) {
		people[i].Doc, err = r.people[people[i].ID].doc.Encode()
		return err
	})
	if err != nil {
		return err
	}
	if err := r.tx.PutPeople(r.ctx, people); err != nil {
		return err
	}
	if err := r.flushMemberships(); err != nil {
		return err
	}
	timers := map[int64]state.Timer{}
	for _, t := range r.out.timers { // the newest of each person wins
		timers[t.Person] = t
	}
	list := make([]state.Timer, 0, len(timers))
	for id, t := range timers {
		if r.people[id] != nil {
			list = append(list, t)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Person < list[j].Person })
	return r.tx.PutTimers(r.ctx, list)
}

// flushMemberships writes where everyone who moved now stands.
func (r *run) flushMemberships() error {
	moved := map[state.Membership]bool{}
	for _, m := range append(r.out.joined, r.out.left...) {
		moved[state.Membership{Audience: m.Audience, Person: m.Person}] = true
	}
	var in, out []state.Membership
	for m := range moved {
		s := r.people[m.Person]
		if s == nil {
			continue // merged away; Merge dropped the rows
		}
		if since, member := s.doc.Since[m.Audience]; member {
			m.Since = since
			in = append(in, m)
		} else {
			out = append(out, m)
		}
	}
	state.SortMemberships(in)
	state.SortMemberships(out)
	if err := r.tx.DropMemberships(r.ctx, out); err != nil {
		return err
	}
	return r.tx.PutMemberships(r.ctx, in)
}

func (r *run) flushDeliveries() error {
	rows := append([]state.Delivery(nil), r.out.leaving...)
	for _, s := range r.people {
		for name := range s.changed {
			row := s.deliveries[name]
			// Only what was never wanted goes: whether it was handed over is no part
			// of the journal, and the versions in the book must not depend on it (I4).
			if row.Version == 0 && row.Disposable() && row.Reason == reasonLeft {
				r.out.dropped = append(r.out.dropped, rowKey{name, s.id})
				continue
			}
			rows = append(rows, *row)
		}
	}
	sort.Slice(r.out.dropped, func(i, j int) bool {
		a, b := r.out.dropped[i], r.out.dropped[j]
		return a.activation < b.activation || a.activation == b.activation && a.person < b.person
	})
	for _, k := range r.out.dropped {
		if err := r.tx.DropDelivery(r.ctx, k.activation, k.person); err != nil {
			return err
		}
	}
	sort.Slice(rows, func(i, j int) bool {
		if rows[i].Activation != rows[j].Activation {
			return rows[i].Activation < rows[j].Activation
		}
		return rows[i].Person < rows[j].Person
	})
	if err := r.tx.PutDeliveries(r.ctx, rows); err != nil {
		return err
	}
	return r.tx.AppendDisclosures(r.ctx, state.Decisions, r.out.decisions)
}

func (r *run) flushReceipts() error {
	receipts := make([]state.Receipt, 0, len(r.out.receipts))
	for k := range r.out.receipts {
		receipts = append(receipts, *r.receipts[k])
	}
	sort.Slice(receipts, func(i, j int) bool { return lessKey(receipts[i].Key, receipts[j].Key) })
	if err := r.tx.PutReceipts(r.ctx, receipts); err != nil {
		return err
	}
	rows := make([]state.RowVersion, 0, len(r.out.rows))
	for k := range r.out.rows {
		rows = append(rows, r.rows[k])
	}
	sort.Slice(rows, func(i, j int) bool {
		return lessKey(event.Key{Source: rows[i].Source, ID: rows[i].Key}, event.Key{Source: rows[j].Source, ID: rows[j].Key})
	})
	if err := r.tx.PutRowVersions(r.ctx, rows); err != nil {
		return err
	}
	owners := make(map[state.UniqueKey]string, len(r.out.owners))
	for k := range r.out.owners {
		owners[k] = r.owners[k]
	}
	if err := r.tx.PutUniqueOwners(r.ctx, owners); err != nil {
		return err
	}
	held := make([]state.QuarantinedRecord, 0, len(r.out.quarantined))
	for _, q := range r.out.quarantined {
		held = append(held, q)
	}
	sort.Slice(held, func(i, j int) bool { return held[i].ID < held[j].ID })
	if err := r.tx.PutQuarantined(r.ctx, held); err != nil {
		return err
	}
	if err := r.tx.MarkReplayed(r.ctx, r.out.replayed); err != nil {
		return err
	}
	return r.tx.AddCounts(r.ctx, r.out.counts)
}

func lessKey(a, b event.Key) bool {
	return a.Source < b.Source || a.Source == b.Source && a.ID < b.ID
}

// flushParcel collects for the lake; finish leaves it with the last block's position.
func (r *run) flushParcel() error {
	r.parcel.Rows = append(r.parcel.Rows, r.out.parcel.Rows...)
	r.parcel.Assignments = append(r.parcel.Assignments, r.out.parcel.Assignments...)
	return nil
}

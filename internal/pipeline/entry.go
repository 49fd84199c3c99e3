package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"parley/internal/audience"
	"parley/internal/contract"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/identity"
	"parley/internal/journal"
	"parley/internal/person"
	"parley/internal/state"
)

// replayID reads which quarantined record an entry asks to process again.
func replayID(e *journal.Entry) (int64, error) {
	id, err := strconv.ParseInt(string(e.Payload), 10, 64)
	if err != nil {
		return 0, fault.WrapAs(fault.Internal, "pipeline.replay", err, "A replay entry does not name a record.")
	}
	return id, nil
}

// ReplayEntry asks the pipeline to process a quarantined record again.
func ReplayEntry(q state.QuarantinedRecord, now time.Time) journal.Entry {
	return journal.Entry{Kind: journal.Replay, Source: q.Source, ID: q.EventID, ReceivedAt: now,
		Payload: strconv.AppendInt(nil, q.ID, 10)}
}

// entry folds one entry in. Whatever happens to it, it is counted once (I2).
func (r *run) entry(d *decoded) error {
	if d.done {
		return nil
	}
	if slices.Contains(r.out.replayed, d.replay) {
		return nil // asked for twice
	}
	if d.replay == 0 {
		r.count(d, "received", 1)
		if r.duplicate(d) {
			return nil
		}
	} else if d.hash != "" && r.rows[d.key].Hash != d.hash {
		r.out.replayed = append(r.out.replayed, d.replay) // a newer row has taken its place
		return nil
	}
	r.checkUnique(d)
	if len(d.violations) > 0 {
		r.quarantine(d)
		return nil
	}
	r.claim(d)
	if d.hash != "" {
		d.event.Revision = r.rows[d.key].Version
	}
	person, err := r.resolve(d)
	if err != nil {
		return err
	}
	row, err := d.row()
	if err != nil {
		return err
	}
	r.out.parcel.Rows = append(r.out.parcel.Rows, row)
	detail := ""
	if person == 0 {
		detail = "nobody: no usable identifier"
	}
	r.conclude(d, state.Processed, detail, person)
	return nil
}

// duplicate says whether the entry brings nothing new, and counts it if so. A
// row whose content changed is an update, not a duplicate.
func (r *run) duplicate(d *decoded) bool {
	known := r.receipts[d.key]
	if d.hash != "" {
		row := r.rows[d.key]
		if known == nil || row.Hash != d.hash {
			r.rows[d.key] = state.RowVersion{Source: d.key.Source, Key: d.key.ID, Hash: d.hash, Version: row.Version + 1, Holds: row.Holds}
			r.out.rows[d.key] = true
			return false
		}
	}
	if known == nil {
		return false
	}
	known.Duplicates++
	r.out.receipts[d.key] = true
	r.count(d, state.Duplicate, 1)
	return true
}

func (r *run) checkUnique(d *decoded) {
	if len(d.violations) > 0 {
		return
	}
	for _, u := range d.unique {
		owner := r.owners[state.UniqueKey{Source: d.key.Source, Fields: u.Fields, Hash: u.Hash}]
		if owner != "" && owner != d.key.ID {
			d.violations = append(d.violations, contract.Violation{Rule: "unique", Field: afterColon(u.Fields), Shape: "a value seen before",
				Message: "Another record already has this value; correct it here or there, then replay."})
		}
	}
}

// claim makes the entry's unique values its own and, for an updated row, sets
// those free that it no longer brings.
func (r *run) claim(d *decoded) {
	own := func(u state.Holding, owner string) {
		k := state.UniqueKey{Source: d.key.Source, Fields: u.Fields, Hash: u.Hash}
		r.owners[k], r.out.owners[k] = owner, true
	}
	if d.hash != "" {
		row := r.rows[d.key]
		for _, held := range row.Holds {
			if !slices.Contains(d.unique, held) {
				own(held, "")
			}
		}
		row.Holds = d.unique
		r.rows[d.key], r.out.rows[d.key] = row, true
	}
	for _, u := range d.unique {
		own(u, d.key.ID)
	}
}

func afterColon(s string) string {
	for i := range len(s) {
		if s[i] == ':' {
			return s[i+1:]
		}
	}
	return s
}

// quarantine holds the entry back whole.
func (r *run) quarantine(d *decoded) {
	id := d.replay
	if id == 0 {
		id = state.QuarantineID(d.position, d.index)
	}
	r.out.quarantined[id] = state.QuarantinedRecord{
		ID: id, Source: d.key.Source, EventID: d.key.ID, Kind: d.entry.Kind, ReceivedAt: d.entry.ReceivedAt,
		SentAt: d.entry.SentAt, Payload: d.entry.Payload, Violations: d.violations, Status: "open",
	}
	if d.replay != 0 {
		return // it stays where it was, with today's reasons
	}
	about := int64(0)
	if before := r.receipts[d.key]; d.hash != "" && before != nil {
		about = before.Person // the row's accepted content still stands, and with this person
	}
	v := d.violations[0]
	r.conclude(d, state.Quarantined, fmt.Sprintf("%s %s", v.Rule, v.Field), about)
}

// conclude writes the receipt and counts the outcome.
func (r *run) conclude(d *decoded, outcome state.Outcome, detail string, person int64) {
	receipt := &state.Receipt{Key: d.key, Position: d.position, Index: d.index, ReceivedAt: d.entry.ReceivedAt,
		Outcome: outcome, Detail: detail, Person: person}
	if before := r.receipts[d.key]; before != nil {
		receipt.Duplicates = before.Duplicates
	}
	r.receipts[d.key] = receipt
	r.out.receipts[d.key] = true
	if d.replay != 0 {
		r.count(d, state.Quarantined, -1)
		r.out.replayed = append(r.out.replayed, d.replay)
	}
	r.count(d, outcome, 1)
}

func (r *run) count(d *decoded, outcome state.Outcome, n int64) {
	r.out.counts[state.CounterKey{Source: d.key.Source, Hour: hour(d.entry.ReceivedAt), Outcome: outcome}] += n
}

// resolve finds the person and folds the event in; 0 is nobody.
func (r *run) resolve(d *decoded) (int64, error) {
	if err := r.leave(d); err != nil {
		return 0, err
	}
	if len(d.usable) == 0 {
		return 0, nil
	}
	next, _ := r.graph.Next()
	out := r.graph.Resolve(d.usable, d.entry.ReceivedAt)
	r.progress.NextPerson, r.progress.NextAssertion = r.graph.Next()
	for _, a := range out.Assertions {
		r.assertion(d, a)
	}
	if out.Created { // not always out.Person: the same event may have merged the new one
		r.add(next, person.New(d.usable[0]))
	}
	for _, m := range out.Merges {
		if err := r.merge(m); err != nil {
			return 0, err
		}
	}
	s := r.people[out.Person]
	for _, n := range out.Linked {
		r.out.nodes[n.Identifier] = state.Identifier{Identifier: n.Identifier, FirstSeen: n.FirstSeen}
		s.change.Identifiers = true
	}
	own := make([]event.Identifier, 0, len(d.usable))
	for _, id := range d.usable {
		if r.graph.Person(id) == out.Person {
			own = append(own, id)
		}
	}
	r.note(s, s.doc.Fold(r.ws.Person, &d.event, own, r.progress.Clock))
	return out.Person, nil
}

// leave takes the earlier content of an updated row out of the history of
// whomever it was about.
func (r *run) leave(d *decoded) error {
	before := r.receipts[d.key]
	if d.hash == "" || before == nil || before.Person == 0 {
		return nil
	}
	p, err := r.survivor(before.Person)
	if err != nil {
		return err
	}
	s := r.people[p]
	if s == nil {
		return nil
	}
	if name, found := s.doc.Forget(d.key.Source, d.key.ID); found {
		r.note(s, audience.Change{Events: []string{name}})
	}
	return nil
}

// note remembers what changed about a person until the block is settled.
func (r *run) note(s *subject, c audience.Change) {
	if !s.touched {
		r.touched = append(r.touched, s.id)
	}
	s.touched, s.dirty = true, true
	s.change.Events = append(s.change.Events, c.Events...)
	s.change.Traits = append(s.change.Traits, c.Traits...)
	s.change.Consents = append(s.change.Consents, c.Consents...)
	s.change.Identifiers = s.change.Identifiers || c.Identifiers
	s.change.Everything = s.change.Everything || c.Everything
}

func (r *run) assertion(d *decoded, a identity.Assertion) {
	k := edge{a.A, a.B, d.key.Source}
	if known := r.out.assertions[k]; known != nil {
		known.N++
		known.LastAt, known.Refused = d.entry.ReceivedAt, a.Refused
		return
	}
	r.out.assertions[k] = &state.Assertion{A: a.A, B: a.B, Source: d.key.Source, Seq: a.Seq, EventID: d.key.ID,
		At: d.entry.ReceivedAt, N: 1, LastAt: d.entry.ReceivedAt, Refused: a.Refused}
}

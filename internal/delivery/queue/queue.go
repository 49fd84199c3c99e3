// Package queue keeps the dispatcher's work in state: it implements
// dispatch.Store, one transaction a method, so that a crash between a hand-over
// and its answer is told by the batch that stayed open (I9), and every
// hand-over stands in the book before it happens (I7).
package queue

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"parley/internal/delivery"
	"parley/internal/delivery/dispatch"
	"parley/internal/destination"
	"parley/internal/state"
	"parley/internal/workspace"
)

// Queue is a dispatch.Store. Its transactions are durable: what was sent is not forgotten.
type Queue struct {
	store *state.Store
	// governing returns the workspace version in force.
	governing func() *workspace.Compiled
}

var _ dispatch.Store = (*Queue)(nil)

// New returns the queue of an installation.
func New(store *state.Store, governing func() *workspace.Compiled) *Queue {
	return &Queue{store: store, governing: governing}
}

// Claim implements dispatch.Store.
func (q *Queue) Claim(ctx context.Context, dest string, limit int, now time.Time) (*destination.Batch, error) {
	var claimed *destination.Batch
	err := q.store.Update(ctx, state.Durable, func(tx *state.Tx) error {
		claimed = nil
		open, err := tx.OpenBatch(ctx, dest)
		if err != nil {
			return err
		}
		if open != nil {
			again, err := q.again(ctx, tx, dest, open, now)
			if err != nil || again {
				claimed = open
				return err
			}
		}
		claimed, err = q.form(ctx, tx, dest, limit, now)
		return err
	})
	return claimed, err
}

// again says whether an open batch may be sent once more; otherwise it is
// settled as not delivered, because what it says is no longer wanted.
func (q *Queue) again(ctx context.Context, tx *state.Tx, dest string, open *destination.Batch, now time.Time) (bool, error) {
	rows, err := tx.DeliveriesInBatch(ctx, open.ID)
	if err != nil {
		return false, err
	}
	members := make(map[string]delivery.Member, len(rows))
	for _, r := range rows {
		members[strconv.FormatInt(r.Person, 10)] = r.Member
	}
	if delivery.Resendable(*open, members) {
		return true, nil
	}
	results := make([]destination.Result, len(open.Members))
	for i := range results {
		results[i] = destination.Result{Outcome: destination.Retry, Reason: "what was to be sent is no longer wanted"}
	}
	return false, q.settle(ctx, tx, dest, *open, results, now)
}

// form makes the next batch of what is due.
func (q *Queue) form(ctx context.Context, tx *state.Tx, dest string, limit int, now time.Time) (*destination.Batch, error) {
	// More than one batch's worth, because the batch takes one activation only.
	waiting, err := tx.WaitingDeliveries(ctx, dest, now, 4*limit)
	if err != nil {
		return nil, err
	}
	modes := map[string]destination.Mode{}
	members := make([]delivery.Member, len(waiting))
	rows := make(map[int64]state.Delivery, len(waiting))
	for i, w := range waiting {
		members[i], modes[w.Activation] = w.Member, w.Mode
	}
	picked := delivery.Pick(modes, members, limit, now)
	if len(picked) == 0 {
		return nil, nil
	}
	activation := q.activation(picked[0].Activation, dest, modes)
	for _, w := range waiting {
		if w.Activation == activation.Name {
			rows[w.Person] = w
		}
	}
	id, err := q.nextID(ctx, tx)
	if err != nil {
		return nil, err
	}
	b := delivery.Form(id, activation, now, picked)
	out := make([]state.Delivery, len(picked))
	lines := make([]state.Disclosure, len(picked))
	for i, m := range picked {
		out[i] = rows[m.Person]
		out[i].Member = m.Sent(id)
		lines[i] = line(dest, activation, m.Person, m.Version, id, now, "sent", string(b.Members[i].Action))
	}
	if err := tx.PutDeliveries(ctx, out); err != nil {
		return nil, err
	}
	if err := tx.AppendDisclosures(ctx, Book(dest), lines); err != nil {
		return nil, err
	}
	return &b, tx.PutBatch(ctx, dest, b, true)
}

// Book names the book of what was handed to a destination.
func Book(dest string) string { return "handover:" + dest }

func line(dest string, a delivery.Activation, person, version int64, batch string, now time.Time, decision, ground string) state.Disclosure {
	return state.Disclosure{At: now, Person: person, Activation: a.Name, Destination: dest, Purpose: a.Purpose,
		Decision: decision, Ground: ground, Version: version, Batch: batch}
}

// activation returns the definition in force, or what is known of one that ended.
func (q *Queue) activation(name, dest string, modes map[string]destination.Mode) delivery.Activation {
	for _, a := range q.governing().Activations {
		if a.Name == name {
			return *a
		}
	}
	return delivery.Activation{Name: name, Destination: dest, Mode: modes[name]}
}

// nextID makes an id that no other batch of any installation has.
func (q *Queue) nextID(ctx context.Context, tx *state.Tx) (string, error) {
	install, ok, err := tx.Meta(ctx, "installation")
	if err != nil {
		return "", err
	}
	if !ok {
		var raw [8]byte
		if _, err := rand.Read(raw[:]); err != nil {
			return "", err
		}
		install = hex.EncodeToString(raw[:])
		if err := tx.SetMeta(ctx, "installation", install); err != nil {
			return "", err
		}
	}
	text, _, err := tx.Meta(ctx, "batches")
	if err != nil {
		return "", err
	}
	n := int64(0)
	if text != "" {
		if n, err = strconv.ParseInt(text, 10, 64); err != nil {
			return "", err
		}
	}
	n++
	return fmt.Sprintf("b-%s-%d", install, n), tx.SetMeta(ctx, "batches", strconv.FormatInt(n, 10))
}

// Settle implements dispatch.Store.
func (q *Queue) Settle(ctx context.Context, b destination.Batch, results []destination.Result, now time.Time) error {
	return q.store.Update(ctx, state.Durable, func(tx *state.Tx) error {
		dest, open, err := tx.BatchState(ctx, b.ID)
		if err != nil || !open {
			return err
		}
		return q.settle(ctx, tx, dest, b, results, now)
	})
}

func (q *Queue) settle(ctx context.Context, tx *state.Tx, dest string, b destination.Batch, results []destination.Result, now time.Time) error {
	rows, err := tx.DeliveriesInBatch(ctx, b.ID)
	if err != nil {
		return err
	}
	byPerson := make(map[string]state.Delivery, len(rows))
	for _, r := range rows {
		byPerson[strconv.FormatInt(r.Person, 10)] = r
	}
	a := q.activation(b.Activation, dest, map[string]destination.Mode{b.Activation: b.Mode})
	var out []state.Delivery
	var lines []state.Disclosure
	for i, sent := range b.Members {
		row, ok := byPerson[sent.Person]
		if !ok {
			continue
		}
		row.Member = row.Settled(b.ID, sent, results[i], now)
		out = append(out, row)
		lines = append(lines, line(dest, a, row.Person, sent.Version, b.ID, now, answers[results[i].Outcome], results[i].Reason))
	}
	if err := tx.PutDeliveries(ctx, out); err != nil {
		return err
	}
	if err := tx.AppendDisclosures(ctx, Book(dest), lines); err != nil {
		return err
	}
	return tx.PutBatch(ctx, dest, b, false)
}

// answers are the book's words for a destination's answer.
var answers = map[destination.Outcome]string{
	destination.Delivered: "delivered", destination.Rejected: "rejected", destination.Retry: "unconfirmed",
}

// NextDue implements dispatch.Store.
func (q *Queue) NextDue(ctx context.Context, dest string, now time.Time) (time.Time, error) {
	var next time.Time
	err := q.store.View(ctx, func(tx *state.Tx) error {
		open, err := tx.OpenBatch(ctx, dest)
		if err != nil {
			return err
		}
		at, waiting, err := tx.NextDelivery(ctx, dest)
		switch {
		case err != nil:
			return err
		case open != nil || waiting && at.Before(now):
			next = now
		case waiting:
			next = at
		}
		return nil
	})
	return next, err
}

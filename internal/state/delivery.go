package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"parley/internal/delivery"
	"parley/internal/destination"
)

// Delivery is one person's row in one activation, with what the queue needs.
type Delivery struct {
	delivery.Member
	Destination string
	Mode        destination.Mode
}

var deliveryTable = table{name: "delivery", columns: []string{"activation", "person", "destination", "member", "batch",
	"waiting", "urgency", "next_try", "wanted", "acked", "dead", "reason"}, keys: 2}

// PutDeliveries writes rows; their keys must differ.
func (tx *Tx) PutDeliveries(ctx context.Context, list []Delivery) error {
	rows := make([][]any, len(list))
	for i, d := range list {
		body, err := json.Marshal(storedDelivery{d.Member, d.Mode})
		if err != nil {
			return err
		}
		waiting := d.Batch == "" && d.Dead == "" && d.Open()
		rows[i] = []any{d.Activation, d.Person, d.Destination, string(body), d.Batch, flag(waiting),
			int64(delivery.Rank(d.Mode, d.Want)), micros(d.NextTry), flag(d.Want), flag(d.AckedWant), flag(d.Dead != ""), d.Reason}
	}
	return tx.put(ctx, &deliveryTable, rows)
}

// DropDelivery removes a row that carries nothing worth keeping.
func (tx *Tx) DropDelivery(ctx context.Context, activation string, person int64) error {
	return tx.exec(ctx, "DELETE FROM delivery WHERE activation = ? AND person = ?", activation, person)
}

// storedDelivery keeps the mode with the member, so that a list can still be
// cleared after its activation has gone.
type storedDelivery struct {
	delivery.Member
	Mode destination.Mode `json:"mode"`
}

func scanDeliveries(out *[]Delivery) func(*sql.Rows) error {
	return func(r *sql.Rows) error {
		var d Delivery
		var body []byte
		if err := r.Scan(&d.Destination, &body); err != nil {
			return err
		}
		var stored storedDelivery
		if err := json.Unmarshal(body, &stored); err != nil {
			return err
		}
		d.Member, d.Mode = stored.Member, stored.Mode
		*out = append(*out, d)
		return nil
	}
}

// Deliveries returns all rows of people, in no order.
func (tx *Tx) Deliveries(ctx context.Context, people []int64) ([]Delivery, error) {
	var out []Delivery
	err := tx.get(ctx, "delivery", []string{"destination", "member"}, []string{"person"}, numbers(people), scanDeliveries(&out))
	return out, err
}

// WaitingDeliveries returns up to limit rows of a destination that may be due
// at now, the most urgent first.
func (tx *Tx) WaitingDeliveries(ctx context.Context, dest string, now time.Time, limit int) ([]Delivery, error) {
	var out []Delivery
	for rank := range ranks {
		if len(out) >= limit {
			break
		}
		err := tx.query(ctx, scanDeliveries(&out), `SELECT destination, member FROM delivery
			WHERE destination = ? AND waiting = 1 AND urgency = ? AND next_try <= ?
			ORDER BY next_try, person, activation`+tx.d.Bytewise+` LIMIT ?`, dest, rank, micros(now), limit-len(out))
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ranks is how many values delivery.Rank has. A query for each finds the rows
// that are due at one place of the index, however many wait for later.
const ranks = 4

// NextDelivery returns when a destination's next waiting row is due, and false if none waits.
func (tx *Tx) NextDelivery(ctx context.Context, dest string) (time.Time, bool, error) {
	var first int64
	found := false
	for rank := range ranks {
		var at sql.NullInt64
		err := tx.queryRow(ctx, []any{&at},
			"SELECT min(next_try) FROM delivery WHERE destination = ? AND waiting = 1 AND urgency = ?", dest, rank)
		if err != nil {
			return time.Time{}, false, err
		}
		if at.Valid && (!found || at.Int64 < first) {
			first, found = at.Int64, true
		}
	}
	return instant(first), found, nil
}

// DeliveriesInBatch returns the rows that are under way in a batch.
func (tx *Tx) DeliveriesInBatch(ctx context.Context, batch string) ([]Delivery, error) {
	var out []Delivery
	err := tx.query(ctx, scanDeliveries(&out), "SELECT destination, member FROM delivery WHERE batch = ?", batch)
	return out, err
}

// DeadDeliveries returns up to limit dead letters, by activation and person.
func (tx *Tx) DeadDeliveries(ctx context.Context, limit int) ([]Delivery, error) {
	var out []Delivery
	err := tx.query(ctx, scanDeliveries(&out), "SELECT destination, member FROM delivery WHERE dead = 1 ORDER BY activation"+tx.d.Bytewise+", person LIMIT ?", limit)
	return out, err
}

// DeliverySummary is the reconciliation of one activation (I9).
type DeliverySummary struct {
	Activation   string `json:"activation"`
	Destination  string `json:"destination"`
	Desired      int64  `json:"desired"`
	Acknowledged int64  `json:"acknowledged"`
	Waiting      int64  `json:"waiting"`
	InFlight     int64  `json:"in_flight"`
	Dead         int64  `json:"dead"`
	// Unwanted counts people who are in the audience's story but not on the
	// list, by reason.
	Unwanted map[string]int64 `json:"unwanted,omitempty"`
}

// DeliverySummaries reconciles every activation that has rows, in no order.
func (tx *Tx) DeliverySummaries(ctx context.Context) ([]DeliverySummary, error) {
	by := map[string]*DeliverySummary{}
	err := tx.query(ctx, func(r *sql.Rows) error {
		var activation, dest, reason string
		var wanted, acked, waiting, flying, dead, n int64
		if err := r.Scan(&activation, &dest, &reason, &wanted, &acked, &waiting, &flying, &dead, &n); err != nil {
			return err
		}
		s := by[activation]
		if s == nil {
			s = &DeliverySummary{Activation: activation, Destination: dest, Unwanted: map[string]int64{}}
			by[activation] = s
		}
		s.Desired += wanted
		s.Acknowledged += acked
		s.Waiting += waiting
		s.InFlight += flying
		s.Dead += dead
		if wanted == 0 && reason != "" {
			s.Unwanted[reason] += n
		}
		return nil
	}, `SELECT activation, destination, reason, CAST(sum(wanted) AS BIGINT), CAST(sum(acked) AS BIGINT), CAST(sum(waiting) AS BIGINT),
		CAST(sum(CASE WHEN batch = '' THEN 0 ELSE 1 END) AS BIGINT), CAST(sum(dead) AS BIGINT), count(*)
		FROM delivery GROUP BY activation, destination, reason`)
	out := make([]DeliverySummary, 0, len(by))
	for _, s := range by {
		out = append(out, *s)
	}
	return out, err
}

var batchTable = table{name: "batch", columns: []string{"id", "destination", "activation", "at", "body", "open"}, keys: 1}

// PutBatch records a hand-over before it is sent; open until its answer is settled.
func (tx *Tx) PutBatch(ctx context.Context, dest string, b destination.Batch, open bool) error {
	body := []byte("{}") // a closed batch's fields are personal data nobody needs again
	if open {
		var err error
		if body, err = json.Marshal(b); err != nil {
			return err
		}
	}
	return tx.put(ctx, &batchTable, [][]any{{b.ID, dest, b.Activation, micros(b.At), string(body), flag(open)}})
}

// OpenBatch returns the hand-over of a destination whose answer is not settled yet, if any.
func (tx *Tx) OpenBatch(ctx context.Context, dest string) (*destination.Batch, error) {
	var body []byte
	err := tx.queryRow(ctx, []any{&body}, "SELECT body FROM batch WHERE destination = ? AND open = 1 ORDER BY at, id"+tx.d.Bytewise+" LIMIT 1", dest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var b destination.Batch
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, err
	}
	return &b, nil
}

// BatchState returns where a hand-over goes and whether its answer is still to be settled.
func (tx *Tx) BatchState(ctx context.Context, id string) (dest string, open bool, err error) {
	var flagged int64
	err = tx.queryRow(ctx, []any{&dest, &flagged}, "SELECT destination, open FROM batch WHERE id = ?", id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return dest, flagged == 1, err
}

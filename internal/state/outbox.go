package state

import (
	"context"
	"database/sql"
	"encoding/base64"

	"parley/internal/journal"
)

// Outbox is what the lake has yet to take over from one transaction: written
// with the effects, so that the lake can neither miss nor invent anything (I3).
type Outbox struct {
	Position journal.Position // of the transaction's last block
	Body     []byte
}

var outboxTable = table{name: "outbox", columns: []string{"position", "body"}, keys: 1}

// PutOutbox leaves something for the lake.
func (tx *Tx) PutOutbox(ctx context.Context, o Outbox) error {
	return tx.put(ctx, &outboxTable, [][]any{{int64(o.Position), base64.StdEncoding.EncodeToString(o.Body)}})
}

// OutboxAfter returns up to limit parcels after a position, in order.
func (tx *Tx) OutboxAfter(ctx context.Context, after journal.Position, limit int) ([]Outbox, error) {
	var out []Outbox
	err := tx.query(ctx, func(r *sql.Rows) error {
		var o Outbox
		var body string
		err := r.Scan(&o.Position, &body)
		if err == nil {
			o.Body, err = base64.StdEncoding.DecodeString(body)
		}
		out = append(out, o)
		return err
	}, "SELECT position, body FROM outbox WHERE position > ? ORDER BY position LIMIT ?", int64(after), limit)
	return out, err
}

// DropOutbox removes what the lake has taken over.
func (tx *Tx) DropOutbox(ctx context.Context, upTo journal.Position) error {
	return tx.exec(ctx, "DELETE FROM outbox WHERE position <= ?", int64(upTo))
}

// Sync returns once everything committed so far is on disk, Replayable commits
// included. Whoever tells another store about them calls it first.
func (s *Store) Sync(ctx context.Context) error {
	return s.Update(ctx, Durable, func(tx *Tx) error { return tx.put(ctx, &markTable, [][]any{{int64(1), int64(1)}}) })
}

var markTable = table{name: "durable_mark", columns: []string{"id", "n"}, keys: 1, onConflict: "UPDATE SET n = durable_mark.n + 1"}

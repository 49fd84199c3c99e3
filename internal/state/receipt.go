package state

import (
	"context"
	"database/sql"
	"sort"
	"time"

	"parley/internal/event"
	"parley/internal/journal"
)

// Outcome is what became of an accepted event (I2).
type Outcome string

// The outcomes. Pending is never stored: it is what the journal holds beyond
// the pipeline's position.
const (
	Processed   Outcome = "processed"
	Duplicate   Outcome = "duplicate"
	Quarantined Outcome = "quarantined"
	Refused     Outcome = "refused" // no identifier is usable, or its sender was refused
	Replayed    Outcome = "replayed"
)

// Receipt is the story of one event id.
type Receipt struct {
	event.Key
	Position   journal.Position
	Index      int
	ReceivedAt time.Time
	Outcome    Outcome
	Detail     string // reason, without personal values
	Person     int64  // 0: nobody
	Duplicates int64  // how often it came again
}

var receiptTable = table{name: "receipt", columns: []string{"source", "id", "position", "idx", "received_at",
	"outcome", "detail", "person", "duplicates"}, keys: 2}

// Receipts returns the receipts there are for keys.
func (tx *Tx) Receipts(ctx context.Context, keys []event.Key) (map[event.Key]Receipt, error) {
	args := make([][]any, len(keys))
	for i, k := range keys {
		args[i] = []any{k.Source, k.ID}
	}
	out := make(map[event.Key]Receipt, len(keys)/8)
	err := tx.get(ctx, "receipt", receiptTable.columns, receiptTable.columns[:2], args, func(r *sql.Rows) error {
		var x Receipt
		var at int64
		if err := r.Scan(&x.Source, &x.ID, &x.Position, &x.Index, &at, &x.Outcome, &x.Detail, &x.Person, &x.Duplicates); err != nil {
			return err
		}
		x.ReceivedAt = instant(at)
		out[x.Key] = x
		return nil
	})
	return out, err
}

// PutReceipts writes receipts; their keys must differ.
func (tx *Tx) PutReceipts(ctx context.Context, receipts []Receipt) error {
	rows := make([][]any, len(receipts))
	for i, r := range receipts {
		rows[i] = []any{r.Source, r.ID, int64(r.Position), int64(r.Index), micros(r.ReceivedAt), string(r.Outcome), r.Detail, r.Person, r.Duplicates}
	}
	return tx.put(ctx, &receiptTable, rows)
}

// CounterKey names one count of the completeness ledger (I2).
type CounterKey struct {
	Source  string
	Hour    time.Time // start of the hour of receipt, UTC
	Outcome Outcome   // or "received"
}

var counterTable = table{name: "counter", columns: []string{"source", "hour", "outcome", "n"}, keys: 3,
	onConflict: "UPDATE SET n = counter.n + excluded.n"}

// AddCounts adds to the completeness ledger.
func (tx *Tx) AddCounts(ctx context.Context, counts map[CounterKey]int64) error {
	rows := make([][]any, 0, len(counts))
	for k, n := range counts {
		rows = append(rows, []any{k.Source, micros(k.Hour), string(k.Outcome), n})
	}
	return tx.put(ctx, &counterTable, rows)
}

// Count is one line of the completeness ledger.
type Count struct {
	CounterKey
	N int64
}

// Counts returns the whole completeness ledger of a source ("" for all), by source, hour and outcome.
func (tx *Tx) Counts(ctx context.Context, source string) ([]Count, error) {
	var out []Count
	err := tx.query(ctx, func(r *sql.Rows) error {
		var c Count
		var hour int64
		if err := r.Scan(&c.Source, &hour, &c.Outcome, &c.N); err != nil {
			return err
		}
		c.Hour = instant(hour)
		out = append(out, c)
		return nil
	}, "SELECT source, hour, outcome, n FROM counter WHERE ? = '' OR source = ?", source, source)
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Source != b.Source {
			return a.Source < b.Source
		}
		if !a.Hour.Equal(b.Hour) {
			return a.Hour.Before(b.Hour)
		}
		return a.Outcome < b.Outcome
	})
	return out, err
}

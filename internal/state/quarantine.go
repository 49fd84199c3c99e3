package state

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"parley/internal/contract"
	"parley/internal/fault"
	"parley/internal/journal"
)

// QuarantinedRecord is one record held back whole, with the rules it broke.
type QuarantinedRecord struct {
	ID         int64 // in the order of the journal
	Source     string
	EventID    string
	Kind       journal.Kind
	ReceivedAt time.Time
	SentAt     time.Time
	Payload    []byte // as it was received
	Violations []contract.Violation
	Status     string // open or replayed
}

// QuarantineID numbers a record by its place in the journal.
func QuarantineID(p journal.Position, index int) int64 { return int64(p)<<20 | int64(index) }

var quarantineTable = table{name: "quarantine", columns: []string{"id", "source", "event_id", "kind", "received_at",
	"sent_at", "payload", "violations", "status"}, keys: 1}

// PutQuarantined holds records back.
func (tx *Tx) PutQuarantined(ctx context.Context, records []QuarantinedRecord) error {
	rows := make([][]any, len(records))
	for i, q := range records {
		violations, err := json.Marshal(q.Violations)
		if err != nil {
			return err
		}
		// The payload may hold any bytes, which TEXT may not.
		rows[i] = []any{q.ID, q.Source, q.EventID, int64(q.Kind), micros(q.ReceivedAt), micros(q.SentAt),
			base64.StdEncoding.EncodeToString(q.Payload), string(violations), q.Status}
	}
	return tx.put(ctx, &quarantineTable, rows)
}

// QuarantineFilter selects records; zero values select all.
type QuarantineFilter struct {
	Source string
	Status string
	ID     int64 // exactly this one
	After  int64 // ids greater than this
	Limit  int   // 0: 1,000
}

// QuarantineList returns records by id.
func (tx *Tx) QuarantineList(ctx context.Context, f QuarantineFilter) ([]QuarantinedRecord, error) {
	if f.Limit <= 0 {
		f.Limit = 1000
	}
	var out []QuarantinedRecord
	err := tx.query(ctx, func(r *sql.Rows) error {
		var q QuarantinedRecord
		var at, sent int64
		var payload, violations string
		if err := r.Scan(&q.ID, &q.Source, &q.EventID, &q.Kind, &at, &sent, &payload, &violations, &q.Status); err != nil {
			return err
		}
		q.ReceivedAt, q.SentAt = instant(at), instant(sent)
		raw, err := base64.StdEncoding.DecodeString(payload)
		if err != nil {
			return err
		}
		q.Payload = raw
		if err := json.Unmarshal([]byte(violations), &q.Violations); err != nil {
			return err
		}
		out = append(out, q)
		return nil
	}, `SELECT id, source, event_id, kind, received_at, sent_at, payload, violations, status FROM quarantine
		WHERE (? = '' OR source = ?) AND (? = '' OR status = ?) AND (CAST(? AS BIGINT) = 0 OR id = ?) AND id > ? ORDER BY id LIMIT ?`,
		f.Source, f.Source, f.Status, f.Status, f.ID, f.ID, f.After, f.Limit)
	return out, err
}

// MarkReplayed closes quarantined records; unknown ids are ignored.
func (tx *Tx) MarkReplayed(ctx context.Context, ids []int64) error {
	for _, id := range ids {
		if err := tx.exec(ctx, "UPDATE quarantine SET status = 'replayed' WHERE id = ?", id); err != nil {
			return err
		}
	}
	return nil
}

// ImportedFile says that a file was imported to its end.
type ImportedFile struct {
	Source, SHA256, Name  string
	At                    time.Time
	Read, Sent, Malformed int64
}

var importTable = table{name: "import_file", columns: []string{"source", "sha256", "name", "at", "read_rows", "sent_rows", "bad_rows"}, keys: 2}

// PutImportedFile records a finished import.
func (tx *Tx) PutImportedFile(ctx context.Context, f ImportedFile) error {
	return tx.put(ctx, &importTable, [][]any{{f.Source, f.SHA256, f.Name, micros(f.At), f.Read, f.Sent, f.Malformed}})
}

// ImportedFileBySum returns the finished import of exactly these bytes into the source.
func (tx *Tx) ImportedFileBySum(ctx context.Context, source, sum string) (ImportedFile, error) {
	f := ImportedFile{Source: source, SHA256: sum}
	var at int64
	err := tx.queryRow(ctx, []any{&f.Name, &at, &f.Read, &f.Sent, &f.Malformed}, "SELECT name, at, read_rows, sent_rows, bad_rows FROM import_file WHERE source = ? AND sha256 = ?",
		source, sum)
	if errors.Is(err, sql.ErrNoRows) {
		return f, fault.New(fault.NotFound, "state.import", "This file was not imported into %s yet.", source)
	}
	f.At = instant(at)
	return f, err
}

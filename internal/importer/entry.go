package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/source"
	"parley/internal/source/table"
	"parley/internal/workspace"
)

// maxIDBytes is the longest row key that is an entry's ID as it stands.
const maxIDBytes = 200

// Entry returns the journal entry of one row. Its ID is the row's key in the
// mapping; a key above 200 bytes becomes "sha256:" and its hash. It fails with
// fault.Invalid for a source without a mapping and for a row that cannot be
// written as JSON, and with fault.TooLarge for a row above the limit of a message.
func Entry(src *workspace.Source, row source.Row, receivedAt time.Time) (journal.Entry, error) {
	const op = "importer.entry"
	if src.Mapping == nil {
		return journal.Entry{}, noMapping(op)
	}
	payload, err := source.EncodeRow(row)
	if err != nil {
		return journal.Entry{}, fault.Wrap(op, err)
	}
	return entry(src, rowID(src, row, payload), payload, receivedAt), nil
}

func noMapping(op string) error {
	return fault.New(fault.Invalid, op, "This source takes no files: it has no mapping from columns; add one to its document.")
}

func entry(src *workspace.Source, id string, payload []byte, receivedAt time.Time) journal.Entry {
	return journal.Entry{Kind: journal.Record, Source: src.Name, ID: id,
		ReceivedAt: receivedAt.UTC().Truncate(time.Microsecond), Payload: payload}
}

// rowID is the mapping's key. Without key columns that is the hash of the
// canonical row, which the payload already is.
func rowID(src *workspace.Source, row source.Row, payload []byte) string {
	if src.Spec.Mapping != nil && len(src.Spec.Mapping.Key) == 0 {
		return digest(payload)
	}
	key := src.Mapping.Key(row)
	if len(key) > maxIDBytes {
		return "sha256:" + digest([]byte(key))
	}
	return key
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// MalformedEntry returns the journal entry of a row that could not be read. Its
// payload is m.Payload. Its ID is "malformed:" and the SHA-256 of the raw text,
// so that the same bad row in a later file is a duplicate wherever it stands;
// where the raw text is not the whole row, its line is part of the hash, so
// that two rows are not taken for one.
func MalformedEntry(src *workspace.Source, m Malformed, receivedAt time.Time) journal.Entry {
	named := m.Raw
	if !m.whole() {
		named = append(strconv.AppendInt(nil, m.Line, 10), '\n')
		named = append(named, m.Raw...)
	}
	return entry(src, "malformed:"+digest(named), m.Payload(), receivedAt)
}

// malformed describes a row that table could not read.
func malformed(bad *table.RowError) Malformed {
	return Malformed{Line: bad.Line, Reason: bad.Reason, Message: fault.Message(bad), Raw: bad.Raw}
}

// maxRawBytes is how much is kept of a row that was read but cannot be written.
const maxRawBytes = 64 << 10

// unwritable describes a row that table could read and EncodeRow refuses, for
// instance because the columns' names make it too long.
func unwritable(row source.Row, line int64, refusal error) Malformed {
	raw, err := json.Marshal(row)
	if err != nil {
		raw = nil // what JSON cannot hold has no text to keep
	}
	reason := table.ReasonValue
	var f *fault.Error
	if errors.As(refusal, &f) && f.Kind == fault.TooLarge {
		reason = table.ReasonLong
	}
	return Malformed{Line: line, Reason: reason, Message: fault.Message(refusal), Raw: raw[:min(len(raw), maxRawBytes)]}
}

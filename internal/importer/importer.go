// Package importer turns files into journal entries: one Record for each row,
// in the order of the rows, not yet mapped, so that a corrected mapping can
// replay them.
//
// # Promises
//
//   - Every row becomes exactly one entry, also a row that cannot be read: it
//     travels as a Malformed, which the pipeline quarantines (I2).
//   - A row's entry depends on the row, its source and the time of receipt alone
//     (I4). Importing a file again, after a crash or on purpose, therefore gives
//     entries with the same ids and payloads, which the pipeline counts as
//     duplicates; a row whose content has changed keeps its id and is an update.
//   - A report without an error means that all rows are durable in the journal (I1).
//   - A row's values stand in payloads only, never in errors, logs or the texts
//     beside failed files (I12).
package importer

import (
	"context"
	"time"

	"parley/internal/journal"
	"parley/internal/lifecycle"
	"parley/internal/source/table"
	"parley/internal/state"
	"parley/internal/workspace"
)

// Sink is where entries go; *journal.Journal is one. Append returns nil once
// all entries are durable, in the order given. fault.Busy means that nothing was
// stored and that it can be tried again. The list of entries must not be kept.
type Sink interface {
	Append(ctx context.Context, entries ...journal.Entry) error
}

// Ledger remembers which files were imported to their end.
type Ledger interface {
	// Imported returns the finished import of exactly these bytes into the
	// source, and false if there is none.
	Imported(ctx context.Context, source, sha256 string) (state.ImportedFile, bool, error)
	// Record keeps a finished import; the same again takes its place.
	Record(ctx context.Context, file state.ImportedFile) error
}

// Options say what to import and where to. Ledger, Again, Progress and MaxBytes
// may be left out.
type Options struct {
	Source *workspace.Source // a file source
	Path   string
	Sink   Sink
	Clock  lifecycle.Clock
	// Ledger lets a file be skipped whose bytes were imported before; nil: none is.
	Ledger Ledger
	// Again imports the file even if its bytes were imported before.
	Again bool
	// Progress is told how far the import is after each chunk and at the end,
	// from the goroutine that called File. It should return soon.
	Progress func(Progress)
	// MaxBytes bounds the text after decompression; 0: table.DefaultMaxBytes.
	MaxBytes int64
}

func (o *Options) table() table.Options {
	return table.Options{Format: o.Source.Format, Delimiter: o.Source.Delimiter, MaxBytes: o.MaxBytes}
}

// Progress is how far an import is.
type Progress struct {
	Read      int64 // rows, malformed ones included
	Sent      int64 // of these, durable in the journal
	Malformed int64 // of those read
	Offset    int64 // bytes of the file that have been read
	Total     int64 // bytes of the file
}

// Report is what came of an import. After an error its counts say how far it
// got: Sent rows are durable for certain, a few more may be.
type Report struct {
	Read      int64 // rows, malformed ones included
	Sent      int64 // of these, durable in the journal
	Malformed int64 // of those read; they are in the journal, too
	SHA256    string
	Bytes     int64
	// Skipped says that these bytes were imported before, at ImportedAt, and
	// that nothing was sent.
	Skipped    bool
	ImportedAt time.Time
}

// Package duckdblake keeps the lake in one DuckDB file, inside the process.
//
// Rows are appended in journal order and never touched again. The map from node
// to person is a table of its own, keyed by a 128-bit digest of the node, without
// an index: a batch is merged into it by a hash join, which measured faster than
// DuckDB's index at every batch size and leaves nothing to repair after a crash.
//
// The driver of DuckDB holds a whole result in memory. Reads therefore go page by
// page inside one read transaction (see scan.go), which keeps memory bounded and
// the view consistent.
package duckdblake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lake"
)

// Options bound what DuckDB may use. The zero value is right for a small machine.
type Options struct {
	// MemoryLimit is DuckDB's own bound, such as "512MB", the default. What
	// does not fit goes to the directory PATH.tmp. It does not cover the
	// pages on the Go side, about 8 MB for each running read.
	MemoryLimit string
	Threads     int // default 2
	// walLimit is that of the constant unless a test wants many checkpoints.
	walLimit string
}

// driver implements lake.Driver.
type driver struct {
	engine engine
	// writing lets one Append run at a time, as DuckDB would let the second fail.
	writing sync.Mutex
}

// walLimit is how much write-ahead log gathers before DuckDB folds it into the
// file. Larger means less rewriting of the last row group, and a slower start
// after a crash.
const walLimit = "64MB"

// Open opens the lake in the file at path and creates it if there is none. A
// second process that has it open makes it fail as Conflict.
func Open(ctx context.Context, path string, o Options) (*lake.Lake, error) {
	d, err := open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	return lake.New(d), nil
}

func open(ctx context.Context, path string, o Options) (*driver, error) {
	dsn, err := dataSource(path, o)
	if err != nil {
		return nil, err
	}
	d := &driver{engine: engine{dsn: dsn}}
	if err := d.engine.open(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// notOpened tells a setting that DuckDB does not take from a file that it does not take.
func notOpened(op string, err error) error {
	var e *duckdb.Error
	if !errors.As(err, &e) {
		return fault.WrapAs(fault.Invalid, op, err, "The lake's memory limit or number of threads is not valid; write them as 512MB and 2.")
	}
	return fromEngine(op, err)
}

func dataSource(path string, o Options) (string, error) {
	const op = "duckdblake.open"
	if path == "" || strings.ContainsAny(path, "?%#\x00") || strings.HasPrefix(path, ":") {
		return "", fault.New(fault.Invalid, op, "The lake's path is empty or has one of the characters ? %% # in it; choose another.")
	}
	if o.MemoryLimit == "" {
		o.MemoryLimit = "512MB"
	}
	if o.walLimit == "" {
		o.walLimit = walLimit
	}
	if o.Threads == 0 {
		o.Threads = 2
	}
	if o.Threads < 0 {
		return "", fault.New(fault.Invalid, op, "The lake needs at least one thread.")
	}
	v := url.Values{}
	v.Set("memory_limit", o.MemoryLimit)
	v.Set("threads", strconv.Itoa(o.Threads))
	v.Set("checkpoint_threshold", o.walLimit)
	// Nothing is fetched from the network behind the operator's back.
	v.Set("autoinstall_known_extensions", "false")
	v.Set("autoload_known_extensions", "false")
	return path + "?" + v.Encode(), nil
}

// Position implements lake.Driver.
func (d *driver) Position(ctx context.Context) (journal.Position, error) {
	const op = "duckdblake.position"
	var p int64
	err := d.engine.use(ctx, op, func(db *sql.DB) error {
		return fromEngine(op, db.QueryRowContext(ctx, `SELECT position FROM progress`).Scan(&p))
	})
	return journal.Position(p), err
}

// Close folds the write-ahead log into the file and closes it.
func (d *driver) Close() error { return d.engine.close() }

// fromEngine gives DuckDB's errors a kind and takes out sentences that may quote
// stored values (I12).
func fromEngine(op string, err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.WrapAs(fault.Unavailable, op, contextOf(err), "The lake's work was cancelled.")
	}
	var e *duckdb.Error
	if !errors.As(err, &e) {
		if errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) {
			return fault.WrapAs(fault.Unavailable, op, err, "The lake is closed; try again when the server is up.")
		}
		return fault.WrapAs(fault.Internal, op, fmt.Errorf("duckdb driver: %T", err), "")
	}
	// Nobody but a context interrupts, and the driver does not always say so.
	if e.Type == duckdb.ErrorTypeInterrupt {
		return fault.WrapAs(fault.Unavailable, op, context.Canceled, "The lake's work was cancelled.")
	}
	return fromDuckDB(op, e)
}

// contextOf returns the bare context error: DuckDB's text beside it may quote values.
func contextOf(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

func fromDuckDB(op string, e *duckdb.Error) error {
	msg := strings.ToLower(e.Msg)
	cause := redacted(e)
	lost := e.Type == duckdb.ErrorTypeFatal || e.Type == duckdb.ErrorTypeConnection || strings.Contains(msg, "database has been invalidated")
	if lost {
		cause = fmt.Errorf("%w: %w", errLost, cause)
	}
	switch {
	case strings.Contains(msg, "no space left") || strings.Contains(msg, "disk full") || strings.Contains(msg, "max_temp_directory_size"):
		return fault.WrapAs(fault.Unavailable, op, cause, "The lake's disk is full; free some space.")
	case e.Type == duckdb.ErrorTypeIO && strings.Contains(msg, "could not set lock"):
		return fault.WrapAs(fault.Conflict, op, cause, "Another process has the lake open; stop it first.")
	case e.Type == duckdb.ErrorTypeIO || e.Type == duckdb.ErrorTypePermission:
		return fault.WrapAs(fault.Unavailable, op, cause, "The lake's file cannot be read or written.")
	case e.Type == duckdb.ErrorTypeOutOfMemory:
		return fault.WrapAs(fault.Unavailable, op, cause, "The lake's memory limit is too small for this; raise it.")
	case lost:
		return fault.WrapAs(fault.Unavailable, op, cause, "The lake has shut itself down after a failure; it is opened again at the next try.")
	case e.Type == duckdb.ErrorTypeTransaction:
		return fault.WrapAs(fault.Conflict, op, cause, "Somebody else wrote to the lake at the same time.")
	}
	return fault.WrapAs(fault.Internal, op, cause, "")
}

// redacted keeps DuckDB's text only for the types of error that speak of files,
// memory and statements; all others may quote values (I12).
func redacted(e *duckdb.Error) error {
	switch e.Type {
	case duckdb.ErrorTypeIO, duckdb.ErrorTypePermission, duckdb.ErrorTypeOutOfMemory,
		duckdb.ErrorTypeBinder, duckdb.ErrorTypeCatalog, duckdb.ErrorTypeParser:
		return errors.New(e.Msg)
	}
	return fmt.Errorf("duckdb error of type %d (text withheld, it may quote values)", e.Type)
}

// Package sqlitestate is the embedded driver of the state port: one SQLite file
// in write-ahead mode, in the process.
package sqlitestate

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"

	"parley/internal/fault"
	"parley/internal/state"
)

// Open opens or creates the database file at path.
//
// Two write connections share the file. The one for state.Replayable commits
// without waiting for the disk (the journal can repeat it); the one for
// state.Durable syncs the write-ahead log, and with it whatever the first wrote.
func Open(ctx context.Context, path string) (*state.Store, error) {
	replay, err := pool(path, "NORMAL", 1)
	if err != nil {
		return nil, err
	}
	durable, err := pool(path, "FULL", 1)
	if err != nil {
		return nil, err
	}
	read, err := pool(path, "NORMAL", 8)
	if err != nil {
		return nil, err
	}
	return state.Open(ctx, state.Driver{
		Replay: replay, Sync: durable, Read: read,
		Dialect: state.Dialect{
			Name: "sqlite", Goose: goose.DialectSQLite3, MaxParameters: 32000, Classify: classify,
		},
	})
}

func pool(path, synchronous string, connections int) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap("sqlitestate.open", err)
	}
	q := url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {synchronous}, "_busy_timeout": {"30000"},
		"_foreign_keys": {"on"}, "_cache_size": {"-65536"}, "_txlock": {"immediate"},
	}
	if connections > 1 {
		q.Set("_txlock", "deferred")
		q.Set("_cache_size", "-8192")
		q.Set("_query_only", "on")
	}
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Opaque: url.PathEscape(abs), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fault.Wrap("sqlitestate.open", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func classify(err error) fault.Kind {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return fault.Internal
	}
	switch e.Code {
	case sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrCantOpen, sqlite3.ErrReadonly:
		return fault.Unavailable
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fault.Busy
	}
	return fault.Internal
}

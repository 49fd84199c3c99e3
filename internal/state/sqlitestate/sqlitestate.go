// Package sqlitestate is the embedded driver of the state port: one SQLite file
// in write-ahead mode, in the process.
package sqlitestate

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

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
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap("sqlitestate.open", err)
	}
	// SQLite has no lock that spans the steps of a schema upgrade, so that
	// openers at the same moment would build the same table twice.
	upgrade, err := exclusive(abs + ".upgrade")
	if err != nil {
		return nil, err
	}
	defer func() { _ = upgrade.Close() }() // closing ends the lock, whatever it says
	var pools [3]*sql.DB
	for i, p := range []struct {
		synchronous string
		connections int
	}{{"NORMAL", 1}, {"FULL", 1}, {"NORMAL", 8}} {
		pools[i] = pool(abs, p.synchronous, p.connections)
	}
	return state.Open(ctx, state.Driver{
		Replay: pools[0], Sync: pools[1], Read: pools[2],
		Dialect: state.Dialect{
			Name: "sqlite", Goose: goose.DialectSQLite3, MaxParameters: 32000, Classify: classify,
		},
	})
}

// exclusive waits for the lock of a file, which ends when it is closed.
func exclusive(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Unavailable, "sqlitestate.open", err, "The data folder cannot be written; check its rights and its disk.")
	}
	return f, nil
}

func pool(path, synchronous string, connections int) *sql.DB {
	q := url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {synchronous}, "_busy_timeout": {"30000"},
		"_foreign_keys": {"on"}, "_cache_size": {"-65536"}, "_txlock": {"immediate"},
		"_stmt_cache_size": {"128"},
	}
	if connections > 1 {
		q.Set("_txlock", "deferred")
		q.Set("_cache_size", "-8192")
		q.Set("_query_only", "on")
	}
	dsn := (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: q.Encode()}).String()
	db := sql.OpenDB(connector{dsn: dsn, driver: &sqlite3.SQLiteDriver{ConnectHook: tune}})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db
}

// tune sets what the address cannot say. Random keys touch a page each, so the
// log is copied into the file only every 16,384 pages (64 MB): a page that was
// written often is then copied once.
func tune(c *sqlite3.SQLiteConn) error {
	_, err := c.Exec("PRAGMA wal_autocheckpoint = 16384", nil)
	return err
}

// connector opens connections of one file.
type connector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

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

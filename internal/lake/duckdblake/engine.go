package duckdblake

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"parley/internal/fault"
)

// engine is DuckDB behind one file. DuckDB shuts itself down for good when
// something fails that it cannot undo, such as a checkpoint on a full disk: from
// then on every statement fails until the file is opened anew. Here the next
// call does that, so that the lake recovers without a restart of the process.
type engine struct {
	dsn string

	mu    sync.Mutex
	db    *sql.DB // nil while it could not be opened again
	users int     // calls that are using db
	lost  bool    // db has shut itself down
}

// errLost is in the chain of every error of an engine that has shut itself down.
var errLost = errors.New("the engine has shut itself down")

// open opens the file and brings it to the newest version.
func (e *engine) open(ctx context.Context) error {
	const op = "duckdblake.open"
	c, err := duckdb.NewConnector(e.dsn, nil)
	if err != nil {
		return notOpened(op, err)
	}
	db := sql.OpenDB(c)
	// No bound on open connections: a callback of Scan may use the lake, and
	// would wait for ever for a connection that its own Scan holds.
	db.SetMaxIdleConns(4)
	if err := migrate(ctx, db); err != nil {
		return errors.Join(err, db.Close())
	}
	e.db, e.lost = db, false
	return nil
}

// use runs fn with the database, which is opened again first if it was lost. It
// is not while another call, perhaps the one that fn was called from, holds the
// old one: that call is failing, too, and soon over.
func (e *engine) use(ctx context.Context, op string, fn func(*sql.DB) error) (err error) {
	db, err := e.enter(ctx, op)
	if err != nil {
		return err
	}
	defer func() { e.leave(err) }()
	return fn(db)
}

func (e *engine) enter(ctx context.Context, op string) (*sql.DB, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lost && e.users > 0 {
		return nil, fault.WrapAs(fault.Unavailable, op, errLost, "The lake has shut itself down after a failure; try again in a moment.")
	}
	if e.lost && e.db != nil {
		_ = e.db.Close() // it has failed already, and the log on disk has everything
		e.db = nil
	}
	if e.db == nil {
		if err := e.open(ctx); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	e.users++
	return e.db, nil
}

func (e *engine) leave(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.users--
	if errors.Is(err, errLost) {
		e.lost = true
	}
}

// close folds the write-ahead log into the file and closes it.
func (e *engine) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.db == nil {
		return nil
	}
	if e.lost {
		_ = e.db.Close() // it has failed already, and the log on disk has everything
		return nil
	}
	// The lake is complete without the checkpoint: the next start replays
	// the log. So its failure is reported but does not keep the file open.
	_, err := e.db.ExecContext(context.Background(), `CHECKPOINT`)
	return fromEngine("duckdblake.close", errors.Join(err, e.db.Close()))
}

// Package state is the port to the transactional store of everything Parley has
// concluded: who is whom, traits, memberships, what was handed over and why not.
//
// The statements are written once, here, in the SQL that SQLite and PostgreSQL
// share; a driver gives only the connections and the dialect (ADR 0003). Two
// drivers therefore cannot give different answers.
//
// # Promises
//
//   - Update runs one transaction. Its effects and the journal position it sets
//     commit together or not at all (I3).
//   - There is one writer at a time in the whole installation, on every driver;
//     readers see the last commit and never block it.
//   - Update with Durable returns after the commit is on disk. With Replayable a
//     power loss may undo the newest commits as a whole, never in part; the
//     journal then brings them back. A killed process loses nothing either way.
//   - Errors carry a fault kind: a full disk or a lost server is Unavailable,
//     and the same call works once the cause is gone.
package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/pressly/goose/v3"

	"parley/internal/fault"
	"parley/internal/state/migration"
)

// Durability says what a commit may still lose.
type Durability uint8

// The durabilities (see the package's promises).
const (
	Replayable Durability = iota
	Durable
)

// Driver gives a Store its connections. Close closes them.
type Driver struct {
	// Replay and Sync are write connections of the two durabilities; they may
	// be the same pool. Read is for readers.
	Replay, Sync, Read *sql.DB
	Dialect            Dialect
}

// Dialect is the little in which the databases differ.
type Dialect struct {
	Name  string
	Goose goose.Dialect
	// Numbered: parameters are $1, $2 instead of question marks.
	Numbered bool
	// MaxParameters in one statement.
	MaxParameters int
	// Bytewise follows a text column in ORDER BY, so that no locale decides an
	// order (I4); empty where bytes are compared anyway.
	Bytewise string
	// Migrate are further options of the schema's upgrade, such as its lock.
	Migrate []goose.ProviderOption
	// LockWriter is run first in every write transaction so that there is one
	// writer at a time; empty when the database does that by itself.
	LockWriter string
	// Classify tells the kind of a database error.
	Classify func(error) fault.Kind
}

// Store is what callers hold. It is safe for concurrent use.
type Store struct {
	d     Driver
	write chan struct{} // held by this process's one writer
	texts texts
	close sync.Once
}

// Open builds or upgrades the schema and returns the store. It refuses a schema
// newer than this program. When it fails it has closed the driver.
func Open(ctx context.Context, d Driver) (*Store, error) {
	s := &Store{d: d, write: make(chan struct{}, 1)}
	if err := s.migrate(ctx); err != nil {
		_ = s.Close() // the reason for failing is the one to tell
		return nil, err
	}
	return s, nil
}

func (s *Store) migrate(ctx context.Context) error {
	d := &s.d.Dialect
	p, err := goose.NewProvider(d.Goose, s.d.Sync, migration.Files, d.Migrate...)
	if err != nil {
		return fault.Wrap("state.open", err)
	}
	at, target, err := p.GetVersions(ctx)
	if err == nil && at > target {
		return fault.New(fault.Conflict, "state.open",
			"The data was written by a newer Parley (schema %d, this one knows %d); run the newer version.", at, target)
	}
	if _, err := p.Up(ctx); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("state.open: %w", ctx.Err())
		}
		return fault.WrapAs(d.Classify(err), "state.open", err, "The state database could not be prepared.")
	}
	return nil
}

// Close closes the connections.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		err = errors.Join(s.d.Replay.Close(), s.d.Read.Close())
		if s.d.Sync != s.d.Replay {
			err = errors.Join(err, s.d.Sync.Close())
		}
	})
	return fault.Wrap("state.close", err)
}

// Dialect names the driver: sqlite or postgres.
func (s *Store) Dialect() string { return s.d.Dialect.Name }

// Tx is one transaction. It must not be kept after its function returns.
type Tx struct {
	tx    *sql.Tx
	d     *Dialect
	texts *texts
	// failed is the first error of a statement. A database may end a
	// transaction with it and run what follows on its own, so nothing may
	// follow, and nothing may commit even if the caller overlooks the error (I3).
	failed error
}

// Raw is the transaction beneath, for tests that damage data on purpose.
func (tx *Tx) Raw() *sql.Tx { return tx.tx }

// Update runs fn in a write transaction and commits when it returns nil and no
// statement failed. It waits for the writers before it, at most until ctx ends.
func (s *Store) Update(ctx context.Context, durability Durability, fn func(*Tx) error) error {
	select {
	case s.write <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("state.begin: %w", ctx.Err())
	}
	defer func() { <-s.write }()
	db := s.d.Replay
	if durability == Durable {
		db = s.d.Sync
	}
	return s.run(ctx, db, nil, fn)
}

// View runs fn in a read transaction: one consistent picture.
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	return s.run(ctx, s.d.Read, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}, fn)
}

func (s *Store) run(ctx context.Context, db *sql.DB, opts *sql.TxOptions, fn func(*Tx) error) error {
	if opts != nil && s.d.Dialect.Name == "sqlite" {
		opts = &sql.TxOptions{ReadOnly: true} // its snapshots are repeatable without saying so
	}
	raw, err := db.BeginTx(ctx, opts)
	if err != nil {
		return s.classify(ctx, "state.begin", err)
	}
	tx := &Tx{tx: raw, d: &s.d.Dialect, texts: &s.texts}
	defer func() { _ = raw.Rollback() }() // no-op after a commit
	if opts == nil && s.d.Dialect.LockWriter != "" {
		if _, err := raw.ExecContext(ctx, s.d.Dialect.LockWriter); err != nil {
			return s.classify(ctx, "state.lock", err)
		}
	}
	err = fn(tx)
	if err == nil {
		err = tx.failed
	}
	if err != nil {
		return s.classify(ctx, "state.transaction", err)
	}
	return s.classify(ctx, "state.commit", raw.Commit())
}

// classify gives a database error its kind; our own errors keep theirs. When ctx
// has ended that is the cause, whatever the driver made of it.
func (s *Store) classify(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	var own *fault.Error
	if errors.As(err, &own) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", op, err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w: %w", op, ctx.Err(), err)
	}
	kind := s.d.Dialect.Classify(err)
	if kind == fault.Unavailable {
		return fault.WrapAs(kind, op, err, "The state database cannot be written right now; check its disk and connection.")
	}
	return &fault.Error{Kind: kind, Op: op, Err: err}
}

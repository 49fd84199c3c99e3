// Package pgstate is the PostgreSQL driver of the state port, for installations
// that have outgrown one machine, and for databases that speak its protocol.
package pgstate

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"parley/internal/fault"
	"parley/internal/state"
)

// writerLock is the advisory lock that makes one writer at a time.
const writerLock = "SELECT pg_advisory_xact_lock(7305792801)"

// upgradeLock is the advisory lock that makes one upgrade of the schema at a time.
const upgradeLock = 7305792802

// Open connects to the database of a postgres:// address and prepares its
// schema. The address may hold a password: it never appears in an error (I12).
func Open(ctx context.Context, address string) (*state.Store, error) {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "pgstate.open", "The PostgreSQL address cannot be read; it looks like postgres://user@host:5432/database.")
	}
	write := stdlib.OpenDB(*cfg)
	write.SetMaxOpenConns(4)
	write.SetMaxIdleConns(4)
	replay := stdlib.OpenDB(*replayable(cfg))
	replay.SetMaxOpenConns(2)
	read := stdlib.OpenDB(*cfg)
	read.SetMaxOpenConns(8)
	read.SetMaxIdleConns(8)
	return open(ctx, replay, write, read)
}

func open(ctx context.Context, replay, write, read *sql.DB) (*state.Store, error) {
	if err := write.PingContext(ctx); err != nil {
		return nil, fault.WrapAs(fault.Unavailable, "pgstate.open", errors.Join(err, replay.Close(), write.Close(), read.Close()),
			"PostgreSQL does not answer; check that it runs and that the address is right.")
	}
	// Workers that start together upgrade one after the other: tried every second, for five minutes.
	upgrade, err := lock.NewPostgresSessionLocker(lock.WithLockID(upgradeLock), lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, fault.Wrap("pgstate.open", errors.Join(err, replay.Close(), write.Close(), read.Close()))
	}
	return state.Open(ctx, state.Driver{
		Replay: replay, Sync: write, Read: read,
		Dialect: state.Dialect{
			Name: "postgres", Goose: goose.DialectPostgres, Numbered: true, MaxParameters: 60000,
			LockWriter: writerLock, Classify: classify, Bytewise: ` COLLATE "C"`,
			Migrate: []goose.ProviderOption{goose.WithSessionLocker(upgrade)},
		},
	})
}

// replayable lets commits return before the disk has them: the journal can
// bring them back (see state.Replayable).
func replayable(cfg *pgx.ConnConfig) *pgx.ConnConfig {
	c := cfg.Copy()
	c.RuntimeParams["synchronous_commit"] = "off"
	return c
}

func classify(err error) fault.Kind {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return fault.Unavailable // whatever kept us from connecting, trying again may help
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case strings.HasPrefix(pg.Code, "08"), strings.HasPrefix(pg.Code, "53"), strings.HasPrefix(pg.Code, "57P"), strings.HasPrefix(pg.Code, "58"), pg.Code == "25006":
			return fault.Unavailable // connection, no resources, shut down, system error, read only
		case strings.HasPrefix(pg.Code, "40"), pg.Code == "55P03", pg.Code == "57014":
			return fault.Busy // serialisation failure, deadlock, lock or statement timed out
		}
		return fault.Internal
	}
	var network net.Error
	if errors.As(err, &network) || pgconn.SafeToRetry(err) {
		return fault.Unavailable
	}
	for _, lost := range []error{sql.ErrConnDone, driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, lost) {
			return fault.Unavailable
		}
	}
	return fault.Internal
}

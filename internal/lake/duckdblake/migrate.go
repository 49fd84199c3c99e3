package duckdblake

import (
	"context"
	"database/sql"

	"parley/internal/fault"
)

// migrations bring a file from version i to i+1. One that was released never changes.
var migrations = []string{
	// 1. Everything is NOT NULL except the node of nobody's rows. size is the
	// length of event, so that reads can plan pages without touching the text.
	// VARCHAR compares by bytes in DuckDB unless a collation is asked for (I4).
	`CREATE TABLE event (
		position BIGINT NOT NULL, idx INTEGER NOT NULL,
		source VARCHAR NOT NULL, id VARCHAR NOT NULL, type VARCHAR NOT NULL, name VARCHAR NOT NULL,
		time TIMESTAMP NOT NULL, received_at TIMESTAMP NOT NULL,
		node UUID, namespace VARCHAR NOT NULL, value VARCHAR NOT NULL,
		size INTEGER NOT NULL, event VARCHAR NOT NULL);
	CREATE TABLE node_person (node UUID NOT NULL, person BIGINT NOT NULL);
	CREATE TABLE progress (position BIGINT NOT NULL);
	INSERT INTO progress VALUES (0)`,
}

// migrate brings the file to the newest version, one transaction a step.
func migrate(ctx context.Context, db *sql.DB) error {
	const op = "duckdblake.migrate"
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)`)
	if err != nil {
		return fromEngine(op, err)
	}
	var at int
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM schema_version`).Scan(&at)
	if err != nil {
		return fromEngine(op, err)
	}
	if at > len(migrations) {
		return fault.New(fault.Conflict, op, "The lake was written by a newer Parley (schema %d, this one knows %d); upgrade.", at, len(migrations))
	}
	for ; at < len(migrations); at++ {
		if err := step(ctx, db, migrations[at], at+1); err != nil {
			return fromEngine(op, err)
		}
	}
	return nil
}

func step(ctx context.Context, db *sql.DB, statements string, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	if _, err := tx.ExecContext(ctx, statements); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO schema_version VALUES (?)`, version); err != nil {
		return err
	}
	return tx.Commit()
}

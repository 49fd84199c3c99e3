package duckdblake

import (
	"context"
	"crypto/sha256"
	"database/sql"
	sqldriver "database/sql/driver"
	"sort"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/lake"
)

// Append implements lake.Driver. Rows go through DuckDB's appender, which writes
// into the open transaction of its connection; so rows, map and position commit
// together or not at all (I3; TestI3KillAtAnyInstant).
func (d *driver) Append(ctx context.Context, b lake.Batch) error {
	const op = "duckdblake.append"
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.engine.use(ctx, op, func(db *sql.DB) error { return appendTo(ctx, op, db, b) })
}

func appendTo(ctx context.Context, op string, db *sql.DB, b lake.Batch) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fromEngine(op, err)
	}
	defer func() { _ = conn.Close() }() // back to the pool
	// The transaction must not end by itself when ctx does: the appender would
	// go on outside of it and commit rows without their position (I3).
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return fromEngine(op, err)
	}
	err = write(ctx, conn, tx, b)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = tx.Rollback() // the first error tells more
		return fromEngine(op, err)
	}
	return fromEngine(op, tx.Commit())
}

func write(ctx context.Context, conn *sql.Conn, tx *sql.Tx, b lake.Batch) error {
	var at int64
	if err := tx.QueryRowContext(ctx, `SELECT position FROM progress`).Scan(&at); err != nil {
		return err
	}
	if int64(b.UpTo) <= at {
		return nil
	}
	stored := journal.Position(at)
	first := sort.Search(len(b.Rows), func(i int) bool { return b.Rows[i].Position > stored })
	if err := appendRows(ctx, conn, b.Rows[first:]); err != nil {
		return err
	}
	if err := mergeNodes(ctx, conn, tx, b.Assignments); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE progress SET position = ?`, int64(b.UpTo))
	return err
}

// checkEvery is how many rows pass between looks at the context.
const checkEvery = 4096

func appendRows(ctx context.Context, conn *sql.Conn, rows []lake.Row) error {
	if len(rows) == 0 {
		return nil
	}
	return withAppender(ctx, conn, "", "event", func(a *duckdb.Appender) error {
		values := make([]sqldriver.Value, 13)
		for i := range rows {
			if i%checkEvery == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			fill(values, &rows[i])
			if err := a.AppendRow(values...); err != nil {
				return err
			}
		}
		return nil
	})
}

func fill(v []sqldriver.Value, r *lake.Row) {
	v[0], v[1] = int64(r.Position), int32(r.Index)
	v[2], v[3], v[4], v[5] = r.Source, r.ID, string(r.Type), r.Name
	v[6], v[7] = r.Time, r.ReceivedAt
	v[8] = nil
	if !lake.Nobody(r.Node) {
		v[8] = digest(r.Node)
	}
	v[9], v[10] = r.Node.Namespace, r.Node.Value
	v[11], v[12] = int32(len(r.Event)), r.Event
}

// digest is the node's key: the first 128 bits of SHA-256 over namespace, NUL and
// value. Neither part holds a NUL, so no two nodes share an input; that two of
// n nodes share a digest has a chance below n²/2^129.
func digest(n event.Identifier) duckdb.UUID {
	var buf [128]byte
	b := append(buf[:0], n.Namespace...)
	b = append(b, 0)
	b = append(b, n.Value...)
	sum := sha256.Sum256(b)
	return duckdb.UUID(sum[:16])
}

const stageNodes = `CREATE TEMP TABLE staged (node UUID NOT NULL, person BIGINT NOT NULL)`

const mergeStaged = `MERGE INTO node_person AS n USING temp.staged AS s ON n.node = s.node
	WHEN MATCHED AND s.person = 0 THEN DELETE
	WHEN MATCHED AND s.person <> n.person THEN UPDATE SET person = s.person
	WHEN NOT MATCHED AND s.person <> 0 THEN INSERT VALUES (s.node, s.person)`

// mergeNodes brings the map up to date. The last assignment of a node wins, and
// rows are staged in the order they came, so equal batches write equal files.
func mergeNodes(ctx context.Context, conn *sql.Conn, tx *sql.Tx, as []lake.Assignment) error {
	if len(as) == 0 {
		return nil
	}
	last := make(map[event.Identifier]int, len(as))
	for i := range as {
		last[as[i].Node] = i
	}
	if _, err := tx.ExecContext(ctx, stageNodes); err != nil {
		return err
	}
	err := withAppender(ctx, conn, "temp", "staged", func(a *duckdb.Appender) error {
		for i := range as {
			if last[as[i].Node] != i {
				continue
			}
			if err := a.AppendRow(digest(as[i].Node), as[i].Person); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, mergeStaged); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DROP TABLE temp.staged`)
	return err
}

// withAppender runs fn with an appender inside the connection's transaction and
// flushes it.
func withAppender(ctx context.Context, conn *sql.Conn, catalog, table string, fn func(*duckdb.Appender) error) error {
	return conn.Raw(func(raw any) error {
		a, err := duckdb.NewAppender(raw.(sqldriver.Conn), catalog, "main", table)
		if err != nil {
			return err
		}
		if err := fn(a); err != nil {
			// Close flushes; the transaction is rolled back all the same.
			_ = a.Clear()
			_ = a.CloseWithCancel(ctx)
			return err
		}
		return a.CloseWithCancel(ctx)
	})
}

package duckdblake

import (
	"context"
	"database/sql"
	"fmt"

	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/lake"
)

// pageBytes is how much of the history a read holds at a time. rowBytes is what a
// row weighs besides its event.
const (
	pageBytes = 8 << 20
	rowBytes  = 256
)

// Scan implements lake.Driver. A first query over two narrow columns cuts the
// chosen rows into pages of whole blocks; then each page is a range of positions,
// which DuckDB finds by the bounds it keeps for every row group.
func (d *driver) Scan(ctx context.Context, q lake.Query, fn func(lake.Row, int64) error) error {
	const op = "duckdblake.scan"
	c := choose(q)
	page := fmt.Sprintf(`SELECT %s, coalesce(n.person, 0) FROM %s
		WHERE %s AND e.position > ? AND e.position <= ? ORDER BY e.position, e.idx`, columns, c.from, c.where)
	return d.read(ctx, op, func(tx *sql.Tx) error {
		ends, err := plan(ctx, tx, `e.position`, c)
		if err != nil {
			return fromEngine(op, err)
		}
		var after int64
		for _, end := range ends {
			if err := each(ctx, tx, op, page, c.with(after, end), fn); err != nil {
				return err
			}
			after = end
		}
		return nil
	})
}

// sortedUnit is how many rows of the sorted copy a page grows by.
const sortedUnit = 256

// ScanByPerson implements lake.Driver. DuckDB sorts a copy in a temporary table,
// which goes to disk when it exceeds the memory limit, and pages are cut from it.
func (d *driver) ScanByPerson(ctx context.Context, names []string, fn func(int64, []lake.Row) error) error {
	const op = "duckdblake.scan_by_person"
	c := choose(lake.Query{Names: names})
	copied := fmt.Sprintf(`CREATE TEMP TABLE sorted AS SELECT %s, e.size, n.person FROM %s
		WHERE %s ORDER BY n.person, e.position, e.idx`, columns, somebody, c.where)
	page := fmt.Sprintf(`SELECT %s, e.person FROM temp.sorted AS e
		WHERE e.rowid >= ? AND e.rowid < ? ORDER BY e.rowid`, columns)
	return d.read(ctx, op, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, copied, c.args...); err != nil {
			return fromEngine(op, err)
		}
		unit := fmt.Sprintf(`e.rowid // %d`, sortedUnit)
		ends, err := plan(ctx, tx, unit, chosen{from: `temp.sorted AS e`, where: `true`})
		if err != nil {
			return fromEngine(op, err)
		}
		g := grouping{fn: fn}
		var from int64
		for _, end := range ends {
			to := (end + 1) * sortedUnit
			if err := each(ctx, tx, op, page, []any{from, to}, g.add); err != nil {
				return err
			}
			from = to
		}
		return g.flush()
	})
}

// grouping gathers the rows of one person.
type grouping struct {
	fn     func(int64, []lake.Row) error
	person int64
	rows   []lake.Row
}

func (g *grouping) add(r lake.Row, person int64) error {
	if person != g.person {
		if err := g.flush(); err != nil {
			return err
		}
		g.person = person
	}
	g.rows = append(g.rows, r)
	return nil
}

func (g *grouping) flush() error {
	if len(g.rows) == 0 {
		return nil
	}
	rows := g.rows
	g.rows = nil // fn may keep them
	return g.fn(g.person, rows)
}

// read runs fn in a transaction that is rolled back, which also drops temporary
// tables. Everything fn reads is one snapshot.
func (d *driver) read(ctx context.Context, op string, fn func(*sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fromEngine(op, err)
	}
	return d.engine.use(ctx, op, func(db *sql.DB) error {
		tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
		if err != nil {
			return fromEngine(op, err)
		}
		defer func() { _ = tx.Rollback() }() // nothing was written
		return fn(tx)
	})
}

// plan cuts the chosen rows into pages of about pageBytes and returns the last
// unit of each. A unit, an ascending integer, is never cut.
func plan(ctx context.Context, tx *sql.Tx, unit string, c chosen) ([]int64, error) {
	query := fmt.Sprintf(`WITH units AS (SELECT %s AS unit, sum(e.size + %d) AS weight FROM %s WHERE %s GROUP BY ALL),
		running AS (SELECT unit, sum(weight) OVER (ORDER BY unit) AS total FROM units)
		SELECT max(unit)::BIGINT FROM running GROUP BY total // %d ORDER BY 1`,
		unit, rowBytes, c.from, c.where, pageBytes)
	rows, err := tx.QueryContext(ctx, query, c.args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has told already
	var ends []int64
	for rows.Next() {
		var end int64
		if err := rows.Scan(&end); err != nil {
			return nil, err
		}
		ends = append(ends, end)
	}
	return ends, rows.Err()
}

const columns = `e.position, e.idx, e.source, e.id, e.type, e.name, e.time, e.received_at, e.namespace, e.value, e.event`

// each runs a page's query. Errors of fn come back as they are.
func each(ctx context.Context, tx *sql.Tx, op, query string, args []any, fn func(lake.Row, int64) error) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return fromEngine(op, err)
	}
	defer func() { _ = rows.Close() }() // Err has told already
	for rows.Next() {
		r, person, err := decode(rows)
		if err != nil {
			return fromEngine(op, err)
		}
		if err := fn(r, person); err != nil {
			return err
		}
	}
	return fromEngine(op, rows.Err())
}

func decode(rows *sql.Rows) (lake.Row, int64, error) {
	var (
		r                lake.Row
		position, person int64
		typ              string
	)
	err := rows.Scan(&position, &r.Index, &r.Source, &r.ID, &typ, &r.Name, &r.Time, &r.ReceivedAt,
		&r.Node.Namespace, &r.Node.Value, &r.Event, &person)
	r.Position, r.Type = journal.Position(position), event.Type(typ)
	return r, person, err
}

// Count implements lake.Driver.
func (d *driver) Count(ctx context.Context, q lake.Query) (int64, error) {
	const op = "duckdblake.count"
	c := choose(q)
	if q.Persons == nil {
		c.from = `event AS e` // no need to know whose they are
	}
	var n int64
	err := d.engine.use(ctx, op, func(db *sql.DB) error {
		return fromEngine(op, db.QueryRowContext(ctx, `SELECT count(*) FROM `+c.from+` WHERE `+c.where, c.args...).Scan(&n))
	})
	return n, err
}

// Stats implements lake.Driver.
func (d *driver) Stats(ctx context.Context) (lake.Stats, error) {
	const op = "duckdblake.stats"
	var s lake.Stats
	err := d.read(ctx, op, func(tx *sql.Tx) error {
		var p int64
		if err := tx.QueryRowContext(ctx, `SELECT position FROM progress`).Scan(&p); err != nil {
			return fromEngine(op, err)
		}
		s.Position = journal.Position(p)
		rows, err := tx.QueryContext(ctx, `SELECT name, count(*), min(time), max(time) FROM event GROUP BY name ORDER BY name`)
		if err != nil {
			return fromEngine(op, err)
		}
		defer func() { _ = rows.Close() }() // Err has told already
		for rows.Next() {
			var n lake.NameStats
			if err := rows.Scan(&n.Name, &n.Rows, &n.First, &n.Last); err != nil {
				return fromEngine(op, err)
			}
			s.Rows += n.Rows
			s.Names = append(s.Names, n)
		}
		return fromEngine(op, rows.Err())
	})
	return s, err
}

package state

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

// table describes rows for bulk statements: the first key columns are the primary key.
type table struct {
	name    string
	columns []string
	keys    int
	// onConflict overrides what happens to an existing row; empty replaces it.
	onConflict string
}

// placeholders turns question marks into the dialect's parameters.
func (d *Dialect) placeholders(query string) string {
	if !d.Numbered {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 32)
	n := 0
	for i := range len(query) {
		if query[i] != '?' {
			b.WriteByte(query[i])
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := tx.tx.ExecContext(ctx, tx.d.placeholders(query), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query calls scan once per row.
func (tx *Tx) query(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.tx.QueryContext(ctx, tx.d.placeholders(query), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err below is the answer
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (tx *Tx) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(ctx, tx.d.placeholders(query), args...)
}

// put inserts rows in as few statements as the dialect allows. The keys of rows
// must differ from each other.
func (tx *Tx) put(ctx context.Context, t *table, rows [][]any) error {
	width := len(t.columns)
	most := min(tx.d.MaxParameters/width, 500)
	for len(rows) > 0 {
		n := min(most, len(rows))
		args := make([]any, 0, n*width)
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if _, err := tx.exec(ctx, t.insert(n), args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (t *table) insert(n int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES ")
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(t.columns)), ", ") + ")"
	b.WriteString(strings.TrimSuffix(strings.Repeat(row+", ", n), ", "))
	b.WriteString(" ON CONFLICT (" + strings.Join(t.columns[:t.keys], ", ") + ") DO ")
	if t.onConflict != "" {
		b.WriteString(t.onConflict)
		return b.String()
	}
	sets := make([]string, 0, len(t.columns)-t.keys)
	for _, c := range t.columns[t.keys:] {
		sets = append(sets, c+" = excluded."+c)
	}
	if len(sets) == 0 {
		b.WriteString("NOTHING")
		return b.String()
	}
	b.WriteString("UPDATE SET " + strings.Join(sets, ", "))
	return b.String()
}

// get selects columns of the rows whose leading text columns equal one of the
// keys; each key has as many parts as by names.
func (tx *Tx) get(ctx context.Context, from string, columns, by []string, keys [][]any, scan func(*sql.Rows) error) error {
	most := min(tx.d.MaxParameters/len(by), 400)
	head := "SELECT " + strings.Join(columns, ", ") + " FROM " + from + " WHERE "
	tuple := "?"
	if len(by) > 1 {
		tuple = "(" + strings.TrimSuffix(strings.Repeat("?, ", len(by)), ", ") + ")"
		head += "(" + strings.Join(by, ", ") + ") IN (VALUES "
	} else {
		head += by[0] + " IN ("
	}
	for len(keys) > 0 {
		n := min(most, len(keys))
		args := make([]any, 0, n*len(by))
		for _, k := range keys[:n] {
			args = append(args, k...)
		}
		list := strings.TrimSuffix(strings.Repeat(tuple+", ", n), ", ")
		if err := tx.query(ctx, scan, head+list+")", args...); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

package state

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// table describes rows for bulk statements: the first key columns are the primary key.
type table struct {
	name    string
	columns []string
	keys    int
	// onConflict overrides what happens to an existing row; empty replaces it.
	onConflict string
}

// refuse as onConflict makes an existing row an error.
const refuse = "refuse"

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

// exec runs a statement; its parameters are question marks.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) error {
	if tx.failed != nil {
		return tx.failed
	}
	_, tx.failed = tx.tx.ExecContext(ctx, tx.texts.query(tx.d, query), args...)
	return tx.failed
}

// query calls scan once per row; scan must not use the transaction.
func (tx *Tx) query(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	return tx.rows(ctx, scan, tx.texts.query(tx.d, query), args)
}

func (tx *Tx) rows(ctx context.Context, scan func(*sql.Rows) error, query string, args []any) error {
	if tx.failed != nil {
		return tx.failed
	}
	rows, err := tx.tx.QueryContext(ctx, query, args...)
	if err != nil {
		tx.failed = err
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err below is the answer
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	tx.failed = rows.Err()
	return tx.failed
}

// queryRow scans the first row into dest, or gives sql.ErrNoRows.
func (tx *Tx) queryRow(ctx context.Context, dest []any, query string, args ...any) error {
	found := false
	err := tx.query(ctx, func(r *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return r.Scan(dest...)
	}, query, args...)
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// The numbers of rows in one bulk statement. They are few, so that a connection
// keeps every bulk statement prepared: parsing one costs more than running it.
var (
	putSizes = []int{200, 20, 1}
	getSizes = []int{400, 50, 5, 1}
)

// put inserts rows in bulk, sorting them by key: bulk writes then happen in one
// order on every run (I4), and neighbours, which share pages, are written
// together. The keys of rows must differ from each other.
func (tx *Tx) put(ctx context.Context, t *table, rows [][]any) error {
	byKey := func(a, b []any) int { return compareKeys(a[:t.keys], b[:t.keys]) }
	if !slices.IsSortedFunc(rows, byKey) { // most callers have sorted already
		slices.SortStableFunc(rows, byKey)
	}
	width := len(t.columns)
	args := make([]any, 0, min(len(rows), putSizes[0])*width)
	for _, n := range putSizes {
		if n*width > tx.d.MaxParameters {
			continue
		}
		for len(rows) >= n {
			args = args[:0]
			for _, r := range rows[:n] {
				args = append(args, r...)
			}
			if tx.failed != nil {
				return tx.failed
			}
			text := tx.texts.bulk(tx.d, textKey{name: t.name, rows: n}, func() string { return t.insert(n) })
			if _, tx.failed = tx.tx.ExecContext(ctx, text, args...); tx.failed != nil {
				return tx.failed
			}
			rows = rows[n:]
		}
	}
	return nil
}

// compareKeys orders keys of text and integers.
func compareKeys(a, b []any) int {
	for i := range a {
		c := 0
		switch x := a[i].(type) {
		case string:
			y, _ := b[i].(string)
			c = strings.Compare(x, y)
		case int64:
			y, _ := b[i].(int64)
			c = cmp.Compare(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func (t *table) insert(n int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES ")
	b.WriteString(list(tuple(len(t.columns)), n))
	if t.onConflict == refuse {
		return b.String()
	}
	b.WriteString(" ON CONFLICT (" + strings.Join(t.columns[:t.keys], ", ") + ") DO ")
	if t.onConflict != "" {
		b.WriteString(t.onConflict)
		return b.String()
	}
	sets := make([]string, 0, len(t.columns)-t.keys)
	for _, c := range t.columns[t.keys:] {
		sets = append(sets, c+" = excluded."+c)
	}
	b.WriteString("UPDATE SET " + strings.Join(sets, ", "))
	return b.String()
}

func tuple(n int) string { return "(" + list("?", n) + ")" }

func list(item string, n int) string { return strings.TrimSuffix(strings.Repeat(item+", ", n), ", ") }

// get selects columns of the rows whose columns by equal one of the keys, each
// row once, in no order. By are two or more text columns, or one of any type. A
// key that comes twice is asked once.
func (tx *Tx) get(ctx context.Context, from string, columns, by []string, keys [][]any, scan func(*sql.Rows) error) error {
	keys = distinct(keys)
	args := make([]any, 0, min(len(keys), getSizes[0])*len(by))
	for len(keys) > 0 {
		size := getSize(len(keys))
		n := min(size, len(keys))
		args = args[:0]
		for i := range size { // padded with the last key: IN asks it once
			args = append(args, keys[min(i, n-1)]...)
		}
		text := tx.texts.bulk(tx.d, textKey{name: from, by: by[0], rows: size}, func() string { return selectIn(from, columns, by, size) })
		if err := tx.rows(ctx, scan, text, args); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// getSize is the smallest statement that holds n keys, or the largest there is.
func getSize(n int) int {
	size := getSizes[0]
	for _, s := range getSizes[1:] {
		if s >= n {
			size = s
		}
	}
	return size
}

func selectIn(from string, columns, by []string, n int) string {
	head := "SELECT " + strings.Join(columns, ", ") + " FROM " + from + " WHERE "
	if len(by) == 1 {
		return head + by[0] + " IN " + tuple(n)
	}
	return head + "(" + strings.Join(by, ", ") + ") IN (VALUES " + list(tuple(len(by)), n) + ")"
}

// distinct keeps the first of equal keys. Keys have at most three parts.
func distinct(keys [][]any) [][]any {
	if len(keys) < 2 {
		return keys
	}
	seen := make(map[[3]any]bool, len(keys))
	out := make([][]any, 0, len(keys))
	for _, k := range keys {
		var id [3]any
		copy(id[:], k)
		if !seen[id] {
			seen[id] = true
			out = append(out, k)
		}
	}
	return out
}

// texts keeps statements in the dialect's form. Their number is bounded by the
// statements of this package times the bulk sizes.
type texts struct{ m sync.Map }

type textKey struct {
	name, by string
	rows     int
}

func (t *texts) query(d *Dialect, query string) string {
	if !d.Numbered {
		return query
	}
	return t.bulk(d, textKey{name: query}, func() string { return query })
}

func (t *texts) bulk(d *Dialect, key textKey, build func() string) string {
	if text, ok := t.m.Load(key); ok {
		return text.(string)
	}
	text := d.placeholders(build())
	t.m.Store(key, text)
	return text
}

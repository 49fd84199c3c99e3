package statetest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"parley/internal/state"
)

// Dump writes everything a store holds in one canonical form, a line for each
// row as table column=value …, sorted bytewise. Two stores with equal dumps
// answer every question alike. Leases are left out: they belong to the moment.
func Dump(ctx context.Context, s *state.Store) ([]byte, error) {
	tables := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
	if s.Dialect() == "postgres" {
		tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	}
	var lines []string
	err := s.View(ctx, func(tx *state.Tx) error {
		names, err := column(ctx, tx.Raw(), tables)
		if err != nil {
			return err
		}
		for _, name := range names {
			if name == "lease" || name == "durable_mark" || strings.HasPrefix(name, "goose_") {
				continue
			}
			if lines, err = dumpTable(ctx, tx.Raw(), name, lines); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(lines)
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l)
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

func column(ctx context.Context, tx *sql.Tx, query string) (out []string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err is the answer
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func dumpTable(ctx context.Context, tx *sql.Tx, name string, lines []string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err is the answer
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]any, len(columns))
	dest := make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		var b strings.Builder
		b.WriteString(name)
		for i, v := range values {
			if raw, ok := v.([]byte); ok {
				v = string(raw)
			}
			switch v.(type) {
			case string:
				fmt.Fprintf(&b, " %s=%q", columns[i], v)
			case int64:
				fmt.Fprintf(&b, " %s=%d", columns[i], v)
			default:
				return nil, fmt.Errorf("%s.%s is a %T; the schema has TEXT and BIGINT, NOT NULL", name, columns[i], v)
			}
		}
		lines = append(lines, b.String())
	}
	return lines, rows.Err()
}

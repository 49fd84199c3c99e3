package pipelinetest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// tables are what the journal alone decides, with their primary keys. The lease
// belongs to the process and the outbox to the lake's pace.
var tables = [][2]string{
	{"meta", "key"}, {"receipt", "source, id"}, {"counter", "source, hour, outcome"}, {"row_version", "source, key"},
	{"unique_value", "source, fields, hash"}, {"quarantine", "id"}, {"identifier", "namespace, value"},
	{"assertion", "seq"}, {"person", "id"}, {"alias", "person"}, {"timer", "person"}, {"membership", "audience, person"},
	{"delivery", "activation, person"}, {"disclosure", "book, seq"}, {"workspace_version", "version"},
}

// Dump returns everything in state that the journal decides, as text. Two runs
// of one journal must give the same (I3, I4, I5).
func Dump(ctx context.Context, db *sql.DB) (string, error) {
	var b strings.Builder
	for _, t := range tables {
		if err := dumpTable(ctx, db, &b, t[0], t[1]); err != nil {
			return "", fmt.Errorf("%s: %w", t[0], err)
		}
	}
	return b.String(), nil
}

func dumpTable(ctx context.Context, db *sql.DB, b *strings.Builder, name, order string) error {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+name+" ORDER BY "+order)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err below is the answer
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		b.WriteString(name)
		for i, c := range cells {
			fmt.Fprintf(b, " %s=%q", columns[i], c.String)
		}
		b.WriteByte('\n')
	}
	return rows.Err()
}

// Difference shows the first lines in which two dumps differ, "" when none do.
func Difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		x, y := at(a, i), at(b, i)
		if x != y {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, x, y)
		}
	}
	return ""
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}

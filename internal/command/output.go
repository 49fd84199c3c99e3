package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"parley/internal/fault"
)

// table is rows under a head; a short one is read at a glance.
type table struct {
	head []string
	rows [][]string
	// after is shown below, one sentence a line.
	after []string
}

func (t *table) row(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

func (t *table) say(format string, args ...any) {
	t.after = append(t.after, fmt.Sprintf(format, args...))
}

// print writes the answer: value with --json, else the table.
func (s *session) print(value any, t *table) error {
	if s.JSON {
		return writeJSON(s.Stdout, value)
	}
	return t.write(s.Stdout)
}

func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return written(e.Encode(value))
}

func (t *table) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(t.rows) > 0 {
		if len(t.head) > 0 {
			fmt.Fprintln(tw, strings.Join(t.head, "\t"))
		}
		for _, row := range t.rows {
			fmt.Fprintln(tw, strings.Join(row, "\t"))
		}
	}
	for _, line := range t.after {
		fmt.Fprintln(tw, line)
	}
	return written(tw.Flush())
}

// written says what a failure to write standard output means.
func written(err error) error {
	if err == nil {
		return nil
	}
	return fault.WrapAs(fault.Unavailable, "command.print", err, "The answer could not be written; check where standard output goes.")
}

// plural is a number with its noun.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

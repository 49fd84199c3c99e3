package command

import (
	"bytes"
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
	var aligned bytes.Buffer
	tw := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	if len(t.rows) > 0 && len(t.head) > 0 {
		fmt.Fprintln(tw, strings.Join(t.head, "\t"))
	}
	for _, row := range t.rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return written(err)
	}
	var out strings.Builder
	for line := range strings.Lines(aligned.String()) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	for _, line := range t.after {
		out.WriteString(line + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return written(err)
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

package importer

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"parley/internal/contract"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/source"
	"parley/internal/source/table"
	"parley/internal/workspace"
)

// PreviewRow is one row as it would come in. It holds personal data.
type PreviewRow struct {
	Line      int64       `json:"line"`
	ID        string      `json:"id"`
	Row       source.Row  `json:"row,omitempty"` // nil if it cannot be read
	Event     event.Event `json:"event"`
	Malformed string      `json:"malformed,omitempty"` // why it cannot be read
	// Violations are what would quarantine it, uniqueness apart.
	Violations []contract.Violation `json:"violations,omitempty"`
}

// Preview maps the first n rows of a file and holds them to the contract, as the
// pipeline would if they were received now, and sends nothing. The error is one
// of the file as a whole; the rows before it are returned, too.
func Preview(ctx context.Context, path string, src *workspace.Source, n int, now time.Time) ([]PreviewRow, error) {
	const op = "importer.preview"
	if src.Mapping == nil {
		return nil, noMapping(op)
	}
	reader, err := table.Open(path, table.Options{Format: src.Format, Delimiter: src.Delimiter})
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	defer func() { _ = reader.Close() }() // only read
	var out []PreviewRow
	for len(out) < n {
		row, at, err := reader.Next(ctx)
		if err == io.EOF {
			break
		}
		var unreadable *table.RowError
		if err != nil && !errors.As(err, &unreadable) {
			return out, fault.Wrap(op, err)
		}
		if unreadable != nil {
			out = append(out, PreviewRow{Line: unreadable.Line, Malformed: fault.Message(unreadable)})
			continue
		}
		out = append(out, preview(src, row, at.Line, now))
	}
	return out, nil
}

func preview(src *workspace.Source, row source.Row, line int64, now time.Time) PreviewRow {
	e, err := Entry(src, row, now)
	if err != nil {
		return PreviewRow{Line: line, Row: row, Malformed: fault.Message(err)}
	}
	out := PreviewRow{Line: line, ID: e.ID, Row: row}
	typed, _ := src.Mapping.Typed(row) // what does not fit is in Apply's list or the contract's
	var wrong []source.FieldError
	out.Event, wrong = src.Mapping.Apply(row, event.Receipt{Source: src.Name, ID: e.ID, ReceivedAt: e.ReceivedAt})
	if src.Rules != nil {
		check := src.Rules.Check
		if textual(row) {
			check = src.Rules.CheckText
		}
		out.Violations = check(src.Object, typed)
	}
	for _, w := range wrong {
		named := slices.ContainsFunc(out.Violations, func(v contract.Violation) bool { return v.Field == w.Column })
		if !named {
			out.Violations = append(out.Violations, contract.Violation{Rule: "type", Field: w.Column, Shape: w.Shape, Message: w.Message})
		}
	}
	return out
}

// textual says whether a row comes from a format without types, such as CSV.
func textual(row source.Row) bool {
	for _, v := range row {
		if _, ok := v.(string); !ok {
			return false
		}
	}
	return true
}

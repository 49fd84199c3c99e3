package table

import (
	"context"
	"errors"

	"parley/internal/fault"
	"parley/internal/source"
)

// jsonReader reads one JSON object a line.
type jsonReader struct {
	*input
}

// Next returns the next row; blank lines are passed over.
func (j *jsonReader) Next(ctx context.Context) (source.Row, Position, error) {
	for {
		if err := j.next(ctx); err != nil {
			return nil, j.position(), err
		}
		at := j.position()
		bare, whole, long, err := j.lineEnd()
		if err != nil {
			return nil, at, err
		}
		raw := j.window()[:bare]
		if long {
			bad := rowError(at.Line, ReasonLong, beginning(raw), "Line %d is longer than %d bytes; shorten it.", at.Line, MaxRecordBytes)
			j.skipLine()
			return nil, at, bad
		}
		j.take(whole, 1)
		if blank(raw) {
			continue
		}
		row, err := source.DecodeRow(raw)
		if err != nil {
			return nil, at, rowError(at.Line, ReasonJSON, raw, "Line %d: %s", at.Line, sentence(err))
		}
		return row, at, nil
	}
}

func sentence(err error) string {
	var classed *fault.Error
	if errors.As(err, &classed) {
		return classed.Message
	}
	return "The line cannot be read."
}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

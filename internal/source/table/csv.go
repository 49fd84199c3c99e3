package table

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/source"
)

// csvReader reads RFC 4180 with any one-byte delimiter. It finds the records
// itself instead of using encoding/csv because quarantine needs a bad row's raw
// text, and because one lost quote must not swallow the rest of the file: after
// a mistake in the quotes, reading goes on at the very next line.
type csvReader struct {
	*input
	delimiter byte
	header    []string
	record    record
}

// record is one parsed record. Its cells stand in text between the bounds.
type record struct {
	whole  int // length with the line end
	lines  int // line ends within whole
	text   []byte
	bounds []bound
}

type bound struct{ from, to int }

// verdict is how the parsing of a record ended.
type verdict int

const (
	complete verdict = iota
	incomplete
	badQuote
)

func newCSV(in *input, delimiter byte) (*csvReader, error) {
	c := &csvReader{input: in, delimiter: delimiter}
	for {
		raw, err := c.advance(context.Background())
		if err == io.EOF {
			return nil, fault.New(fault.Invalid, opOpen, "The file is empty; its first line must name the columns.")
		}
		if bad, ok := err.(*RowError); ok {
			return nil, fault.New(fault.Invalid, opOpen, "The header cannot be read: %s", fault.Message(bad))
		}
		if err != nil {
			return nil, err
		}
		if raw != nil {
			break
		}
	}
	text := string(c.record.text)
	seen := make(map[string]int, len(c.record.bounds))
	for i, b := range c.record.bounds {
		name := text[b.from:b.to]
		if err := checkColumn(name, i+1, seen); err != nil {
			return nil, err
		}
		seen[name] = i + 1
		c.header = append(c.header, strings.Clone(name))
	}
	return c, nil
}

// checkColumn refuses headers under which cells could not be told apart.
func checkColumn(name string, number int, seen map[string]int) error {
	if strings.TrimSpace(name) == "" {
		return fault.New(fault.Invalid, opOpen,
			"Column %d of the header has no name; give it one or remove the column.", number)
	}
	if strings.ContainsRune(name, '\r') {
		return fault.New(fault.Invalid, opOpen,
			"The lines of the file end with a carriage return only; save it with line feeds.")
	}
	if first, twice := seen[name]; twice {
		return fault.New(fault.Invalid, opOpen,
			"Columns %d and %d of the header have the same name, %s; rename one of them.", first, number, event.SafeName(name))
	}
	return nil
}

// Next returns the next row; blank lines are passed over.
func (c *csvReader) Next(ctx context.Context) (source.Row, Position, error) {
	for {
		if err := c.next(ctx); err != nil {
			return nil, c.position(), err
		}
		at := c.position()
		raw, err := c.advance(ctx)
		if err != nil {
			return nil, at, err
		}
		if raw == nil {
			continue
		}
		if len(c.record.bounds) != len(c.header) {
			return nil, at, rowError(at.Line, ReasonRagged, raw,
				"Line %d has %d cells and the header has %d; correct the line.", at.Line, len(c.record.bounds), len(c.header))
		}
		row := make(source.Row, len(c.header))
		text := string(c.record.text)
		for i, b := range c.record.bounds {
			row[c.header[i]] = text[b.from:b.to]
		}
		return row, at, nil
	}
}

// advance parses the next record and moves past it. The raw text is valid until
// the next call and nil for a blank line.
func (c *csvReader) advance(ctx context.Context) (raw []byte, err error) {
	if err := c.next(ctx); err != nil {
		return nil, err
	}
	line := c.line
	for {
		window := c.window()
		final := c.eof
		how := c.record.parse(window, c.delimiter, final)
		switch {
		case how == incomplete && c.err != nil:
			return nil, c.err
		case how == incomplete && len(window) <= MaxRecordBytes:
			c.more()
			continue
		case how == complete && c.record.whole <= MaxRecordBytes:
			raw = bytes.TrimSuffix(window[:c.record.whole], []byte{'\n'})
			raw = trimCR(raw)
			c.take(c.record.whole, c.record.lines)
			if len(raw) == 0 {
				return nil, nil
			}
			return raw, c.record.check(raw, line)
		}
		return nil, c.giveUp(line, how)
	}
}

// giveUp makes the error for a record whose end cannot be trusted and passes
// over its first line only.
func (c *csvReader) giveUp(line int64, how verdict) error {
	bare, whole, long, err := c.lineEnd()
	switch {
	case err != nil:
		return err
	case long:
		bad := rowError(line, ReasonLong, beginning(c.window()[:bare]),
			"Line %d is longer than %d bytes; shorten it.", line, MaxRecordBytes)
		c.skipLine()
		return bad
	}
	raw := c.window()[:bare]
	bad := rowError(line, ReasonQuote, raw,
		"Line %d has quotes that do not pair up; put cells with quotes in quotes and write each quote inside twice.", line)
	if how == complete {
		bad = rowError(line, ReasonLong, raw,
			"The row that begins on line %d is longer than %d bytes; shorten it.", line, MaxRecordBytes)
	}
	c.take(whole, bytes.Count(c.window()[:whole], []byte{'\n'}))
	return bad
}

// check looks at the parsed record's text.
func (r *record) check(raw []byte, line int64) error {
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		return rowError(line, ReasonNUL, raw, "Line %d has a NUL character%s; remove it, or save the file as UTF-8.", line, r.cell(0))
	}
	if !utf8.Valid(raw) {
		return rowError(line, ReasonUTF8, raw, "Line %d is not valid UTF-8; save the file as UTF-8.", line)
	}
	if len(raw) <= MaxFieldBytes {
		return nil
	}
	for i, b := range r.bounds {
		if b.to-b.from > MaxFieldBytes {
			return rowError(line, ReasonLong, raw, "Cell %d of line %d is longer than %d bytes; shorten it.", i+1, line, MaxFieldBytes)
		}
	}
	return nil
}

// cell says in which cell a byte stands.
func (r *record) cell(b byte) string {
	for i, at := range r.bounds {
		if bytes.IndexByte(r.text[at.from:at.to], b) >= 0 {
			return fmt.Sprintf(" in cell %d", i+1)
		}
	}
	return ""
}

// parse reads the first record of data. final says that nothing follows data.
func (r *record) parse(data []byte, delimiter byte, final bool) verdict {
	r.bounds = r.bounds[:0]
	end := bytes.IndexByte(data, '\n')
	whole, lines := end+1, 1
	if end < 0 {
		end, whole, lines = len(data), len(data), 0
	}
	if bytes.IndexByte(data[:end], '"') >= 0 {
		return r.parseQuoted(data, delimiter, final)
	}
	if lines == 0 && !final {
		return incomplete
	}
	r.whole, r.lines = whole, lines
	r.text = trimCR(data[:end])
	from := 0
	for {
		i := bytes.IndexByte(r.text[from:], delimiter)
		if i < 0 {
			r.bounds = append(r.bounds, bound{from, len(r.text)})
			return complete
		}
		r.bounds = append(r.bounds, bound{from, from + i})
		from += i + 1
	}
}

// parseQuoted is parse for records with quotes. Line ends inside of quotes are
// kept as they are.
func (r *record) parseQuoted(data []byte, delimiter byte, final bool) verdict {
	r.text = make([]byte, 0, 256)
	r.lines = 0
	at := 0
	for {
		from := len(r.text)
		how := complete
		if at < len(data) && data[at] == '"' {
			at, how = r.quoted(data, at+1, final)
		} else {
			at, how = r.bare(data, at, delimiter, final)
		}
		if how != complete {
			return how
		}
		r.bounds = append(r.bounds, bound{from, len(r.text)})
		rest := data[at:]
		switch {
		case len(rest) > 0 && rest[0] == delimiter:
			at++
		case len(rest) > 0 && rest[0] == '\n':
			r.whole, r.lines = at+1, r.lines+1
			return complete
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			r.whole, r.lines = at+2, r.lines+1
			return complete
		case len(rest) == 0 && final, len(rest) == 1 && rest[0] == '\r' && final:
			r.whole = len(data)
			return complete
		case len(rest) == 0, len(rest) == 1 && rest[0] == '\r':
			return incomplete
		default:
			return badQuote
		}
	}
}

// quoted reads a cell after its opening quote and stops behind the closing one.
func (r *record) quoted(data []byte, at int, final bool) (int, verdict) {
	for {
		i := bytes.IndexByte(data[at:], '"')
		if i < 0 && final {
			return at, badQuote
		}
		if i < 0 || at+i+1 == len(data) && !final {
			return at, incomplete
		}
		r.text = append(r.text, data[at:at+i]...)
		r.lines += bytes.Count(data[at:at+i], []byte{'\n'})
		at += i + 1
		if at == len(data) || data[at] != '"' {
			return at, complete
		}
		r.text = append(r.text, '"')
		at++
	}
}

// bare reads a cell without quotes and stops at the delimiter or the line end.
func (r *record) bare(data []byte, at int, delimiter byte, final bool) (int, verdict) {
	for i := at; i < len(data); i++ {
		switch data[i] {
		case '"':
			return i, badQuote
		case delimiter:
			r.text = append(r.text, data[at:i]...)
			return i, complete
		case '\n':
			cell := trimCR(data[at:i])
			r.text = append(r.text, cell...)
			return at + len(cell), complete
		}
	}
	if !final {
		return at, incomplete
	}
	cell := trimCR(data[at:])
	r.text = append(r.text, cell...)
	return at + len(cell), complete
}

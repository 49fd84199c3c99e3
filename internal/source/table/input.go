package table

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"parley/internal/fault"
)

// counter counts the bytes that are read from the file itself, for progress.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// limit ends a text that is larger than allowed with fault.TooLarge.
type limit struct {
	r    io.Reader
	left int64
	max  int64
}

func (l *limit) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, fault.New(fault.TooLarge, opNext,
			"The file holds more than %d bytes of text when unpacked; split it.", l.max)
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		n--
	}
	return n, err
}

// input is a text read through a window that always begins with the next record.
type input struct {
	file    *os.File // nil in tests
	counted *counter
	total   int64

	text       io.Reader
	buf        []byte
	start, end int
	line       int64 // of the record that comes next, from 1
	eof        bool
	err        error // the end of reading other than eof
}

const windowBytes = 256 << 10

// newInput takes byte order marks off and turns UTF-16 into UTF-8.
func newInput(text io.Reader, maxBytes int64) (*input, error) {
	b := bufio.NewReaderSize(&limit{r: text, left: maxBytes, max: maxBytes}, 64<<10)
	mark, err := b.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, readFault(err)
	}
	in := &input{text: b, line: 1, buf: make([]byte, windowBytes), counted: &counter{}}
	switch {
	case bytes.HasPrefix(mark, []byte{0xEF, 0xBB, 0xBF}):
		if _, err := b.Discard(3); err != nil {
			return nil, readFault(err)
		}
	case bytes.HasPrefix(mark, []byte{0xFF, 0xFE}), bytes.HasPrefix(mark, []byte{0xFE, 0xFF}):
		in.text = transform.NewReader(b, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
	}
	return in, nil
}

// readFault classes an error of the file or of its decompression.
func readFault(err error) error {
	var classed *fault.Error
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &classed):
		return err
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum),
		errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &corrupt):
		return damaged(opNext, err)
	}
	return fault.WrapAs(fault.Unavailable, opNext, err, "The file cannot be read to its end; check the disk and try again.")
}

// window returns the bytes at hand, from the beginning of the next record.
func (in *input) window() []byte { return in.buf[in.start:in.end] }

// more reads on, at least doubling the window, and reports whether anything came.
func (in *input) more() bool {
	if in.eof || in.err != nil {
		return false
	}
	have := in.end - in.start
	if have > len(in.buf)/2 {
		grown := make([]byte, 2*len(in.buf))
		copy(grown, in.window())
		in.buf = grown
	} else {
		copy(in.buf, in.window())
	}
	in.start, in.end = 0, have
	// Not io.ReadFull: its ErrUnexpectedEOF could not be told from that of a
	// compressed file that is cut off.
	for in.end < len(in.buf) && !in.eof && in.err == nil {
		n, err := in.text.Read(in.buf[in.end:])
		in.end += n
		switch {
		case errors.Is(err, io.EOF):
			in.eof = true
		case err != nil:
			in.err = readFault(err)
		}
	}
	return in.end > have
}

// next prepares the reading of a record: it reports the end, a read error, or a
// cancelled context, and otherwise leaves a window that is not empty.
func (in *input) next(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.WrapAs(fault.Unavailable, opNext, err, "The reading was stopped.")
	}
	for in.start == in.end {
		if in.err != nil {
			return in.err
		}
		if in.eof {
			return io.EOF
		}
		in.more()
	}
	return nil
}

// take moves past n bytes that hold the given number of line ends.
func (in *input) take(n int, lines int) {
	in.start += n
	in.line += int64(lines)
}

// skipLine moves past the end of the current line without keeping it.
func (in *input) skipLine() {
	for {
		if i := bytes.IndexByte(in.window(), '\n'); i >= 0 {
			in.take(i+1, 1)
			return
		}
		in.start = in.end
		if !in.more() {
			return
		}
	}
}

// lineEnd returns the length of the current line without its end and with it.
// It reads on as needed; long means that the line is over MaxRecordBytes.
func (in *input) lineEnd() (bare, whole int, long bool, err error) {
	from := 0
	for {
		w := in.window()
		if i := bytes.IndexByte(w[from:], '\n'); i >= 0 {
			whole = from + i + 1
			return len(trimCR(w[:whole-1])), whole, whole > MaxRecordBytes, nil
		}
		if len(w) > MaxRecordBytes {
			return len(w), len(w), true, nil
		}
		if in.err != nil {
			return 0, 0, false, in.err
		}
		if in.eof {
			return len(trimCR(w)), len(w), false, nil
		}
		from = len(w)
		in.more()
	}
}

func trimCR(line []byte) []byte { return bytes.TrimSuffix(line, []byte{'\r'}) }

func (in *input) position() Position {
	return Position{Line: in.line, Offset: in.counted.n, Total: in.total}
}

// Close closes the file.
func (in *input) Close() error {
	if in.file == nil {
		return nil
	}
	if err := in.file.Close(); err != nil {
		return fault.WrapAs(fault.Unavailable, "table.close", err, "The file could not be closed.")
	}
	return nil
}

// rawShown is how much of an over-long record a RowError keeps.
const rawShown = 4 << 10

func beginning(raw []byte) []byte { return raw[:min(len(raw), rawShown)] }

// Package table reads files row by row: CSV, JSON Lines (both also gzipped, in
// UTF-8 or in UTF-16 with a byte order mark) and Parquet.
//
// A row that cannot be read is a *RowError and does not end the reading: the
// caller puts its raw text into quarantine and asks for the next row. Any other
// error does end it. Nothing is guessed: a text that is not UTF-8 is not taken
// for Latin-1, it is refused row by row.
package table

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/source"
)

// The formats.
const (
	CSV       = "csv"
	JSONLines = "jsonl"
	Parquet   = "parquet"
)

// DefaultMaxBytes is how much text a file may hold when Options do not say.
const DefaultMaxBytes = 64 << 30

// MaxRecordBytes bounds one row as it is written, MaxFieldBytes one CSV cell.
const (
	MaxRecordBytes = event.MaxMessageBytes
	MaxFieldBytes  = 256 << 10
)

// Options say how to read a file.
type Options struct {
	// Format is one of the constants above; empty: by the file's ending.
	Format string
	// Delimiter separates CSV cells; empty: a comma, or a tab for .tsv.
	Delimiter string
	// MaxBytes bounds the text after decompression, against gzip bombs; 0 means
	// DefaultMaxBytes. A file that is larger ends with fault.TooLarge.
	MaxBytes int64
}

// Position says where a row stands and how far the reading is.
type Position struct {
	Line   int64 // line of the text on which the row begins, from 1; of Parquet the row's number
	Offset int64 // bytes of the file that have been read
	Total  int64 // bytes of the file
}

// Reader reads one file. It is not for concurrent use.
type Reader interface {
	// Next returns the next row, which is the caller's to keep. At the end the
	// error is io.EOF; a *RowError is about this row alone.
	Next(ctx context.Context) (source.Row, Position, error)
	Close() error
}

// The reasons for which a row cannot be read.
const (
	ReasonRagged = "ragged" // another number of cells than the header
	ReasonQuote  = "quote"  // quotes that do not pair up
	ReasonNUL    = "nul"    // a NUL character
	ReasonUTF8   = "utf8"   // not valid UTF-8
	ReasonLong   = "long"   // over MaxRecordBytes or MaxFieldBytes
	ReasonJSON   = "json"   // not a JSON object within the limits
	ReasonValue  = "value"  // a Parquet value that has no JSON form
)

// RowError is one row that cannot be read. Raw is the row as it stands in the
// file (of an over-long one its beginning, of Parquet the cells that could be
// read as JSON); it is personal data and never part
// of Error (I12). errors.As finds the fault.Invalid inside.
type RowError struct {
	Line   int64
	Reason string
	Raw    []byte
	fault  *fault.Error
}

// Error returns the sentence with its line.
func (e *RowError) Error() string { return e.fault.Error() }

// Unwrap returns the classed error.
func (e *RowError) Unwrap() error { return e.fault }

func rowError(line int64, reason string, raw []byte, format string, args ...any) *RowError {
	return &RowError{Line: line, Reason: reason, Raw: append([]byte(nil), raw...),
		fault: fault.New(fault.Invalid, opNext, format, args...)}
}

const (
	opOpen = "table.open"
	opNext = "table.next"
)

// Open opens a file and, of a CSV file, reads the header. Errors are
// fault.NotFound, or fault.Invalid with a sentence that says what to mend.
func Open(path string, o Options) (Reader, error) {
	gzipped, o, err := o.resolve(path)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.WrapAs(fault.NotFound, opOpen, err, "There is no such file; check its name and folder.")
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Unavailable, opOpen, err, "The file cannot be opened; check that Parley may read it.")
	}
	r, err := open(file, gzipped, o)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

func open(file *os.File, gzipped bool, o Options) (Reader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fault.WrapAs(fault.Unavailable, opOpen, err, "The file cannot be read.")
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, opOpen, "This is not a file but a folder or a device; name a file.")
	}
	if o.Format == Parquet {
		return openParquet(file, info.Size())
	}
	counted := &counter{r: file}
	var text io.Reader = counted
	if gzipped {
		unzipped, err := gzip.NewReader(counted)
		if err != nil {
			return nil, damaged(opOpen, err)
		}
		text = unzipped
	}
	in, err := newInput(text, o.MaxBytes)
	if err != nil {
		return nil, err
	}
	in.file, in.counted, in.total = file, counted, info.Size()
	if o.Format == JSONLines {
		return &jsonReader{input: in}, nil
	}
	return newCSV(in, o.Delimiter[0])
}

// resolve fills in what the file's ending says.
func (o Options) resolve(path string) (gzipped bool, out Options, err error) {
	name := strings.ToLower(filepath.Base(path))
	gzipped = strings.HasSuffix(name, ".gz")
	ending := filepath.Ext(strings.TrimSuffix(name, ".gz"))
	if o.Format == "" {
		switch ending {
		case ".csv", ".tsv":
			o.Format = CSV
		case ".jsonl", ".ndjson":
			o.Format = JSONLines
		case ".parquet":
			o.Format = Parquet
		}
	}
	switch {
	case o.Format != CSV && o.Format != JSONLines && o.Format != Parquet:
		return false, o, fault.New(fault.Invalid, opOpen,
			"The file's ending does not tell its format; set the format to csv, jsonl or parquet.")
	case o.Format == Parquet && gzipped:
		return false, o, fault.New(fault.Invalid, opOpen,
			"Parquet files are compressed inside and cannot be read from a .gz file; unpack it first.")
	case o.Delimiter == "" && ending == ".tsv":
		o.Delimiter = "\t"
	case o.Delimiter == "":
		o.Delimiter = ","
	}
	if !source.ValidDelimiter(o.Delimiter) {
		return false, o, fault.New(fault.Invalid, opOpen,
			"The delimiter must be one ASCII character such as ; or a tab.")
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	return gzipped, o, nil
}

func damaged(op string, err error) error {
	return fault.WrapAs(fault.Invalid, op, err, "The compressed file is damaged or cut off; fetch it again.")
}

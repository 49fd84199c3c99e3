package table

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/source"
)

// parquetReader reads the row groups of a Parquet file one after another.
type parquetReader struct {
	file    *os.File
	columns []*node
	cells   [][]parquet.Value  // of the current row, by leaf
	groups  []parquet.RowGroup // still to be opened
	rows    parquet.Rows       // of the open group, or nil
	batch   []parquet.Row
	ready   []parquet.Row // read and not yet returned
	number  int64
	count   int64
	size    int64
	err     error // the end of reading, for good
}

const parquetBatch = 256

func openParquet(file *os.File, size int64) (r *parquetReader, err error) {
	defer guard(opOpen, &err)
	if err := checkFooter(file, size); err != nil {
		return nil, badParquet(opOpen, err)
	}
	f, err := parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, badParquet(opOpen, err)
	}
	r = &parquetReader{file: file, groups: f.RowGroups(), batch: make([]parquet.Row, parquetBatch),
		count: f.NumRows(), size: size}
	seen := map[string]int{}
	leaves := 0
	for i, field := range f.Schema().Fields() {
		if err := checkColumn(field.Name(), i+1, seen); err != nil {
			return nil, err
		}
		seen[field.Name()] = i + 1
		column := newNode(field)
		leaves += column.leaves
		r.columns = append(r.columns, column)
	}
	r.cells = make([][]parquet.Value, leaves)
	return r, nil
}

// checkFooter holds the length that the file gives for its footer to the file's
// own: the library reserves that much memory, up to 4 GiB, before it looks.
func checkFooter(file *os.File, size int64) error {
	var tail [8]byte
	if _, err := file.ReadAt(tail[:], size-int64(len(tail))); err != nil {
		return err
	}
	if length := int64(binary.LittleEndian.Uint32(tail[:4])); length+12 > size {
		return errFooter
	}
	return nil
}

var errFooter = errors.New("the footer is longer than the file")

func badParquet(op string, err error) error {
	return fault.WrapAs(fault.Invalid, op, err, "The file is not a sound Parquet file; write it again.")
}

// guard turns a panic of the Parquet library, which a damaged file can cause,
// into an error.
func guard(op string, err *error) {
	if p := recover(); p != nil {
		*err = badParquet(op, fmt.Errorf("parquet-go panicked: %T", p))
	}
}

// Next returns the next row. Null cells are nil.
func (r *parquetReader) Next(ctx context.Context) (source.Row, Position, error) {
	if err := ctx.Err(); err != nil {
		return nil, r.position(), fault.WrapAs(fault.Unavailable, opNext, err, "The reading was stopped.")
	}
	for len(r.ready) == 0 && r.err == nil {
		r.err = r.fill()
	}
	if len(r.ready) == 0 {
		return nil, r.position(), r.err
	}
	values := r.ready[0]
	r.ready = r.ready[1:]
	r.number++
	row, err := r.convert(values)
	if err != nil {
		return nil, r.position(), err
	}
	return row, r.position(), nil
}

// fill reads the next batch; it leaves none and returns io.EOF at the end.
func (r *parquetReader) fill() (err error) {
	defer guard(opNext, &err)
	if r.rows == nil {
		if len(r.groups) == 0 {
			return io.EOF
		}
		r.rows, r.groups = r.groups[0].Rows(), r.groups[1:]
	}
	n, err := r.rows.ReadRows(r.batch)
	r.ready = r.batch[:n]
	switch {
	case errors.Is(err, io.EOF):
		closed := r.rows.Close()
		r.rows = nil
		if closed != nil {
			return badParquet(opNext, closed)
		}
		return nil
	case err != nil:
		return badParquet(opNext, err)
	case n == 0:
		return badParquet(opNext, io.ErrNoProgress)
	}
	return nil
}

func (r *parquetReader) convert(values parquet.Row) (row source.Row, err error) {
	defer guard(opNext, &err)
	clear(r.cells)
	for from, to := 0, 0; from < len(values); from = to {
		leaf := values[from].Column()
		for to = from + 1; to < len(values) && values[to].Column() == leaf; to++ {
		}
		r.cells[leaf] = values[from:to]
	}
	row = make(source.Row, len(r.columns))
	var wrong *RowError
	leaf := 0
	for _, column := range r.columns {
		row[column.name], err = column.build(r.cells[leaf:leaf+column.leaves], level{})
		leaf += column.leaves
		if err != nil && wrong == nil {
			wrong = rowError(r.number, ReasonValue, nil,
				"Row %d, column %s: %s; correct the file.", r.number, event.SafeName(column.name), err.Error())
		}
	}
	if wrong == nil {
		return row, nil
	}
	// There is no raw text; the cells that could be read stand for it.
	if wrong.Raw, err = source.EncodeRow(row); err != nil {
		wrong.Raw = nil
	}
	return nil, wrong
}

// position estimates the bytes from the share of rows: columns are not read in
// the file's order.
func (r *parquetReader) position() Position {
	p := Position{Line: r.number, Total: r.size, Offset: r.size}
	if r.count > 0 && r.number < r.count {
		p.Offset = int64(float64(r.size) * float64(r.number) / float64(r.count))
	}
	return p
}

// Close closes the file.
func (r *parquetReader) Close() (err error) {
	defer guard("table.close", &err)
	var rows error
	if r.rows != nil {
		rows, r.rows = r.rows.Close(), nil
	}
	if err := errors.Join(rows, r.file.Close()); err != nil {
		return fault.WrapAs(fault.Unavailable, "table.close", err, "The file could not be closed.")
	}
	return nil
}

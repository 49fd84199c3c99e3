package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"parley/internal/fault"
	"parley/internal/source/table"
	"parley/internal/state"
)

// A chunk is what goes into one Append: large enough that the fsync is shared,
// small enough that progress is seen and little is sent twice after a failure.
const (
	chunkRows  = 2000
	chunkBytes = 256 << 10
)

const opFile = "importer.file"

// File imports a file into the sink and returns when all of its rows are
// durable. The next chunk is encoded while one is with the sink; there is never
// more than one, so that the order of rows is the order of the journal.
//
// Errors: fault.Invalid or fault.TooLarge with a sentence that says what to mend
// in the file; fault.NotFound; fault.Conflict when the file changed meanwhile;
// fault.Unavailable when the sink cannot store or ctx ends, with how far it got.
// After any of them it is safe to import the same file again.
func File(ctx context.Context, o Options) (Report, error) {
	var r Report
	if o.Source.Mapping == nil {
		return r, noMapping(opFile)
	}
	before, err := stat(o.Path)
	if err != nil {
		return r, err
	}
	if r.SHA256, r.Bytes, err = sum(ctx, o.Path); err != nil {
		return r, err
	}
	if o.Ledger != nil && !o.Again {
		known, found, err := o.Ledger.Imported(ctx, o.Source.Name, r.SHA256)
		if err != nil {
			return r, ledgerDown(err)
		}
		if found {
			r.Skipped, r.ImportedAt = true, known.At
			return r, nil
		}
	}
	if err := rows(ctx, &o, &r); err != nil {
		return r, stopped(err, r.Sent)
	}
	after, err := stat(o.Path)
	if err != nil {
		return r, err
	}
	// Otherwise the ledger would vouch for bytes that nobody has read.
	if !sameFile(before, after) || r.Bytes != after.Size() {
		return r, fault.New(fault.Conflict, opFile,
			"The file was changed while it was read; import it again when it is complete.")
	}
	r.ImportedAt = o.Clock.Now()
	if o.Ledger == nil {
		return r, nil
	}
	err = o.Ledger.Record(ctx, state.ImportedFile{Source: o.Source.Name, SHA256: r.SHA256,
		Name: filepath.Base(o.Path), At: r.ImportedAt, Read: r.Read, Sent: r.Sent, Malformed: r.Malformed})
	return r, ledgerDown(err)
}

// ledgerDown is never the file's fault, whatever the cause, so it must not make
// anyone put the file aside.
func ledgerDown(err error) error {
	if err == nil {
		return nil
	}
	return fault.WrapAs(fault.Unavailable, opFile, err,
		"The list of imported files cannot be used right now; import the same file again later: rows that are there already do not count twice.")
}

func stat(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.WrapAs(fault.NotFound, opFile, err, "There is no such file; check its name and folder.")
	case err != nil:
		return nil, fault.WrapAs(fault.Unavailable, opFile, err, "The file cannot be looked at; check that Parley may read it.")
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Invalid, opFile, "This is not a file but a folder or a device; name a file.")
	}
	return info, nil
}

func sameFile(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

// stopped says how far an import got and that it can be repeated. A file at
// fault keeps the sentence that says what to mend.
func stopped(err error, sent int64) error {
	kind := fault.KindOf(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		kind = fault.Unavailable
	}
	if kind != fault.Unavailable {
		return fault.Wrap(opFile, err)
	}
	return fault.WrapAs(kind, opFile, err,
		"The import stopped after %d rows were accepted; import the same file again when the cause is gone: rows that are there already are recognised and do not count twice.", sent)
}

// sum returns the SHA-256 of a file's bytes and their number.
func sum(ctx context.Context, path string) (string, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, fault.WrapAs(fault.Unavailable, opFile, err, "The file cannot be opened; check that Parley may read it.")
	}
	defer func() { _ = file.Close() }() // only read
	hash := sha256.New()
	n, err := io.CopyBuffer(hash, cancellable{ctx, file}, make([]byte, 256<<10))
	if ctx.Err() != nil {
		return "", n, stopped(ctx.Err(), 0)
	}
	if err != nil {
		return "", n, fault.WrapAs(fault.Unavailable, opFile, err, "The file cannot be read to its end; check the disk and try again.")
	}
	return hex.EncodeToString(hash.Sum(nil)), n, nil
}

// cancellable is a reader that ends with its context: files can be very large.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// rows reads the file and sends its entries; r counts, also up to a failure.
func rows(ctx context.Context, o *Options, r *Report) error {
	reader, err := table.Open(o.Path, o.table())
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }() // only read
	s := startSender(ctx, o.Sink, o.Clock)
	err = chunks(ctx, o, r, reader, s)
	// The sender's failure comes first: it is why the reading stopped.
	if failed := s.finish(); failed != nil {
		err = failed
	}
	r.Sent = s.sent.Load()
	if err == nil && o.Progress != nil {
		o.Progress(Progress{Read: r.Read, Sent: r.Sent, Malformed: r.Malformed, Offset: r.Bytes, Total: r.Bytes})
	}
	return err
}

// chunks reads to the end of the file and hands over chunk by chunk. On an
// error of the file the rows of an unfinished chunk are left out: what a
// damaged file says last is not to be trusted.
func chunks(ctx context.Context, o *Options, r *Report, reader table.Reader, s *sender) error {
	chunk, size, now := s.empty(), 0, o.Clock.Now()
	for {
		row, at, err := reader.Next(ctx)
		if err == io.EOF {
			return s.send(chunk)
		}
		e, bad, err := next(o, row, at, now, err)
		if err != nil {
			return err
		}
		r.Read++
		if bad {
			r.Malformed++
		}
		chunk = append(chunk, e)
		size += len(e.ID) + len(e.Payload)
		if len(chunk) < chunkRows && size < chunkBytes {
			continue
		}
		if err := s.send(chunk); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(Progress{Read: r.Read, Sent: s.sent.Load(), Malformed: r.Malformed, Offset: at.Offset, Total: at.Total})
		}
		chunk, size, now = s.empty(), 0, o.Clock.Now()
	}
}

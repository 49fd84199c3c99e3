package collect

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"

	"parley/internal/fault"
)

const (
	// firstRead is what a body is given before it has shown that it needs
	// more: a Content-Length is only a claim, and ten thousand of them must
	// not cost ten thousand times the limit.
	firstRead = 16 << 10
	// keepBytes is the largest buffer that is kept for the next request.
	keepBytes = 1 << 20
	// drainBytes is how much of a refused body is read all the same. A
	// client that is cut off while sending sees a broken connection instead of
	// the answer, and sends again.
	drainBytes = 16 << 20
)

var (
	errEmptyBody = fault.New(fault.Invalid, "collect.body", "The body is empty; send a JSON object.")
	errCutShort  = fault.New(fault.Invalid, "collect.body", "The body ended early; send it again.")
	errTooSlow   = errors.New("the body did not arrive in time")
	errGzip      = fault.New(fault.Invalid, "collect.body", "The body cannot be unpacked: it is not valid gzip.")
	errEncoding  = fault.New(fault.Invalid, "collect.body", "The Content-Encoding is not known here; send the body plain or as gzip.")
)

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// read returns the request's body, unpacked and without a byte order mark. It
// holds at most limit bytes of either form at any time, whatever a packed body
// would unpack to.
//
// Packed bodies are known by their first bytes, which no JSON begins with: the
// header is missing in some clients, and left in place by some proxies.
func (in *intake) read(r *http.Request, limit int) ([]byte, error) {
	if r.ContentLength > int64(limit) {
		return nil, errTooLarge(limit)
	}
	var err error
	if in.wire, err = readUpTo(in.wire[:0], r.Body, limit, r.ContentLength); err != nil {
		return nil, bodyFault(err)
	}
	body := in.wire
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		if body, err = in.unpack(limit); err != nil {
			return nil, err
		}
	} else if e := r.Header.Get("Content-Encoding"); e != "" && e != "gzip" && e != "identity" {
		return nil, errEncoding
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, errEmptyBody
	}
	return body, nil
}

func (in *intake) unpack(limit int) ([]byte, error) {
	z := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(z)
	if err := z.Reset(bytes.NewReader(in.wire)); err != nil {
		return nil, errGzip
	}
	var err error
	if in.plain, err = readUpTo(in.plain[:0], z, limit, -1); err == nil {
		return in.plain, nil
	}
	if fault.KindOf(err) == fault.TooLarge {
		return nil, err
	}
	return nil, errGzip
}

func bodyFault(err error) error {
	switch {
	case fault.KindOf(err) == fault.TooLarge:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTooSlow
	}
	return errCutShort
}

func errTooLarge(limit int) error {
	return fault.New(fault.TooLarge, "collect.body",
		"The body is larger than %d bytes, packed or unpacked; send fewer events at a time.", limit)
}

// readUpTo appends what src holds to buf, or fails with fault.TooLarge as soon
// as that is more than limit bytes. Expected is a hint, -1 for none.
func readUpTo(buf []byte, src io.Reader, limit int, expected int64) ([]byte, error) {
	if expected < 0 || expected > firstRead {
		expected = firstRead
	}
	buf = slices.Grow(buf, int(expected)+1)
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, len(buf))
		}
		// One byte above the limit tells a body at the limit from one beyond it.
		room := buf[len(buf):min(cap(buf), limit+1)]
		n, err := src.Read(room)
		buf = buf[:len(buf)+n]
		if len(buf) > limit {
			return buf, errTooLarge(limit)
		}
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// discard reads what is left of a body, up to drainBytes.
func discard(r *http.Request) {
	if r.Body != nil && r.ContentLength <= drainBytes {
		// A body that breaks off leaves nothing more to read.
		_, _ = io.CopyN(io.Discard, r.Body, drainBytes)
	}
}

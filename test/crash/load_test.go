package crash

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/client"
	"parley/internal/lifecycle"
	"parley/test/binary"
)

// load sends an input to whichever process serves at the moment, and again what
// was not acknowledged, until all of it is.
type load struct {
	t       *testing.T
	in      *input
	current atomic.Pointer[binary.Process]
	files   []string
	data    string
	group   *lifecycle.Group

	mu      sync.Mutex
	next    int // request to send
	allowed int // requests that may be sent by now
	more    chan struct{}

	resent, imported atomic.Int64
	refused          atomic.Int64 // answers of 503 and 429
}

// senders is how many requests are on their way at once.
const senders = 4

// pause is between two requests of a sender: a visitor, not a benchmark.
const pause = 12 * time.Millisecond

func startLoad(t *testing.T, in *input, p *binary.Process, data string) *load {
	t.Helper()
	l := &load{t: t, in: in, data: data, files: in.writeFiles(t), more: make(chan struct{}), group: lifecycle.NewGroup(t.Context())}
	l.current.Store(p)
	for range senders {
		l.group.Go("sender", l.send)
	}
	l.group.Go("import", l.imports)
	t.Cleanup(func() { _ = l.group.Stop() }) // wait has told
	return l
}

// allow lets the load go on until a share of the input is sent, so that there is
// something to send after every kill.
func (l *load) allow(part, of int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allowed = len(l.in.requests) * part / of
	close(l.more)
	l.more = make(chan struct{})
}

// wait returns when everything is acknowledged.
func (l *load) wait() {
	l.t.Helper()
	if err := l.group.Wait(); err != nil {
		l.t.Fatalf("load: %v", err)
	}
}

// take returns the number of the next request, -1 when there is none.
func (l *load) take(ctx context.Context) (int, error) {
	for {
		l.mu.Lock()
		n, more := l.next, l.more
		if n == len(l.in.requests) {
			l.mu.Unlock()
			return -1, nil
		}
		if n < l.allowed {
			l.next++
			l.mu.Unlock()
			return n, nil
		}
		l.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return -1, ctx.Err()
		}
	}
}

func (l *load) send(ctx context.Context) error {
	for {
		n, err := l.take(ctx)
		if err != nil || n < 0 {
			return err
		}
		for !l.attempt(ctx, l.in.requests[n]) {
			l.resent.Add(1)
			if err := wait(ctx, pause); err != nil {
				return err
			}
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attempt says whether a request was acknowledged. What is answered with
// anything but success, 429 or 503 is a failure of the test: an SDK would drop it.
func (l *load) attempt(ctx context.Context, r request) bool {
	c, err := l.current.Load().Dial()
	if err != nil {
		return false // between two processes
	}
	if len(r) == 1 {
		err = c.Send(ctx, writeKey, r[0]["type"].(string), r[0])
	} else {
		err = c.Batch(ctx, writeKey, r, time.Time{})
	}
	var answer *client.Error
	if errors.As(err, &answer) {
		l.refused.Add(1)
		if s := answer.Status; s != http.StatusServiceUnavailable && s != http.StatusTooManyRequests {
			l.t.Errorf("a good request was answered %d: %s", s, answer.Message)
		} else if answer.RetryAfter == 0 {
			l.t.Errorf("an answer of %d does not say when to try again", s)
		}
	}
	return err == nil
}

const writeKey = "k-web"

// imports runs parley import for one file after the other, as a person would:
// again and again until it says that it is done. The files wait for their turn
// so that kills meet all of them.
func (l *load) imports(ctx context.Context) error {
	for i, path := range l.files {
		for !l.reached((i + 1) * len(l.in.requests) / (len(l.files) + 1)) {
			if err := wait(ctx, pause); err != nil {
				return err
			}
		}
		for !l.importOnce(ctx, path) {
			if err := wait(ctx, pause); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *load) reached(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next >= n
}

// importOnce runs the command against the process that serves at the moment and
// ends it with that process.
func (l *load) importOnce(ctx context.Context, path string) bool {
	p := l.current.Load()
	url, err := p.URL()
	if err != nil {
		return false
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.Ended():
			cancel()
		case <-ctx.Done():
		}
	}()
	l.imported.Add(1)
	cmd := exec.CommandContext(ctx, binary.Path(l.t), "import", "--server", url, "--data", l.data, "crm", path)
	return cmd.Run() == nil
}

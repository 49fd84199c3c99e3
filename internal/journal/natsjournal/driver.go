// Package natsjournal keeps the journal in a NATS JetStream stream: inside this
// process, without any network listener, or on an outside server or cluster.
// Both ways share everything but the start and the recovery.
//
// One stream with one subject holds one message for each block; the message's
// sequence number is the block's position. Nothing is ever removed by age or
// size. Readers keep nothing on the server: they fetch ranges by sequence.
package natsjournal

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lifecycle"
)

// Options of both ways to open. The zero value of every field but Dir is usable.
type Options struct {
	// Dir is where the embedded server keeps the journal. It is created if
	// missing. Required for OpenEmbedded, unused by Connect.
	Dir string
	// Relaxed leaves syncing the disk to the operating system: a loss of power
	// can then lose acknowledged blocks, which breaks I1. For experiments;
	// embedded server only.
	Relaxed bool
	// Stream is the name of the stream, default "PARLEY". Installations that
	// share an outside server need different names.
	Stream string
	// Replicas is how many servers of an outside cluster keep each block before it
	// counts as durable, default 1. Unused by the embedded server, and for a
	// stream that exists already.
	Replicas int
	// AckTimeout is how long to wait for the server to confirm a block before
	// asking once more, default 10 s, at most 15 s.
	AckTimeout time.Duration
	// Logger receives warnings and errors, default slog.Default().
	Logger *slog.Logger
}

const (
	defaultStream     = "PARLEY"
	defaultAckTimeout = 10 * time.Second
	// maxAckTimeout keeps both attempts of an Append inside duplicateWindow.
	maxAckTimeout   = 15 * time.Second
	duplicateWindow = time.Minute
	// setupTimeout bounds connecting and looking up the stream.
	setupTimeout = 15 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Stream == "" {
		o.Stream = defaultStream
	}
	if o.Replicas <= 0 {
		o.Replicas = 1
	}
	if o.AckTimeout <= 0 {
		o.AckTimeout = defaultAckTimeout
	}
	o.AckTimeout = min(o.AckTimeout, maxAckTimeout)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Driver is a journal.Driver on JetStream; see that contract. On an outside
// server a block is durable when the server says so: give it sync_always, or
// several replicas.
type Driver struct {
	opts     Options
	embedded bool
	unlock   func() error // releases Dir; nil for an outside server
	clock    lifecycle.Clock
	tail     *tail
	fetching chan struct{} // holds one token: one transfer at a time, see fetch

	life    context.Context // ends when Close begins
	end     context.CancelFunc
	calls   callGroup
	closing sync.Once
	failed  error // of Close

	current    atomic.Pointer[session]
	recovering chan struct{} // holds one token, which guards the two below
	retryAt    time.Time
	lastErr    error
}

func newDriver(opts Options, embedded bool) *Driver {
	life, end := context.WithCancel(context.Background())
	d := &Driver{
		opts:       opts,
		embedded:   embedded,
		clock:      lifecycle.System{},
		tail:       newTail(),
		fetching:   make(chan struct{}, 1),
		recovering: make(chan struct{}, 1),
		life:       life,
		end:        end,
	}
	return d
}

// MaxBlock is what the server takes in one message, less room for headers.
func (d *Driver) MaxBlock() int {
	if s := d.current.Load(); s != nil {
		return s.maxBlock()
	}
	return embeddedMaxBlock
}

// Last asks the server for the newest position.
func (d *Driver) Last(ctx context.Context) (journal.Position, error) {
	const op = "natsjournal.last"
	ctx, done, err := d.enter(ctx, op)
	if err != nil {
		return 0, err
	}
	defer done()
	s := d.current.Load()
	if s == nil {
		return 0, errDown(op, nil)
	}
	if d.embedded {
		// The server may know of a block it could not sync; ours are synced.
		last, _ := d.tail.get()
		return last, nil
	}
	last, err := s.last(ctx)
	if err != nil {
		return 0, d.explain(ctx, op, err)
	}
	d.tail.advance(last)
	return last, nil
}

// Healthy asks the server about the stream. A failed embedded server is
// restarted first if its disk has space again, so that checking heals.
func (d *Driver) Healthy(ctx context.Context) error {
	const op = "natsjournal.healthy"
	ctx, done, err := d.enter(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	s, err := d.writable(ctx, 0)
	if err != nil {
		return err
	}
	if _, err := s.last(ctx); err != nil {
		return d.explain(ctx, op, err)
	}
	return nil
}

// Close interrupts all calls, waits for them, and stops the embedded server.
func (d *Driver) Close() error {
	d.closing.Do(func() {
		d.end()
		d.calls.close()
		if s := d.current.Swap(nil); s != nil {
			s.close()
		}
		if d.unlock != nil {
			d.failed = d.unlock()
		}
	})
	return d.failed
}

// enter registers a call, so that Close can wait for it, and returns a context
// that also ends with the driver.
func (d *Driver) enter(ctx context.Context, op string) (context.Context, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if !d.calls.enter() {
		return nil, nil, errClosed(op)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(d.life, func() { cancel(errClosed(op)) })
	return ctx, func() {
		stop()
		cancel(nil)
		d.calls.leave()
	}, nil
}

// explain maps what nats answered to the port's faults: the end of the context
// comes first, since it is often the reason of the other.
func (d *Driver) explain(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return fault.Wrap(op, err)
	}
	return errDown(op, err)
}

func errDown(op string, err error) error {
	return fault.WrapAs(fault.Unavailable, op, err, "The journal cannot be reached or its disk is full; free disk space or start the journal's server, then try again.")
}

func errClosed(op string) error {
	return fault.New(fault.Unavailable, op, "The journal is closed; try again when the service is back.")
}

// callGroup counts calls in progress and turns new ones away once closed.
type callGroup struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

func (g *callGroup) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.wg.Add(1)
	return true
}

func (g *callGroup) leave() { g.wg.Done() }

func (g *callGroup) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.wg.Wait()
}

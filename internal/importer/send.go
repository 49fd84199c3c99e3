package importer

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lifecycle"
	"parley/internal/source"
	"parley/internal/source/table"
)

// next makes the entry of what the reader returned. The error is one that ends
// the file.
func next(o *Options, row source.Row, at table.Position, now time.Time, err error) (e journal.Entry, bad bool, _ error) {
	var unreadable *table.RowError
	if errors.As(err, &unreadable) {
		return MalformedEntry(o.Source, malformed(unreadable), now), true, nil
	}
	if err != nil {
		return e, false, err
	}
	e, err = Entry(o.Source, row, now)
	if err != nil {
		return MalformedEntry(o.Source, unwritable(row, at.Line, err), now), true, nil
	}
	return e, false, nil
}

// sender appends chunks one after another in a goroutine of its own, so that
// the next can be made meanwhile.
type sender struct {
	ctx    context.Context
	sink   Sink
	clock  lifecycle.Clock
	chunks chan []journal.Entry
	free   chan []journal.Entry
	failed chan struct{} // closed when err is set
	done   chan struct{}
	err    error
	sent   atomic.Int64
}

func startSender(ctx context.Context, sink Sink, clock lifecycle.Clock) *sender {
	s := &sender{ctx: ctx, sink: sink, clock: clock, chunks: make(chan []journal.Entry),
		free: make(chan []journal.Entry, 2), failed: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// empty returns a list to fill, one that was sent before if there is one.
func (s *sender) empty() []journal.Entry {
	select {
	case list := <-s.free:
		return list[:0]
	default:
		return make([]journal.Entry, 0, chunkRows)
	}
}

// send hands a chunk over, which is the sender's from then on. It waits until
// the one before is durable and fails once an Append has failed.
func (s *sender) send(chunk []journal.Entry) error {
	if len(chunk) == 0 {
		return nil
	}
	select {
	case s.chunks <- chunk:
		return nil
	case <-s.failed:
		return s.err
	}
}

// finish waits until everything handed over is durable or has failed.
func (s *sender) finish() error {
	close(s.chunks)
	<-s.done
	return s.err
}

func (s *sender) run() {
	defer close(s.done)
	for chunk := range s.chunks {
		if err := s.append(chunk); err != nil {
			s.err = err
			close(s.failed)
			return
		}
		s.sent.Add(int64(len(chunk)))
		select {
		case s.free <- chunk:
		default:
		}
	}
}

// The waits between tries while the sink is busy.
const (
	firstWait = 50 * time.Millisecond
	lastWait  = 2 * time.Second
)

// append tries until the sink is no longer busy: a file can wait, visitors of a
// site cannot.
func (s *sender) append(chunk []journal.Entry) error {
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		err := s.sink.Append(s.ctx, chunk...)
		if fault.KindOf(err) != fault.Busy {
			return err
		}
		select {
		case <-s.clock.After(wait):
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
}

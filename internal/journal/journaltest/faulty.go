package journaltest

import (
	"context"
	"sync"

	"parley/internal/fault"
	"parley/internal/journal"
)

// ErrDown is the failure of a Faulty driver that was cut off.
var ErrDown error = fault.New(fault.Unavailable, "journaltest.faulty", "The journal is down, as the test wanted.")

// Faulty wraps a driver and breaks it on command. All methods are safe for
// concurrent use.
type Faulty struct {
	journal.Driver

	mu        sync.Mutex
	appendErr error
	afterErr  error
	readErr   error
	left      int           // appends until the cut; negative for no cut
	gate      chan struct{} // closed when calls may pass; nil for no gate
	waiting   chan struct{} // receives once for each append that meets the gate
}

// Break wraps a driver; until told otherwise nothing is broken.
func Break(d journal.Driver) *Faulty {
	return &Faulty{Driver: d, left: -1, waiting: make(chan struct{}, 1024)}
}

// FailAppends makes every append fail with err before it stores anything.
func (f *Faulty) FailAppends(err error) { f.set(func() { f.appendErr = err }) }

// FailAfterStoring makes every append store its block and then answer err, as
// when an acknowledgement is lost.
func (f *Faulty) FailAfterStoring(err error) { f.set(func() { f.afterErr = err }) }

// FailReads makes every Read and Last fail with err.
func (f *Faulty) FailReads(err error) { f.set(func() { f.readErr = err }) }

// CutAfter lets n more appends through, then fails everything with ErrDown.
func (f *Faulty) CutAfter(n int) { f.set(func() { f.left = n }) }

// Heal undoes all failures and the cut, not Hold.
func (f *Faulty) Heal() {
	f.set(func() { f.appendErr, f.afterErr, f.readErr, f.left = nil, nil, nil, -1 })
}

// Hold delays all appends until release is called. Arrived tells of each one that waits.
func (f *Faulty) Hold() (release func()) {
	gate := make(chan struct{})
	f.set(func() { f.gate = gate })
	return sync.OnceFunc(func() {
		f.set(func() {
			if f.gate == gate {
				f.gate = nil
			}
		})
		close(gate)
	})
}

// Arrived delivers once for each append that Hold delays (up to 1024 unread).
func (f *Faulty) Arrived() <-chan struct{} { return f.waiting }

func (f *Faulty) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// Append passes the block on, or fails as told.
func (f *Faulty) Append(ctx context.Context, block []byte) (journal.Position, error) {
	f.mu.Lock()
	gate := f.gate
	f.mu.Unlock()
	if gate != nil {
		select {
		case f.waiting <- struct{}{}:
		default:
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	before, after := f.takeAppend()
	if before != nil {
		return 0, before
	}
	pos, err := f.Driver.Append(ctx, block)
	if err == nil && after != nil {
		return 0, after
	}
	return pos, err
}

func (f *Faulty) takeAppend() (before, after error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 {
		return ErrDown, nil
	}
	if f.left > 0 {
		f.left--
	}
	return f.appendErr, f.afterErr
}

func (f *Faulty) readFailure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 {
		return ErrDown
	}
	return f.readErr
}

// Read passes on, or fails as told.
func (f *Faulty) Read(ctx context.Context, after journal.Position, maxBlocks, maxBytes int) ([]journal.RawBlock, error) {
	if err := f.readFailure(); err != nil {
		return nil, err
	}
	return f.Driver.Read(ctx, after, maxBlocks, maxBytes)
}

// Last passes on, or fails as told.
func (f *Faulty) Last(ctx context.Context) (journal.Position, error) {
	if err := f.readFailure(); err != nil {
		return 0, err
	}
	return f.Driver.Last(ctx)
}

// Healthy passes on, or fails as appends would.
func (f *Faulty) Healthy(ctx context.Context) error {
	f.mu.Lock()
	err := f.appendErr
	if f.left == 0 {
		err = ErrDown
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.Driver.Healthy(ctx)
}

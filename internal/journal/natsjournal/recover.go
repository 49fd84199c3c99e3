package natsjournal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"parley/internal/fault"
)

const (
	// retryWait spaces attempts to recover, however many appends ask for one.
	retryWait = 250 * time.Millisecond
	// spareBytes must be free beyond the block before a full disk counts as
	// mended: the server writes indexes and its own state too.
	spareBytes = 256 << 10
	probeFile  = "space.probe"
)

// writable returns the session to append to. After a failed write JetStream
// refuses every further one until it is restarted, so the embedded server is
// restarted here; not before the disk takes a block of this size again, since
// until then the old server still serves readers.
func (d *Driver) writable(ctx context.Context, size int) (*session, error) {
	if s := d.current.Load(); s != nil && !s.isBroken() {
		return s, nil
	}
	select {
	case d.recovering <- struct{}{}:
		defer func() { <-d.recovering }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s := d.current.Load()
	if s != nil && !s.isBroken() {
		return s, nil
	}
	if d.lastErr != nil && d.clock.Now().Before(d.retryAt) {
		return nil, d.lastErr
	}
	s, err := d.restart(s, size)
	if err != nil {
		d.lastErr, d.retryAt = err, d.clock.Now().Add(retryWait)
		return nil, err
	}
	d.lastErr = nil
	return s, nil
}

// restart replaces a broken session of the embedded server. It runs under the
// driver's own context: the caller's must not end it half way.
func (d *Driver) restart(old *session, size int) (*session, error) {
	const op = "natsjournal.recover"
	if err := probe(d.opts.Dir, size+spareBytes); err != nil {
		return nil, errDown(op, err)
	}
	d.fetching <- struct{}{} // no transfer is under way, none starts
	defer func() { <-d.fetching }()
	d.current.Store(nil)
	if old != nil {
		d.opts.Logger.Warn("journal: restarting the embedded server after a failed write", "error", old.cause)
		old.close()
	}
	ctx, cancel := context.WithTimeout(d.life, setupTimeout)
	defer cancel()
	s, last, err := startEmbedded(ctx, d.opts)
	if err != nil {
		return nil, errDown(op, err)
	}
	if durable, _ := d.tail.get(); last < durable {
		s.close()
		return nil, fault.New(fault.Internal, op, "After a restart the journal ends at position %d, but %d was already acknowledged; restore its directory from a copy.", last, durable)
	}
	d.tail.advance(last)
	d.tail.wake()
	d.current.Store(s)
	return s, nil
}

// probe finds out whether the disk takes size bytes, by writing them.
func probe(dir string, size int) (err error) {
	// One name, so that a probe cut short by a crash is overwritten by the next.
	f, err := os.Create(filepath.Join(dir, probeFile))
	if err != nil {
		return fmt.Errorf("probing for space: %w", err)
	}
	defer func() {
		_ = f.Close() // what counts was synced, and the file goes
		if gone := os.Remove(f.Name()); err == nil && gone != nil {
			err = gone
		}
	}()
	if _, err := f.Write(make([]byte, size)); err != nil {
		return fmt.Errorf("probing for space: %w", err)
	}
	return f.Sync()
}

package pipeline

import (
	"context"
	"time"

	"parley/internal/journal"
	"parley/internal/lake"
	"parley/internal/state"
)

// follow moves parcels into the lake until ctx ends. The lake is never ahead of
// state, because a parcel becomes visible with its transaction.
func (w *Worker) follow(ctx context.Context) error {
	for {
		changed := w.committed.wait()
		if err := w.catchUp(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if err := w.retry(ctx, "write the lake", err); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		// A moment's patience makes few large appends of many small ones.
		select {
		case <-ctx.Done():
			return nil
		case <-w.Clock.After(200 * time.Millisecond):
		}
	}
}

// catchUp brings the lake to where state is.
func (w *Worker) catchUp(ctx context.Context) error {
	w.lakeMu.Lock()
	defer w.lakeMu.Unlock()
	at, err := w.Lake.Position(ctx)
	if err != nil {
		return err
	}
	for {
		var parcels []state.Outbox
		err := w.Store.View(ctx, func(tx *state.Tx) (err error) {
			parcels, err = tx.OutboxAfter(ctx, at, 16)
			return err
		})
		if err != nil {
			return err
		}
		if len(parcels) == 0 {
			return w.dropParcels(ctx, at)
		}
		// The lake keeps what it has through a power loss; state must not come
		// back from one to before it.
		if err := w.Store.Sync(ctx); err != nil {
			return err
		}
		if at, err = w.deliver(ctx, parcels); err != nil {
			return err
		}
	}
}

func (w *Worker) deliver(ctx context.Context, parcels []state.Outbox) (journal.Position, error) {
	var b lake.Batch
	assigned := map[string]int{}
	for _, o := range parcels {
		p, err := unpack(o.Body)
		if err != nil {
			return 0, err
		}
		b.UpTo = o.Position
		b.Rows = append(b.Rows, p.Rows...)
		for _, a := range p.Assignments { // the newest assignment of a node wins
			k := a.Node.Namespace + "\x00" + a.Node.Value
			if i, ok := assigned[k]; ok {
				b.Assignments[i] = a
				continue
			}
			assigned[k] = len(b.Assignments)
			b.Assignments = append(b.Assignments, a)
		}
	}
	return b.UpTo, w.Lake.Append(ctx, b)
}

// dropParcels forgets what the lake has; what a crash leaves behind is dropped next time.
func (w *Worker) dropParcels(ctx context.Context, upTo journal.Position) error {
	if upTo == w.dropped {
		return nil
	}
	err := w.Store.Update(ctx, state.Replayable, func(tx *state.Tx) error { return tx.DropOutbox(ctx, upTo) })
	if err == nil {
		w.dropped = upTo
	}
	return err
}

// tick appends a Tick when the next timer is due and nothing else has moved
// journal time past it.
func (w *Worker) tick(ctx context.Context) error {
	for {
		changed := w.timers.wait()
		var next time.Time
		var at state.Progress
		err := w.Store.View(ctx, func(tx *state.Tx) (err error) {
			if next, err = tx.NextTimer(ctx); err != nil {
				return err
			}
			at, err = tx.Progress(ctx)
			return err
		})
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if err := w.retry(ctx, "read the timers", err); err != nil {
				return err
			}
			continue
		}
		now := w.Clock.Now()
		var wake <-chan time.Time
		switch {
		case next.IsZero():
		case next.After(now):
			wake = w.Clock.After(min(next.Sub(now), time.Minute))
		case at.Clock.Before(next):
			entry := journal.Entry{Kind: journal.Tick, ReceivedAt: now}
			if err := w.Journal.Append(ctx, entry); err != nil && ctx.Err() == nil {
				if err := w.retry(ctx, "append a tick", err); err != nil {
					return err
				}
			}
			wake = w.Clock.After(100 * time.Millisecond) // should the commit fail
		default:
			wake = w.Clock.After(100 * time.Millisecond)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-wake:
		}
	}
}

// renew keeps the lease while this process works.
func (w *Worker) renew(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.Clock.After(leaseTerm / 3):
		}
		err := w.Store.Update(ctx, state.Replayable, func(tx *state.Tx) error {
			_, _, err := tx.Acquire(ctx, leaseName, w.Holder, w.Clock.Now(), leaseTerm)
			return err
		})
		if err != nil && ctx.Err() == nil {
			w.Logger.Warn("the lease could not be renewed", "error", err)
		}
	}
}

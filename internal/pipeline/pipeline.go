// Package pipeline turns the journal into state: contract, identity, profile,
// audience and the desired side of delivery, fused into one stage.
//
// A run takes blocks in journal order and commits their effects and the
// position in one transaction, so a killed process loses and repeats nothing
// (I3). Nothing here looks at a wall clock: now is journal time, the greatest
// ReceivedAt so far, and time passes through Tick entries (I4, ADR 0002).
// Within a block all entries count as one instant; memberships are settled at
// its end, after the timers that were due before it have fired.
package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/journal"
	"parley/internal/lake"
	"parley/internal/lifecycle"
	"parley/internal/state"
	"parley/internal/workspace"
)

// leaseName is the right to resolve identities; one worker holds it at a time.
const leaseName = "pipeline"

const leaseTerm = 15 * time.Second

// Limits of one transaction: more amortises better what a person costs, less
// stays in the processor's caches and in memory. Stored blocks are compressed,
// which is why bytes alone say too little; a block is never cut.
const (
	maxBlocks  = 64
	maxBytes   = 1 << 20
	maxEntries = 8192
)

// Options are what a Worker needs.
type Options struct {
	Journal *journal.Journal
	Store   *state.Store
	Lake    *lake.Lake
	Clock   lifecycle.Clock // wakes the ticker and dates the lease; decides nothing
	Logger  *slog.Logger
	// Holder names this process in the lease; the same name may take over at once.
	Holder string
	// Applied is told after a commit which workspace version governs, and
	// Handed that desired deliveries changed. Both must return quickly.
	Applied func(*workspace.Compiled)
	Handed  func()
}

// Worker is the pipeline of one process. Run it once.
type Worker struct {
	Options
	token int64
	ws    atomic.Pointer[workspace.Compiled] // nil before the first workspace entry; set by the writer, read by the reader
	// unclear says that the last commit failed, perhaps only after it had happened.
	unclear bool
	// committed wakes those who wait for a position.
	committed *notice
	timers    *notice
	lakeMu    sync.Mutex       // one writer of the lake
	dropped   journal.Position // parcels up to here are gone
}

// New returns a worker.
func New(o Options) *Worker {
	return &Worker{Options: o, committed: newNotice(), timers: newNotice()}
}

// Run processes the journal until ctx ends. While another process holds the
// lease it stands by.
func (w *Worker) Run(ctx context.Context) error {
	g := lifecycle.NewGroup(ctx)
	g.Go("pipeline", w.work)
	g.Go("lake", w.follow)
	g.Go("ticker", w.tick)
	g.Go("lease", w.renew)
	return g.Wait()
}

// WaitFor returns once everything up to position p is committed.
func (w *Worker) WaitFor(ctx context.Context, p journal.Position) error {
	for {
		changed := w.committed.wait()
		var at state.Progress
		err := w.Store.View(ctx, func(tx *state.Tx) (err error) {
			at, err = tx.Progress(ctx)
			return err
		})
		if err != nil || at.Position >= p {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-w.Clock.After(time.Second): // another process may be the worker
		}
	}
}

func (w *Worker) work(ctx context.Context) error {
	at, err := w.start(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	batches := make(chan *batch)
	g := lifecycle.NewGroup(ctx)
	g.Go("read", func(ctx context.Context) error { return w.read(ctx, at, batches) })
	g.Go("write", func(ctx context.Context) error { return w.write(ctx, batches) })
	return g.Wait()
}

// write processes batches until ctx ends.
func (w *Worker) write(ctx context.Context, batches <-chan *batch) error {
	for {
		var b *batch
		select {
		case <-ctx.Done():
			return nil
		case b = <-batches:
		}
		for {
			err := w.process(ctx, b)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return nil
			}
			if err := w.retry(ctx, "process the journal", err); err != nil {
				return err
			}
			b.ahead = nil // processing has written on it
		}
		w.committed.notify()
		w.timers.notify()
		w.Handed()
	}
}

// process commits blocks in as few transactions as it may: a workspace version
// begins one, because it may look at history that only the lake still has.
func (w *Worker) process(ctx context.Context, b *batch) error {
	for blocks := b.blocks; len(blocks) > 0; {
		n := 1
		if changesWorkspace(blocks[0]) {
			if err := w.catchUp(ctx); err != nil {
				return err
			}
		}
		for n < len(blocks) && !changesWorkspace(blocks[n]) {
			n++
		}
		if err := w.commit(ctx, &batch{blocks: blocks[:n], ws: b.ws, ahead: b.ahead}); err != nil {
			return err
		}
		blocks = blocks[n:]
	}
	return nil
}

// commit processes blocks in one transaction. Blocks that were committed before
// are left out, so trying again after an unclear failure repeats nothing.
func (w *Worker) commit(ctx context.Context, b *batch) error {
	before := w.ws.Load()
	ws := before
	err := w.Store.Update(ctx, state.Replayable, func(tx *state.Tx) error {
		if err := tx.Fence(ctx, leaseName, w.token); err != nil {
			return err
		}
		governs, err := w.governs(ctx, tx)
		if err != nil {
			return err
		}
		r, err := newRun(ctx, tx, governs, w.Lake)
		if err != nil {
			return err
		}
		if err := r.batch(b); err != nil {
			return err
		}
		ws = r.ws
		return r.finish()
	})
	w.unclear = err != nil
	if err == nil && ws != before {
		w.ws.Store(ws)
		w.Applied(ws)
	}
	return err
}

// governs returns the workspace version that state has come to. It is the one in
// memory, unless a commit that seemed to fail has brought in another.
func (w *Worker) governs(ctx context.Context, tx *state.Tx) (*workspace.Compiled, error) {
	ws := w.ws.Load()
	if !w.unclear {
		return ws, nil
	}
	v, err := tx.Workspace(ctx)
	if err != nil || v.Version == 0 || ws != nil && ws.Version == v.Version {
		return ws, err
	}
	return compile(v)
}

// start waits for the lease and loads where to go on.
func (w *Worker) start(ctx context.Context) (journal.Position, error) {
	for {
		var at state.Progress
		var version state.WorkspaceVersion
		held := false
		err := w.Store.Update(ctx, state.Durable, func(tx *state.Tx) (err error) {
			if w.token, held, err = tx.Acquire(ctx, leaseName, w.Holder, w.Clock.Now(), leaseTerm); err != nil || !held {
				return err
			}
			if at, err = tx.Progress(ctx); err != nil {
				return err
			}
			version, err = tx.Workspace(ctx)
			return err
		})
		switch {
		case err == nil && held:
			return at.Position, w.load(version)
		case err != nil && ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil:
			if err := w.retry(ctx, "take its lease", err); err != nil {
				return 0, err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-w.Clock.After(leaseTerm / 5):
		}
	}
}

func (w *Worker) load(v state.WorkspaceVersion) error {
	if v.Version == 0 {
		return nil
	}
	ws, err := compile(v)
	if err != nil {
		return err
	}
	w.ws.Store(ws)
	w.Applied(ws)
	return nil
}

func compile(v state.WorkspaceVersion) (*workspace.Compiled, error) {
	decoded, err := workspace.Decode(v.Body)
	if err != nil {
		return nil, err
	}
	return decoded.Compile(v.Version)
}

// retry logs a failure that may pass, waits, and returns nil to try again. What
// cannot pass is returned.
func (w *Worker) retry(ctx context.Context, what string, err error) error {
	if !passing(err) {
		return err
	}
	w.Logger.Warn("the pipeline cannot "+what+" and tries again", "error", err)
	select {
	case <-ctx.Done():
	case <-w.Clock.After(500 * time.Millisecond):
	}
	return nil
}

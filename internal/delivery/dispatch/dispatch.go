package dispatch

import (
	"context"
	"log/slog"

	"parley/internal/destination"
	"parley/internal/lifecycle"
)

// Dispatcher serves a fixed set of targets. When the workspace changes, the
// caller ends Run and starts a new one; what was in flight is taken up again.
type Dispatcher struct {
	workers []*worker
	byName  map[string]*worker
}

// Options are what a Dispatcher may be given beside its store and targets.
type Options struct {
	Clock   lifecycle.Clock // required
	Log     *slog.Logger    // nil: none
	Observe func(Handover)  // nil: none; called by several goroutines
}

// New returns a dispatcher. Targets have distinct names.
func New(store Store, targets []Target, o Options) *Dispatcher {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Handover) {}
	}
	d := &Dispatcher{byName: map[string]*worker{}}
	for _, t := range targets {
		if t.BatchSize <= 0 {
			t.BatchSize = destination.DefaultBatchSize
		}
		w := &worker{
			target: t, store: store, clock: o.Clock, observe: o.Observe,
			log:  o.Log.With("destination", t.Name),
			wake: make(chan struct{}, 1), status: Status{Destination: t.Name},
		}
		d.workers = append(d.workers, w)
		d.byName[t.Name] = w
	}
	return d
}

// Run serves all targets until ctx ends and waits for every worker. A hand-over
// cut short by the end stays in flight and is taken up by the next run. Run may
// be called once.
func (d *Dispatcher) Run(ctx context.Context) error {
	g := lifecycle.NewGroup(ctx)
	for _, w := range d.workers {
		g.Go("dispatch "+w.target.Name, w.run)
	}
	return g.Wait()
}

// Nudge tells the worker of a destination that something may be due. It never
// blocks, and an unknown name is ignored. It does not end a pause.
func (d *Dispatcher) Nudge(destination string) {
	w, ok := d.byName[destination]
	if !ok {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default: // a nudge is waiting already
	}
}

// Status returns how the destinations are doing, in the order of the targets.
func (d *Dispatcher) Status() []Status {
	out := make([]Status, len(d.workers))
	for i, w := range d.workers {
		out[i] = w.snapshot()
	}
	return out
}

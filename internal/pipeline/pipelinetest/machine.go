package pipelinetest

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"parley/internal/journal"
	"parley/internal/lake"
	"parley/internal/lifecycle"
	"parley/internal/pipeline"
	"parley/internal/state"
	"parley/internal/workspace"
)

// Still is a clock on which no timer is ever due, so that a worker appends
// nothing to the journal by itself. Short waits, as between two tries, pass at once.
type Still struct{}

// Now is long before Begin.
func (Still) Now() time.Time { return time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC) }

// After delivers at once for up to half a second.
func (Still) After(d time.Duration) <-chan time.Time {
	if d > 500*time.Millisecond {
		return time.After(d)
	}
	ch := make(chan time.Time, 1)
	ch <- time.Time{}
	return ch
}

// Journal stores a history with a driver, one block each.
func (h History) Journal(ctx context.Context, d journal.Driver) (*journal.Journal, error) {
	j := journal.New(d, journal.Options{})
	return j, h.Append(ctx, j)
}

// Append adds the history's blocks to a journal.
func (h History) Append(ctx context.Context, j *journal.Journal) error {
	for _, entries := range h {
		if err := j.Append(ctx, entries...); err != nil {
			return err
		}
	}
	return nil
}

// Worker returns a worker that decides nothing by a clock.
func Worker(j *journal.Journal, store *state.Store, lk *lake.Lake) *pipeline.Worker {
	return pipeline.New(pipeline.Options{Journal: j, Store: store, Lake: lk, Clock: Still{}, Logger: slog.New(slog.DiscardHandler),
		Holder: "test", Applied: func(*workspace.Compiled) {}, Handed: func() {}})
}

// Process runs a worker until everything up to a position is committed.
func Process(ctx context.Context, j *journal.Journal, store *state.Store, lk *lake.Lake, upTo journal.Position) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := Worker(j, store, lk)
	g := lifecycle.NewGroup(ctx)
	var failed atomic.Value
	g.Go("worker", func(ctx context.Context) error {
		err := w.Run(ctx)
		if err != nil {
			failed.Store(err)
			cancel() // nobody else would end the waiting
		}
		return err
	})
	err := w.WaitFor(ctx, upTo)
	if stopped := g.Stop(); stopped != nil {
		return stopped
	}
	return err
}

// Chunked is a journal driver that hands out at most Blocks blocks a time.
type Chunked struct {
	journal.Driver
	Blocks int
}

// Read reads fewer blocks.
func (c Chunked) Read(ctx context.Context, after journal.Position, _, maxBytes int) ([]journal.RawBlock, error) {
	return c.Driver.Read(ctx, after, c.Blocks, maxBytes)
}

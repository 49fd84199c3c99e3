package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Group owns named goroutines. The first task that fails cancels the others;
// Stop cancels all and waits for them. A task that returns nil or its context's
// error has ended well.
type Group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	errs   []error
}

// NewGroup returns a group whose tasks end when ctx does.
func NewGroup(ctx context.Context) *Group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{ctx: ctx, cancel: cancel}
}

// Context ends when the group stops or a task fails.
func (g *Group) Context() context.Context { return g.ctx }

// Go starts a task.
func (g *Group) Go(name string, task func(context.Context) error) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		err := task(g.ctx)
		if err == nil || (g.ctx.Err() != nil && errors.Is(err, context.Canceled)) {
			return
		}
		err = fmt.Errorf("%s: %w", name, err)
		g.mu.Lock()
		g.errs = append(g.errs, err)
		g.mu.Unlock()
		g.cancel(err)
	}()
}

// Wait waits until every task has ended and returns what failed.
func (g *Group) Wait() error {
	g.wg.Wait()
	g.cancel(nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.errs...)
}

// Stop cancels the tasks and waits for them.
func (g *Group) Stop() error {
	g.cancel(context.Canceled)
	return g.Wait()
}

package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"parley/internal/destination"
	"parley/internal/fault"
	"parley/internal/lifecycle"
)

const (
	// idle is the longest wait without asking the store: another process may
	// have written to it, and its nudges do not reach us.
	idle = 2 * time.Second
	// storeWait is the pause after the store has failed.
	storeWait = time.Second
	// patience is how many hand-overs in a row may deliver nothing before the
	// breaker opens. Breaker and rate limit are our own few lines, because
	// failsafe-go reads the machine's clock and ours must be turnable.
	patience = 3
	// firstPause doubles with each further failure up to maxPause. While it
	// lasts no attempt is spent, so an outage does not make dead letters of
	// everybody who is due.
	firstPause, maxPause = 5 * time.Second, 5 * time.Minute
)

// worker serves one destination. Only run and what it calls touch nextStart.
type worker struct {
	target  Target
	store   Store
	clock   lifecycle.Clock
	log     *slog.Logger
	observe func(Handover)
	wake    chan struct{}

	nextStart time.Time // by the rate limit

	mu     sync.Mutex
	status Status
}

func (w *worker) snapshot() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

func (w *worker) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if held := w.heldUntil(); w.clock.Now().Before(held) {
			// A nudge does not shorten a pause, so it is left in the channel.
			select {
			case <-ctx.Done():
			case <-w.clock.After(held.Sub(w.clock.Now())):
			}
			continue
		}
		wait := w.step(ctx)
		if wait <= 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-w.clock.After(wait):
		}
	}
	return ctx.Err()
}

// heldUntil is when the breaker and the rate limit allow the next hand-over.
func (w *worker) heldUntil() time.Time {
	paused := w.snapshot().PausedUntil
	if w.nextStart.After(paused) {
		return w.nextStart
	}
	return paused
}

// step makes at most one hand-over and returns how long to wait for the next
// one; 0 to go on at once.
func (w *worker) step(ctx context.Context) time.Duration {
	now := w.clock.Now()
	batch, err := w.store.Claim(ctx, w.target.Name, w.target.BatchSize, now)
	if err != nil {
		return w.storeFailed(ctx, "claim", err)
	}
	if batch == nil {
		return w.untilDue(ctx, now)
	}
	if w.target.RatePerSecond > 0 {
		w.nextStart = now.Add(time.Duration(float64(time.Second) / w.target.RatePerSecond))
	}
	results, err := w.deliver(ctx, *batch)
	if ctx.Err() != nil && err != nil {
		return 0 // the end: what happened is unknown, the batch stays in flight
	}
	ended := w.clock.Now()
	report := Handover{Destination: w.target.Name, Activation: batch.Activation, Batch: batch.ID, Took: ended.Sub(now), Err: err}
	if err != nil {
		results = retryAll(len(batch.Members), fault.Message(err))
	}
	count(&report, results)
	// Settled even on error, so that the next attempt is formed anew from what
	// is wanted then: a consent withdrawn meanwhile is honoured (I6).
	// An answer that arrived with the end is still written down.
	if err := w.store.Settle(context.WithoutCancel(ctx), *batch, results, ended); err != nil {
		return w.storeFailed(ctx, "settle", err)
	}
	w.judge(report, results, ended)
	w.observe(report)
	return 0
}

// deliver calls the connector and turns a panic or a wrong number of results
// into an error: a faulty connector must not take the others with it (I9).
func (w *worker) deliver(ctx context.Context, b destination.Batch) (results []destination.Result, err error) {
	const op = "dispatch.deliver"
	defer func() {
		if p := recover(); p != nil {
			// The panic's value may hold fields and is left out (I12).
			results, err = nil, fault.New(fault.Internal, op, "The connector failed in an unexpected way (%T).", p)
		}
	}()
	results, err = w.target.Connector.Deliver(ctx, b)
	if err == nil && len(results) != len(b.Members) {
		return nil, fault.New(fault.Internal, op, "The connector gave %d results for %d members.", len(results), len(b.Members))
	}
	return results, err
}

// untilDue returns the wait until the store has something due, at most idle.
func (w *worker) untilDue(ctx context.Context, now time.Time) time.Duration {
	at, err := w.store.NextDue(ctx, w.target.Name, now)
	if err != nil {
		return w.storeFailed(ctx, "next due", err)
	}
	if at.IsZero() {
		return idle
	}
	// Something due in the past that Claim did not return would make us spin.
	return min(max(at.Sub(now), time.Millisecond), idle)
}

func (w *worker) storeFailed(ctx context.Context, what string, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	w.log.Error("the store failed", "step", what, "error", err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.LastError = fault.Message(err)
	return storeWait
}

// judge opens the breaker after too many hand-overs that delivered nothing,
// and closes it with the first that did. A refusal is an answer: the
// destination is up.
func (w *worker) judge(h Handover, results []destination.Result, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Handovers++
	if len(results) == 0 || h.Retry < len(results) {
		w.status.Failures, w.status.PausedUntil, w.status.LastError = 0, time.Time{}, ""
		w.status.LastSuccess = now
		return
	}
	w.status.Failures++
	w.status.LastError = results[0].Reason
	var asked time.Duration // what every member was told to wait
	for i, r := range results {
		if i == 0 || r.After < asked {
			asked = r.After
		}
	}
	pause := asked
	if over := w.status.Failures - patience; over >= 0 {
		pause = max(pause, min(firstPause<<min(over, 10), maxPause))
	}
	if pause > 0 {
		w.status.PausedUntil = now.Add(pause)
	}
	w.log.Warn("a hand-over delivered nothing", "batch", h.Batch, "activation", h.Activation,
		"failures", w.status.Failures, "pause", fmt.Sprint(pause), "reason", results[0].Reason)
}

func retryAll(n int, reason string) []destination.Result {
	out := make([]destination.Result, n)
	for i := range out {
		out[i] = destination.Result{Outcome: destination.Retry, Reason: reason}
	}
	return out
}

func count(h *Handover, results []destination.Result) {
	for _, r := range results {
		switch r.Outcome {
		case destination.Delivered:
			h.Delivered++
		case destination.Rejected:
			h.Rejected++
		default:
			h.Retry++
		}
	}
}

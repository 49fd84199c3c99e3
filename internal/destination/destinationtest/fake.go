package destinationtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"parley/internal/destination"
	"parley/internal/fault"
)

// Fake is a connector that keeps the resulting lists in memory and fails as
// told. It is safe for concurrent use; the zero value is ready.
type Fake struct {
	mu         sync.Mutex
	lists      lists
	answered   map[string][]destination.Result // by batch id
	content    map[string]string               // by batch id
	batches    []destination.Batch
	calls      []string // batch ids
	violations []string

	rejected map[string]string // person → reason
	retries  map[string]int    // person → how often
	after    time.Duration
	fail     int
	lose     int
	hang     int
	gate     chan struct{}
}

// Reject refuses every change of a person from now on; an empty reason ends that.
func (f *Fake) Reject(person, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rejected == nil {
		f.rejected = map[string]string{}
	}
	f.rejected[person] = reason
	if reason == "" {
		delete(f.rejected, person)
	}
}

// RetryTimes answers Retry, not before after, to the next n changes of a person.
func (f *Fake) RetryTimes(person string, n int, after time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.retries == nil {
		f.retries = map[string]int{}
	}
	f.retries[person], f.after = n, after
}

// FailTimes fails the next n hand-overs before anything is applied.
func (f *Fake) FailTimes(n int) { f.mu.Lock(); defer f.mu.Unlock(); f.fail = n }

// LoseAckTimes applies the next n hand-overs and then fails, as when the
// answer is lost.
func (f *Fake) LoseAckTimes(n int) { f.mu.Lock(); defer f.mu.Unlock(); f.lose = n }

// HangTimes applies the next n hand-overs and then waits for the end of the
// context, as when the process is stopped before it hears the answer.
func (f *Fake) HangTimes(n int) { f.mu.Lock(); defer f.mu.Unlock(); f.hang = n }

// Block makes every hand-over wait, before anything is applied, until the
// returned function is called.
func (f *Fake) Block() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	gate := make(chan struct{})
	f.gate = gate
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.gate = nil
		close(gate)
	})
}

// Deliver implements destination.Connector.
func (f *Fake) Deliver(ctx context.Context, b destination.Batch) ([]destination.Result, error) {
	const op = "fake.deliver"
	if err := f.wait(ctx); err != nil {
		return nil, fault.WrapAs(fault.Unavailable, op, err, "The hand-over was interrupted.")
	}
	f.mu.Lock()
	f.calls = append(f.calls, b.ID)
	if f.fail > 0 {
		f.fail--
		f.mu.Unlock()
		return nil, fault.New(fault.Unavailable, op, "The fake was told to fail.")
	}
	results := f.applyLocked(b)
	hang, lose := f.hang > 0, f.lose > 0
	if hang {
		f.hang--
	} else if lose {
		f.lose--
	}
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, fault.WrapAs(fault.Unavailable, op, ctx.Err(), "The hand-over was interrupted.")
	}
	if lose {
		return nil, fault.New(fault.Unavailable, op, "The fake was told to lose its answer.")
	}
	return slices.Clone(results), nil
}

func (f *Fake) wait(ctx context.Context) error {
	f.mu.Lock()
	gate := f.gate
	f.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func (f *Fake) applyLocked(b destination.Batch) []destination.Result {
	if f.answered == nil {
		f.answered, f.content = map[string][]destination.Result{}, map[string]string{}
	}
	text := fmt.Sprint(b)
	if results, ok := f.answered[b.ID]; ok {
		if f.content[b.ID] != text {
			f.violations = append(f.violations, "batch "+b.ID+" came again with other content")
		}
		return results
	}
	if !slices.IsSortedFunc(b.Members, func(x, y destination.Member) int { return compare(x.Person, y.Person) }) {
		f.violations = append(f.violations, "batch "+b.ID+" is not sorted by person, or names one twice")
	}
	f.batches = append(f.batches, b)
	results := make([]destination.Result, len(b.Members))
	for i, m := range b.Members {
		results[i] = f.memberLocked(b.Activation, m)
	}
	f.answered[b.ID], f.content[b.ID] = results, text
	return results
}

// compare orders persons so that an equal pair counts as unsorted.
func compare(x, y string) int {
	if x < y {
		return -1
	}
	return 1
}

func (f *Fake) memberLocked(activation string, m destination.Member) destination.Result {
	if reason, ok := f.rejected[m.Person]; ok {
		return destination.Result{Outcome: destination.Rejected, Reason: reason}
	}
	if f.retries[m.Person] > 0 {
		f.retries[m.Person]--
		return destination.Result{Outcome: destination.Retry, Reason: "the fake asks for patience", After: f.after}
	}
	if !f.lists.apply(activation, m) {
		f.violations = append(f.violations, fmt.Sprintf("person %s went back to version %d", m.Person, m.Version))
	}
	return destination.Result{}
}

// Close implements destination.Connector.
func (f *Fake) Close() error { return nil }

// List returns who is on the list of an activation.
func (f *Fake) List(activation string) map[string]Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lists.list(activation)
}

// Batches returns the batches applied, repetitions left out, in order.
func (f *Fake) Batches() []destination.Batch {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.batches)
}

// Calls returns the batch id of every hand-over that reached the fake,
// repetitions and failures included, in order.
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Violations returns what the caller did against the contract: an id used
// for two contents, members out of order, a version that went back.
func (f *Fake) Violations() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.violations)
}

// Effect returns a text of all lists, for Conform.
func (f *Fake) Effect() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lists.text()
}

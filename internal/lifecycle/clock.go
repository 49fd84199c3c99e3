// Package lifecycle holds what every long-lived part needs: a clock that tests
// can turn and a group that owns goroutines.
package lifecycle

import (
	"sync"
	"time"
)

// Clock tells the time and wakes sleepers. Code takes a Clock, never the time
// package's Now, so that tests need no sleep and decisions can be repeated (I4).
// Implementations are safe for concurrent use.
type Clock interface {
	// Now is the current time in UTC.
	Now() time.Time
	// After delivers once, not before d has passed. Collected when unreferenced.
	After(d time.Duration) <-chan time.Time
}

// System is the machine's clock.
type System struct{}

// Now returns the machine's time in UTC.
func (System) Now() time.Time { return time.Now().UTC() }

// After is time.After.
func (System) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Shifted runs at the machine's pace, By apart from it: the demo lives in 2011.
type Shifted struct{ By time.Duration }

// Now returns the machine's time plus the shift, in UTC.
func (s Shifted) Now() time.Time { return time.Now().Add(s.By).UTC() }

// After is time.After: a shift does not change durations.
func (s Shifted) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Manual stands still until a test moves it.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	waiting []waiter
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

// NewManual returns a clock that shows t.
func NewManual(t time.Time) *Manual { return &Manual{now: t.UTC()} }

// Now returns the time last set.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// After delivers when Advance has passed d; at once for d <= 0.
func (m *Manual) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := make(chan time.Time, 1)
	if d <= 0 {
		ch <- m.now
		return ch
	}
	m.waiting = append(m.waiting, waiter{at: m.now.Add(d), ch: ch})
	return ch
}

// Advance moves the clock by d and wakes everyone whose time has come.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	kept := m.waiting[:0]
	for _, w := range m.waiting {
		if w.at.After(m.now) {
			kept = append(kept, w)
			continue
		}
		w.ch <- m.now
	}
	m.waiting = kept
}

package natsjournal

import (
	"sync"

	"parley/internal/journal"
)

// tail is the newest position known to be durable; readers wait on it and
// never read past it.
type tail struct {
	mu      sync.Mutex
	last    journal.Position
	changed chan struct{} // closed when last rises, or a wake is asked for
}

func newTail() *tail { return &tail{changed: make(chan struct{})} }

func (t *tail) get() (journal.Position, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last, t.changed
}

// advance raises the tail; a lower position is old news.
func (t *tail) advance(to journal.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if to <= t.last {
		return
	}
	t.last = to
	t.wakeLocked()
}

// wake makes every reader look again.
func (t *tail) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wakeLocked()
}

func (t *tail) wakeLocked() {
	close(t.changed)
	t.changed = make(chan struct{})
}

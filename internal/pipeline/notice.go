package pipeline

import (
	"sync"

	"parley/internal/fault"
)

// notice wakes everyone who waits for something to happen again.
type notice struct {
	mu sync.Mutex
	ch chan struct{}
}

func newNotice() *notice { return &notice{ch: make(chan struct{})} }

// wait returns a channel that the next notify closes.
func (n *notice) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ch
}

func (n *notice) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.ch)
	n.ch = make(chan struct{})
}

// passing says whether a failure may be gone at the next try.
func passing(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Busy:
		return true
	}
	return false
}

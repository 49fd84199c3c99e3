package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// handover is the part of a hand-over that these sinks look at.
type handover struct {
	Activation string `json:"activation"`
	Members    []struct {
		Person string            `json:"person"`
		Action string            `json:"action"`
		Fields map[string]string `json:"fields"`
	} `json:"members"`
}

// strictSink refuses the members with certain addresses, with a reason, and
// takes the others.
type strictSink struct {
	mu      sync.Mutex
	refused map[string]bool
	on      map[string]bool // addresses on the list
}

func newStrictSink() *strictSink {
	return &strictSink{refused: map[string]bool{}, on: map[string]bool{}}
}

func (s *strictSink) refuse(email string, refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[email] = refuse
}

func (s *strictSink) has(email string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on[email]
}

// ServeHTTP answers per member.
func (s *strictSink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var h handover
	if err := json.NewDecoder(r.Body).Decode(&h); err != nil {
		http.Error(w, "The body is not a hand-over.", http.StatusBadRequest)
		return
	}
	type result struct {
		Person string `json:"person"`
		Status string `json:"status"`
		Reason string `json:"reason,omitempty"`
	}
	var out struct {
		Results []result `json:"results"`
	}
	s.mu.Lock()
	for _, m := range h.Members {
		email := m.Fields["email"]
		if s.refused[email] {
			// The address is echoed, as careless receivers do; it must not be kept (I12).
			out.Results = append(out.Results, result{m.Person, "rejected", "mailbox " + email + " is closed"})
			continue
		}
		s.on[email] = m.Action == "add"
		out.Results = append(out.Results, result{Person: m.Person, Status: "delivered"})
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // a lost answer is the sender's to repeat
}

// hangingSink reads a hand-over and never answers it.
type hangingSink struct {
	arrived atomic.Int64
	end     chan struct{}
	once    sync.Once
}

func newHangingSink() *hangingSink { return &hangingSink{end: make(chan struct{})} }

func (s *hangingSink) release() { s.once.Do(func() { close(s.end) }) }

// ServeHTTP waits for the end of the request or of the test.
func (s *hangingSink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // its content does not matter
	s.arrived.Add(1)
	select {
	case <-r.Context().Done():
	case <-s.end:
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

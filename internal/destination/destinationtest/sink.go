package destinationtest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"

	"parley/internal/destination/webhook"
	"parley/internal/fault"
	"parley/internal/lifecycle"
)

// maxBody bounds a hand-over that the sink reads, in bytes.
const maxBody = 64 << 20

// WebhookSink is the receiving end of a webhook destination: it checks the
// signature, ignores repetitions and keeps one list per activation. It is safe
// for concurrent use.
type WebhookSink struct {
	secrets webhook.Secrets
	clock   lifecycle.Clock

	mu       sync.Mutex
	lists    lists
	seen     map[string]bool
	received []webhook.Payload
	failing  int
	status   int
}

// NewWebhookSink returns a sink that accepts hand-overs signed with one of
// the secrets (as in webhook.ParseSecrets) around the clock's time.
func NewWebhookSink(secrets string, clock lifecycle.Clock) (*WebhookSink, error) {
	keys, err := webhook.ParseSecrets(secrets)
	if err != nil {
		return nil, err
	}
	return &WebhookSink{secrets: keys, clock: clock, seen: map[string]bool{}}, nil
}

// FailTimes answers the next n hand-overs with a status and applies nothing.
func (s *WebhookSink) FailTimes(n, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing, s.status = n, status
}

// ServeHTTP receives one hand-over.
func (s *WebhookSink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "Send hand-overs with POST.", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "The body cannot be read or is too long.", http.StatusRequestEntityTooLarge)
		return
	}
	if err := s.secrets.Verify(r.Header, body, s.clock.Now()); err != nil {
		http.Error(w, fault.Message(err), http.StatusUnauthorized)
		return
	}
	var p webhook.Payload
	if err := json.Unmarshal(body, &p); err != nil || p.Type != webhook.PayloadType || p.ID != r.Header.Get(webhook.HeaderID) {
		http.Error(w, "The body is not a hand-over of members with the id of its header.", http.StatusBadRequest)
		return
	}
	if status := s.receive(p); status != http.StatusOK {
		http.Error(w, "The sink was told to fail.", status)
		return
	}
	w.Header().Set("content-type", "application/json")
	_, _ = io.WriteString(w, `{"results":[]}`) // a lost answer is the sender's to repeat
}

func (s *WebhookSink) receive(p webhook.Payload) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing > 0 {
		s.failing--
		return s.status
	}
	if s.seen[p.ID] {
		return http.StatusOK
	}
	s.seen[p.ID] = true
	s.received = append(s.received, p)
	for _, m := range p.Members {
		s.lists.apply(p.Activation, m)
	}
	return http.StatusOK
}

// List returns who is on the list of an activation.
func (s *WebhookSink) List(activation string) map[string]Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists.list(activation)
}

// Received returns the hand-overs applied, repetitions left out, in order.
func (s *WebhookSink) Received() []webhook.Payload {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

// Effect returns a text of all lists, for Conform.
func (s *WebhookSink) Effect() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists.text()
}

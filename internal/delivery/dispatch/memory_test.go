package dispatch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"parley/internal/delivery"
	"parley/internal/destination"
)

// memory is a Store in memory; it outlives the dispatchers of a test as a
// database outlives processes.
type memory struct {
	mu          sync.Mutex
	activations map[string]delivery.Activation
	rows        map[string]map[int64]delivery.Member // by activation and person
	flight      map[string]destination.Batch         // by destination
	disclosures []string                             // batch ids, before hand-over
	ids         int
	broken      error
}

func newMemory(list ...delivery.Activation) *memory {
	s := &memory{activations: map[string]delivery.Activation{}, rows: map[string]map[int64]delivery.Member{}, flight: map[string]destination.Batch{}}
	for _, a := range list {
		s.activations[a.Name] = a
		s.rows[a.Name] = map[int64]delivery.Member{}
	}
	return s
}

// desire is the pipeline's part; email "" means not wanted.
func (s *memory) desire(activation string, person int64, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := delivery.Desired{Reason: "left"}
	if email != "" {
		in = delivery.Desired{Want: true, Fields: map[string]string{"email": email}}
	}
	prev, ok := s.rows[activation][person]
	if !ok {
		prev = delivery.Member{Activation: activation, Person: person}
	}
	if next, changed := delivery.Desire(prev, in); changed {
		s.rows[activation][person] = next
		if next.Disposable() {
			delete(s.rows[activation], person)
		}
	}
}

func (s *memory) membersLocked(destination string) []delivery.Member {
	var out []delivery.Member
	for _, name := range slices.Sorted(maps.Keys(s.rows)) {
		if s.activations[name].Destination != destination {
			continue
		}
		for _, p := range slices.Sorted(maps.Keys(s.rows[name])) {
			out = append(out, s.rows[name][p])
		}
	}
	return out
}

func (s *memory) Claim(_ context.Context, dest string, limit int, now time.Time) (*destination.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, s.broken
	}
	if b, ok := s.flight[dest]; ok {
		rows := map[string]delivery.Member{}
		for p, m := range s.rows[b.Activation] {
			rows[strconv.FormatInt(p, 10)] = m
		}
		if delivery.Resendable(b, rows) {
			return &b, nil
		}
		s.settleLocked(b, retryAll(len(b.Members), "changed in flight"), now)
	}
	modes := map[string]destination.Mode{}
	for name, a := range s.activations {
		modes[name] = a.Mode
	}
	picked := delivery.Pick(modes, s.membersLocked(dest), limit, now)
	if len(picked) == 0 {
		return nil, nil
	}
	s.ids++
	a := s.activations[picked[0].Activation]
	b := delivery.Form(fmt.Sprintf("b%d", s.ids), a, now, picked)
	for _, m := range picked {
		s.rows[a.Name][m.Person] = m.Sent(b.ID)
	}
	s.flight[dest] = b
	s.disclosures = append(s.disclosures, b.ID)
	return &b, nil
}

func (s *memory) Settle(_ context.Context, b destination.Batch, results []destination.Result, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	s.settleLocked(b, results, now)
	return nil
}

func (s *memory) settleLocked(b destination.Batch, results []destination.Result, now time.Time) {
	dest := s.activations[b.Activation].Destination
	if s.flight[dest].ID != b.ID {
		return
	}
	delete(s.flight, dest)
	for i, sent := range b.Members {
		p, _ := strconv.ParseInt(sent.Person, 10, 64)
		s.rows[b.Activation][p] = s.rows[b.Activation][p].Settled(b.ID, sent, results[i], now)
	}
}

func (s *memory) NextDue(_ context.Context, dest string, _ time.Time) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next time.Time
	for _, m := range s.membersLocked(dest) {
		if at := m.NextTry.Add(time.Nanosecond); m.Due(m.NextTry) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, s.broken
}

func (s *memory) row(activation string, person int64) delivery.Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[activation][person]
}

func (s *memory) breakDown(err error) { s.mu.Lock(); defer s.mu.Unlock(); s.broken = err }

// open returns how many members are neither settled nor dead.
func (s *memory) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, rows := range s.rows {
		for _, m := range rows {
			if m.Open() && m.Dead == "" {
				n++
			}
		}
	}
	return n
}

// Package laketest holds what every lake driver is measured against: a
// conformance suite (Run), a reference driver in memory (Memory) and a property
// that plays random histories on a driver and on the reference (Equivalent).
package laketest

import (
	"context"
	"slices"
	"sync"
	"time"

	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/lake"
)

// Memory is the reference driver: the contract of lake.Driver in the plainest
// words. It is also right for tests of packages that need a lake. It keeps what
// it holds over Close, so the same Memory can be opened again.
type Memory struct {
	mu       sync.Mutex
	position journal.Position
	rows     []lake.Row // journal order
	persons  map[event.Identifier]int64
}

var _ lake.Driver = (*Memory)(nil)

// NewMemory returns an empty reference driver.
func NewMemory() *Memory { return &Memory{persons: map[event.Identifier]int64{}} }

// Append implements lake.Driver.
func (m *Memory) Append(ctx context.Context, b lake.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.UpTo <= m.position {
		return nil
	}
	for _, r := range b.Rows {
		if r.Position <= m.position {
			continue
		}
		r.Time, r.ReceivedAt = micro(r.Time), micro(r.ReceivedAt)
		r.Event = slices.Clone(r.Event)
		m.rows = append(m.rows, r)
	}
	for _, a := range b.Assignments {
		m.persons[a.Node] = a.Person
	}
	m.position = b.UpTo
	return nil
}

func micro(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

// Position implements lake.Driver.
func (m *Memory) Position(ctx context.Context) (journal.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.position, ctx.Err()
}

type owned struct {
	row    lake.Row
	person int64
}

// choose returns copies of the chosen rows in journal order.
func (m *Memory) choose(q lake.Query) []owned {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []owned
	for _, r := range m.rows {
		var person int64
		if r.Node.Namespace != "" {
			person = m.persons[r.Node]
		}
		if !matches(q, r, person) {
			continue
		}
		r.Event = slices.Clone(r.Event)
		out = append(out, owned{r, person})
	}
	return out
}

func matches(q lake.Query, r lake.Row, person int64) bool {
	switch {
	case len(q.Names) > 0 && !slices.Contains(q.Names, r.Name),
		len(q.Sources) > 0 && !slices.Contains(q.Sources, r.Source),
		!q.From.IsZero() && r.Time.Before(q.From),
		!q.To.IsZero() && !r.Time.Before(q.To),
		q.UpTo > 0 && r.Position > q.UpTo,
		q.Persons != nil && !slices.Contains(q.Persons, person):
		return false
	}
	return true
}

// Scan implements lake.Driver.
func (m *Memory) Scan(ctx context.Context, q lake.Query, fn func(lake.Row, int64) error) error {
	for _, o := range m.choose(q) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(o.row, o.person); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// ScanByPerson implements lake.Driver.
func (m *Memory) ScanByPerson(ctx context.Context, names []string, fn func(int64, []lake.Row) error) error {
	rows := map[int64][]lake.Row{}
	var persons []int64
	for _, o := range m.choose(lake.Query{Names: names}) {
		if o.person == 0 {
			continue
		}
		if rows[o.person] == nil {
			persons = append(persons, o.person)
		}
		rows[o.person] = append(rows[o.person], o.row)
	}
	slices.Sort(persons)
	for _, p := range persons {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(p, rows[p]); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Count implements lake.Driver.
func (m *Memory) Count(ctx context.Context, q lake.Query) (int64, error) {
	return int64(len(m.choose(q))), ctx.Err()
}

// Stats implements lake.Driver.
func (m *Memory) Stats(ctx context.Context) (lake.Stats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := lake.Stats{Position: m.position, Rows: int64(len(m.rows))}
	for _, r := range m.rows {
		i, found := slices.BinarySearchFunc(s.Names, r.Name, func(n lake.NameStats, name string) int {
			if n.Name < name {
				return -1
			}
			if n.Name > name {
				return 1
			}
			return 0
		})
		if !found {
			s.Names = slices.Insert(s.Names, i, lake.NameStats{Name: r.Name, First: r.Time, Last: r.Time})
		}
		n := &s.Names[i]
		n.Rows++
		if r.Time.Before(n.First) {
			n.First = r.Time
		}
		if r.Time.After(n.Last) {
			n.Last = r.Time
		}
	}
	return s, ctx.Err()
}

// Close implements lake.Driver. It keeps the content.
func (m *Memory) Close() error { return nil }

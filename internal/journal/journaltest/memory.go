// Package journaltest holds what tests of the journal and of its users share:
// the suite that every driver passes, a driver in memory, and a driver that
// fails on command.
package journaltest

import (
	"context"
	"sync"

	"parley/internal/fault"
	"parley/internal/journal"
)

// memoryMaxBlock is the size of the largest block in memory.
const memoryMaxBlock = 12 << 20

// Store is what survives when a memory driver is closed.
type Store struct {
	mu      sync.Mutex
	blocks  [][]byte
	changed chan struct{} // closed by the next append
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{changed: make(chan struct{})} }

// Open returns a new driver on the store.
func (s *Store) Open() *Memory { return &Memory{store: s, closed: make(chan struct{})} }

// Memory is a journal.Driver for tests; its blocks live as long as its Store.
type Memory struct {
	store   *Store
	closing sync.Once
	closed  chan struct{}
}

// NewMemory returns a driver on a store of its own.
func NewMemory() *Memory { return NewStore().Open() }

func (m *Memory) usable(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-m.closed:
		return errClosed(op)
	default:
		return nil
	}
}

func errClosed(op string) error {
	return fault.New(fault.Unavailable, op, "The journal is closed.")
}

// Append stores a copy of block.
func (m *Memory) Append(ctx context.Context, block []byte) (journal.Position, error) {
	const op = "memory.append"
	if len(block) == 0 {
		return 0, fault.New(fault.Invalid, op, "An empty block cannot be stored.")
	}
	if len(block) > memoryMaxBlock {
		return 0, fault.New(fault.TooLarge, op, "The block is too large.")
	}
	if err := m.usable(ctx, op); err != nil {
		return 0, err
	}
	s := m.store
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks = append(s.blocks, append([]byte(nil), block...))
	close(s.changed)
	s.changed = make(chan struct{})
	return journal.Position(len(s.blocks)), nil
}

// Read returns copies of blocks.
func (m *Memory) Read(ctx context.Context, after journal.Position, maxBlocks, maxBytes int) ([]journal.RawBlock, error) {
	for {
		if err := m.usable(ctx, "memory.read"); err != nil {
			return nil, err
		}
		blocks, changed := m.store.read(after, max(maxBlocks, 1), max(maxBytes, 1))
		if len(blocks) > 0 {
			return blocks, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-m.closed:
		}
	}
}

func (s *Store) read(after journal.Position, maxBlocks, maxBytes int) ([]journal.RawBlock, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []journal.RawBlock
	for size := 0; after < journal.Position(len(s.blocks)) && len(out) < maxBlocks && size < maxBytes; after++ {
		data := append([]byte(nil), s.blocks[after]...)
		out = append(out, journal.RawBlock{Position: after + 1, Data: data})
		size += len(data)
	}
	return out, s.changed
}

// Last returns the number of blocks.
func (m *Memory) Last(ctx context.Context) (journal.Position, error) {
	if err := m.usable(ctx, "memory.last"); err != nil {
		return 0, err
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	return journal.Position(len(m.store.blocks)), nil
}

// MaxBlock is 12 MiB.
func (m *Memory) MaxBlock() int { return memoryMaxBlock }

// Healthy fails only once the driver is closed.
func (m *Memory) Healthy(ctx context.Context) error { return m.usable(ctx, "memory.healthy") }

// Close ends this driver; the store stays.
func (m *Memory) Close() error {
	m.closing.Do(func() { close(m.closed) })
	return nil
}

package server

import (
	"context"
	"sync"

	"parley/internal/journal"
	"parley/internal/state"
)

// backlog counts what the journal holds beyond the pipeline's position (I2). It
// remembers the count of each block, so that each is read once however often
// someone asks while the pipeline catches up.
type backlog struct {
	mu     sync.Mutex
	upTo   journal.Position // counted
	blocks []blockCount     // by position
}

// blockCount is how many events and records of each source a block holds.
type blockCount struct {
	position journal.Position
	entries  map[string]int64
}

// pending returns how many accepted entries of each source state does not have yet.
func (s *Server) pending(ctx context.Context) (map[string]int64, error) {
	s.backlog.mu.Lock()
	defer s.backlog.mu.Unlock()
	var at state.Progress
	err := s.store.View(ctx, func(tx *state.Tx) (err error) {
		at, err = tx.Progress(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	last, err := s.journal.Last(ctx)
	if err != nil {
		return nil, err
	}
	s.backlog.drop(at.Position)
	if err := s.backlog.count(ctx, s.journal, last); err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, b := range s.backlog.blocks {
		for source, n := range b.entries {
			out[source] += n
		}
	}
	return out, nil
}

// drop forgets what is processed.
func (b *backlog) drop(processed journal.Position) {
	n := 0
	for n < len(b.blocks) && b.blocks[n].position <= processed {
		n++
	}
	b.blocks = append([]blockCount(nil), b.blocks[n:]...)
	b.upTo = max(b.upTo, processed)
}

// count reads the blocks up to last that were not counted before.
func (b *backlog) count(ctx context.Context, j *journal.Journal, last journal.Position) error {
	reader := j.Reader(b.upTo)
	for reader.Position() < last {
		blocks, err := reader.Next(ctx, 16, 1<<20)
		if err != nil {
			return err
		}
		for _, block := range blocks {
			c := blockCount{position: block.Position, entries: map[string]int64{}}
			for i := range block.Entries {
				if k := block.Entries[i].Kind; k == journal.Event || k == journal.Record {
					c.entries[block.Entries[i].Source]++
				}
			}
			b.blocks = append(b.blocks, c)
		}
		b.upTo = reader.Position()
	}
	return nil
}

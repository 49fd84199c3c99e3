package journal

import (
	"context"

	"parley/internal/fault"
)

// Reader walks the journal in order. It belongs to one goroutine at a time and
// needs no closing: it holds nothing but its position.
type Reader struct {
	driver Driver
	after  Position
}

// Reader returns a reader that starts with the first block after a position;
// 0 reads from the beginning.
func (j *Journal) Reader(after Position) *Reader {
	return &Reader{driver: j.driver, after: after}
}

// Position is that of the block returned last, or where the reader started.
func (r *Reader) Position() Position { return r.after }

// Next waits for the first block, then takes what is there: at most maxBlocks,
// and no further block once maxBytes as stored are reached (values below 1 count
// as 1). The entries' payloads must not be changed. An error leaves the reader
// where it was, so that Next can be called again: the context's error,
// fault.Unavailable when the driver cannot read or is closed, fault.Internal
// for a damaged block, once all blocks before it have been returned.
func (r *Reader) Next(ctx context.Context, maxBlocks, maxBytes int) ([]Block, error) {
	const op = "journal.read"
	raw, err := r.driver.Read(ctx, r.after, max(maxBlocks, 1), max(maxBytes, 1))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	blocks := make([]Block, 0, len(raw))
	for _, b := range raw {
		entries, err := DecodeBlock(b.Data)
		if err != nil && len(blocks) > 0 {
			break
		}
		if err != nil {
			return nil, fault.WrapAs(fault.Internal, op, err, "The journal cannot be read past position %d. %s", r.after, fault.Message(err))
		}
		blocks = append(blocks, Block{Position: b.Position, Entries: entries})
		r.after = b.Position
	}
	return blocks, nil
}

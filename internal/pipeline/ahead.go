package pipeline

import (
	"context"

	"parley/internal/journal"
	"parley/internal/workspace"
)

// batch is what the reader hands to the writer: blocks in journal order and what
// could be decoded of them before their turn. Decoding needs no state, so it runs
// beside the transaction before, on another core, and changes no result (I4).
type batch struct {
	blocks []journal.Block
	// ws is the version under which the entries were decoded. Should another
	// govern by the time a block is processed, it is decoded again.
	ws    *workspace.Compiled
	ahead ahead
}

// ahead holds events and records that were decoded before their block's turn;
// nil stands for an entry that can only be read when its turn comes.
type ahead map[journal.Position][]*decoded

// read keeps one batch ready while the one before is processed.
func (w *Worker) read(ctx context.Context, after journal.Position, batches chan<- *batch) error {
	reader := w.Journal.Reader(after)
	for {
		blocks, err := reader.Next(ctx, maxBlocks, maxBytes)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if err := w.retry(ctx, "read the journal", err); err != nil {
				return err
			}
			reader = w.Journal.Reader(reader.Position())
			continue
		}
		for len(blocks) > 0 {
			n := fill(blocks)
			ws := w.ws.Load()
			select {
			case <-ctx.Done():
				return nil
			case batches <- &batch{blocks: blocks[:n], ws: ws, ahead: decodeAhead(ws, blocks[:n])}:
			}
			blocks = blocks[n:]
		}
	}
}

// fill returns how many of the blocks one transaction takes, at least one.
func fill(blocks []journal.Block) int {
	entries := len(blocks[0].Entries)
	for n := 1; n < len(blocks); n++ {
		if entries += len(blocks[n].Entries); entries > maxEntries {
			return n
		}
	}
	return len(blocks)
}

// decodeAhead decodes what the blocks hold up to the next workspace version,
// after which another version governs.
func decodeAhead(ws *workspace.Compiled, blocks []journal.Block) ahead {
	out := ahead{}
	if ws == nil {
		return out
	}
	for _, b := range blocks {
		if changesWorkspace(b) {
			break
		}
		list := make([]*decoded, len(b.Entries))
		for i := range b.Entries {
			if kind := b.Entries[i].Kind; kind == journal.Event || kind == journal.Record {
				list[i] = decode(ws, b.Position, i, &b.Entries[i])
			}
		}
		out[b.Position] = list
	}
	return out
}

func changesWorkspace(b journal.Block) bool {
	for i := range b.Entries {
		if b.Entries[i].Kind == journal.Workspace {
			return true
		}
	}
	return false
}

package statetest

import (
	"context"
	"testing"

	"parley/internal/journal"
	"parley/internal/state"
)

// testOutbox leaves parcels of any bytes and takes them over in order.
func testOutbox(t *testing.T, f *fixture) {
	body := []byte{0, 1, 0xff, '\'', '"', '\n'}
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		for _, p := range []journal.Position{9, 3, 7} {
			if err := tx.PutOutbox(ctx, state.Outbox{Position: p, Body: append(body, byte(p))}); err != nil {
				return err
			}
		}
		return nil
	})
	after := func(p journal.Position, limit int) []state.Outbox {
		return look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.Outbox, error) { return tx.OutboxAfter(ctx, p, limit) })
	}
	same(t, "in order, at most two", after(0, 2), []state.Outbox{{Position: 3, Body: append(body[:6:6], 3)}, {Position: 7, Body: append(body[:6:6], 7)}})
	same(t, "after the second", len(after(7, 10)), 1)
	if err := f.s.Sync(f.ctx); err != nil {
		t.Fatal(err)
	}
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.DropOutbox(ctx, 7) })
	same(t, "taken over up to 7", after(0, 10), []state.Outbox{{Position: 9, Body: append(body[:6:6], 9)}})
	if err := f.s.Sync(f.ctx); err != nil {
		t.Fatal(err)
	}
}

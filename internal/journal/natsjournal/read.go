package natsjournal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"parley/internal/journal"
)

const (
	// maxTransfer bounds the bytes of one fetch, far enough below what the
	// server queues for a connection (64 MiB) before it calls it too slow.
	maxTransfer = 16 << 20
	maxBatch    = 8192
	// fetchTimeout is the longest silence within one fetch.
	fetchTimeout = 10 * time.Second
	// behindWait is how soon to look again when a replica has not caught up.
	behindWait = 20 * time.Millisecond
	// lookAgain makes good for announcements lost with a connection.
	lookAgain = 2 * time.Second
)

// Read waits on the tail and fetches by sequence.
func (d *Driver) Read(ctx context.Context, after journal.Position, maxBlocks, maxBytes int) ([]journal.RawBlock, error) {
	const op = "natsjournal.read"
	ctx, done, err := d.enter(ctx, op)
	if err != nil {
		return nil, err
	}
	defer done()
	for {
		last, changed := d.tail.get()
		wait := lookAgain
		if last > after {
			blocks, err := d.fetch(ctx, after, last, max(maxBlocks, 1), max(maxBytes, 1))
			if err != nil {
				return nil, d.explain(ctx, op, err)
			}
			if len(blocks) > 0 {
				return blocks, nil
			}
			wait = behindWait
		}
		if err := d.await(ctx, changed, wait); err != nil {
			return nil, d.explain(ctx, op, err)
		}
	}
}

// await waits for news of the tail; from an outside server it also asks for
// them now and then.
func (d *Driver) await(ctx context.Context, changed <-chan struct{}, wait time.Duration) error {
	var again <-chan time.Time
	if !d.embedded || wait != lookAgain {
		again = d.clock.After(wait)
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-again:
	}
	if d.embedded || wait != lookAgain {
		return nil
	}
	s := d.current.Load()
	if s == nil || !s.reads.IsConnected() {
		return nil // the wait goes on; an append tells that the server is down
	}
	last, err := s.last(ctx)
	if err != nil {
		return nil // as above
	}
	d.tail.advance(last)
	return nil
}

// fetch reads one range. Only one runs at a time, so that the server never has
// more than one transfer queued for the connection. During a restart of the
// embedded server it waits for the new one.
func (d *Driver) fetch(ctx context.Context, after, upTo journal.Position, maxBlocks, maxBytes int) ([]journal.RawBlock, error) {
	select {
	case d.fetching <- struct{}{}:
		defer func() { <-d.fetching }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s := d.current.Load()
	if s == nil {
		return nil, errDown("natsjournal.read", nil)
	}
	maxBlocks = min(maxBlocks, maxBatch)
	if span := upTo - after; span < journal.Position(maxBlocks) {
		maxBlocks = int(span)
	}
	return s.fetch(ctx, after, upTo, maxBlocks, min(maxBytes, maxTransfer))
}

// fetch asks the stream for a range of messages; the server answers with one
// message each and an end marker. Nothing stays behind on the server.
func (s *session) fetch(ctx context.Context, after, upTo journal.Position, maxBlocks, maxBytes int) ([]journal.RawBlock, error) {
	request, err := json.Marshal(struct {
		Seq      uint64 `json:"seq"`
		Batch    int    `json:"batch"`
		MaxBytes int    `json:"max_bytes"`
	}{uint64(after) + 1, maxBlocks, maxBytes})
	if err != nil {
		return nil, err
	}
	inbox := s.reads.NewInbox()
	sub, err := s.reads.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := sub.SetPendingLimits(-1, -1); err != nil { // bounded by the request
		return nil, err
	}
	if err := s.reads.PublishRequest("$JS.API.DIRECT.GET."+s.stream, inbox, request); err != nil {
		return nil, err
	}
	var blocks []journal.RawBlock
	previous := "0"
	for {
		msg, err := s.nextMessage(ctx, sub)
		if err != nil {
			return nil, err
		}
		if status := msg.Header.Get("Status"); status != "" {
			return blocks, rangeEnd(status)
		}
		seq := msg.Header.Get("Nats-Sequence")
		pos, err := strconv.ParseUint(seq, 10, 64)
		if err != nil || pos <= uint64(after) {
			return nil, fmt.Errorf("the server answered with sequence %q after %d", seq, after)
		}
		// Each message names its predecessor: one lost on the way ends the
		// range here, and anything past the tail is not known to be durable.
		if msg.Header.Get("Nats-Last-Sequence") != previous || pos > uint64(upTo) {
			return blocks, nil
		}
		previous = seq
		blocks = append(blocks, journal.RawBlock{Position: journal.Position(pos), Data: msg.Data})
	}
}

func (s *session) nextMessage(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	return sub.NextMsgWithContext(ctx)
}

// rangeEnd reads the status that ends a range.
func rangeEnd(status string) error {
	switch status {
	case "204", "404": // end of range; nothing in the range
		return nil
	case "503":
		return errors.New("no server answers for the stream")
	}
	return fmt.Errorf("the server answered with status %s", status)
}

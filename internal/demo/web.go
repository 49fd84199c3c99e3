package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"parley/client"
	shop "parley/examples/shop"
	"parley/internal/fault"
)

// webBatch is how many calls an SDK sends at once.
const webBatch = 100

// sendWeb sends the web shop's calls to /v1/batch, in their order. They carry no
// sentAt, so that their own times hold.
func (d *Demo) sendWeb(ctx context.Context) error {
	calls, err := webCalls()
	if err != nil {
		return err
	}
	for len(calls) > 0 {
		n := min(webBatch, len(calls))
		if err := d.sendBatch(ctx, calls[:n]); err != nil {
			return err
		}
		calls = calls[n:]
	}
	return nil
}

// sendBatch tries again while the server is busy, as SDKs do.
func (d *Demo) sendBatch(ctx context.Context, calls []client.Message) error {
	for {
		err := d.api.Batch(ctx, writeKey, calls, time.Time{})
		var answer *client.Error
		if !errors.As(err, &answer) || answer.RetryAfter == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(answer.RetryAfter):
		}
	}
}

func webCalls() ([]client.Message, error) {
	raw, err := shop.Files.ReadFile("data/web.jsonl")
	if err != nil {
		return nil, fault.Wrap("demo.web", err)
	}
	var calls []client.Message
	for line := range bytes.Lines(raw) {
		var m client.Message
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&m); err != nil {
			return nil, fault.Wrap("demo.web", err)
		}
		calls = append(calls, m)
	}
	return calls, nil
}

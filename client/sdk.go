package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// Message is one call in Segment's wire form: messageId, type, event, userId,
// anonymousId, properties, traits, context, timestamp.
type Message map[string]any

// Send makes one SDK call (track, identify, page, screen, group or alias) with
// the write key of a source. It returns when the message is durable.
func (c *Client) Send(ctx context.Context, writeKey, callType string, m Message) error {
	return c.sdk(ctx, writeKey, callType, m)
}

// Track is Send of a track call.
func (c *Client) Track(ctx context.Context, writeKey string, m Message) error {
	return c.Send(ctx, writeKey, "track", m)
}

// Batch sends messages of any type at once. sentAt is the sender's clock, by
// which the receiver corrects their times; zero leaves it out.
func (c *Client) Batch(ctx context.Context, writeKey string, messages []Message, sentAt time.Time) error {
	body := map[string]any{"batch": messages}
	if !sentAt.IsZero() {
		body["sentAt"] = sentAt.UTC().Format(time.RFC3339Nano)
	}
	return c.sdk(ctx, writeKey, "batch", body)
}

func (c *Client) sdk(ctx context.Context, writeKey, endpoint string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return errors.New("parley: a message holds a value that JSON cannot express")
	}
	_, err = c.send(ctx, request{method: http.MethodPost, path: path(endpoint), body: raw, contentType: "application/json", user: writeKey})
	return err
}

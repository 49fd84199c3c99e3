package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"parley/internal/destination"
	"parley/internal/fault"
	"parley/internal/lifecycle"
)

// PayloadType is the type of every payload.
const PayloadType = "audience.members"

// maxResponse bounds what is read of an answer, in bytes: about 400 for each
// member of the largest batch.
const maxResponse = 4 << 20

// Payload is the body of a hand-over.
type Payload struct {
	Type       string               `json:"type"`
	ID         string               `json:"id"` // equal to webhook-id; the same again is a repetition
	Activation string               `json:"activation"`
	Audience   string               `json:"audience"`
	Mode       destination.Mode     `json:"mode"`
	At         time.Time            `json:"at"`
	Members    []destination.Member `json:"members"`
}

// Connector posts batches to one address.
type Connector struct {
	url     string
	secrets Secrets
	client  *http.Client
	clock   lifecycle.Clock
}

// Open is the destination.Opener of type webhook. It reads the secret from
// the environment and makes no network call.
func Open(s destination.Spec, env destination.Env) (destination.Connector, error) {
	const op = "webhook.open"
	if s.Webhook == nil || env.Getenv == nil || env.Clock == nil {
		return nil, fault.New(fault.Invalid, op, "Destination %s has no webhook section or no environment to run in.", s.Name)
	}
	secrets, err := ParseSecrets(env.Getenv(s.Webhook.SecretEnv))
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "Destination %s, environment variable %s: %s", s.Name, s.Webhook.SecretEnv, fault.Message(err))
	}
	timeout := env.Timeout
	if timeout <= 0 {
		timeout = 15 * time.Second
	}
	return &Connector{url: s.Webhook.URL, secrets: secrets, client: newClient(timeout, s.Webhook.AllowPrivate), clock: env.Clock}, nil
}

// Deliver posts the batch. The timestamp signed is that of the attempt, since
// receivers refuse old ones; the time of the batch is in the body.
func (c *Connector) Deliver(ctx context.Context, b destination.Batch) ([]destination.Result, error) {
	const op = "webhook.deliver"
	body, err := json.Marshal(Payload{Type: PayloadType, ID: b.ID, Activation: b.Activation, Audience: b.Audience,
		Mode: b.Mode, At: b.At.UTC(), Members: b.Members})
	if err != nil {
		return nil, fault.New(fault.Internal, op, "The batch cannot be written as JSON.")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "The webhook's url is not a web address.")
	}
	now := c.clock.Now()
	req.Header.Set("content-type", "application/json")
	req.Header.Set("user-agent", "parley")
	req.Header.Set(HeaderID, b.ID)
	req.Header.Set(HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(HeaderSignature, c.secrets.Sign(b.ID, now, body))
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	return read(b, resp.StatusCode, resp.Header, answer, now)
}

// Close drops idle connections.
func (c *Connector) Close() error {
	c.client.CloseIdleConnections()
	return nil
}

// unreachable drops the address from the cause: it may carry a token (I12).
func unreachable(ctx context.Context, err error) error {
	const op = "webhook.deliver"
	if ctx.Err() != nil {
		return fault.WrapAs(fault.Unavailable, op, ctx.Err(), "The hand-over was interrupted.")
	}
	var fe *fault.Error
	if errors.As(err, &fe) {
		return fault.Wrap(op, fe)
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		if ue.Timeout() {
			return fault.New(fault.Unavailable, op, "The receiver did not answer in time.")
		}
		err = ue.Err
	}
	return fault.WrapAs(fault.Unavailable, op, err, "The receiver could not be reached; check that it is running.")
}

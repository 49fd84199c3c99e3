package demo

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"time"

	"parley/internal/destination/destinationtest"
	"parley/internal/fault"
	"parley/internal/lifecycle"
)

// emailTool is the company's e-mail tool: it takes signed hand-overs and keeps lists.
type emailTool struct {
	*destinationtest.WebhookSink
	secret, url string
	server      *http.Server
	running     *lifecycle.Group
}

func startEmailTool(ctx context.Context, clock lifecycle.Clock) (*emailTool, error) {
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, fault.Wrap("demo.email", err)
	}
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key[:])
	sink, err := destinationtest.NewWebhookSink(secret, clock)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fault.WrapAs(fault.Unavailable, "demo.email", err, "No local port is free for the example's e-mail tool.")
	}
	t := &emailTool{WebhookSink: sink, secret: secret, url: "http://" + l.Addr().String() + "/lists",
		server: &http.Server{Handler: sink, ReadHeaderTimeout: 10 * time.Second}, running: lifecycle.NewGroup(context.WithoutCancel(ctx))}
	t.running.Go("e-mail tool", func(context.Context) error {
		if err := t.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return t, nil
}

func (t *emailTool) stop() error { return errors.Join(t.server.Close(), t.running.Stop()) }

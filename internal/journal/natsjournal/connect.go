package natsjournal

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/nats-io/nats.go"

	"parley/internal/fault"
	"parley/internal/journal"
)

// Connect opens the journal on an outside server, or on a cluster of which url
// names one or more members, separated by commas. The stream is created when
// it is missing. NATS 2.11 or newer is needed. Errors: fault.Invalid for a
// malformed url, fault.Denied when the server refuses the credentials,
// fault.Conflict when the stream belongs to something else, fault.Unavailable
// when no server answers.
func Connect(ctx context.Context, url string, opts Options) (*Driver, error) {
	const op = "natsjournal.connect"
	opts = opts.withDefaults()
	if err := checkURL(url); err != nil {
		return nil, err
	}
	d := newDriver(opts, false)
	s := newSession(opts.Stream)
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	last, err := s.join(ctx, url, opts, d.tail)
	if err != nil {
		s.close()
		d.end()
		if errors.Is(err, nats.ErrAuthorization) {
			return nil, fault.WrapAs(fault.Denied, op, err, "The journal's server refuses the credentials; correct them.")
		}
		return nil, openError(ctx, op, err)
	}
	d.tail.advance(last)
	d.current.Store(s)
	return d, nil
}

// checkURL refuses a malformed address without repeating it: it may hold a password (I12).
func checkURL(addresses string) error {
	for address := range strings.SplitSeq(addresses, ",") {
		u, err := url.Parse(strings.TrimSpace(address))
		if err != nil || u.Host == "" {
			return fault.New(fault.Invalid, "natsjournal.connect", "The address of the journal's server is malformed; write it as nats://host:4222.")
		}
	}
	return nil
}

// join connects, makes sure of the stream, and follows what others store.
func (s *session) join(ctx context.Context, url string, opts Options, t *tail) (journal.Position, error) {
	wake := nats.ReconnectHandler(func(*nats.Conn) { t.wake() })
	if err := s.connect(url, opts, wake); err != nil {
		return 0, err
	}
	if _, err := s.ensureStream(ctx, opts, true); err != nil {
		return 0, err
	}
	if err := s.follow(t); err != nil {
		return 0, err
	}
	return s.last(ctx) // once more: from here on nothing is missed
}

package natsjournal

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/internal/fault"
	"parley/internal/journal"
)

const (
	// headerRoom is what the server counts on top of the block: the message id
	// and the subject.
	headerRoom = 1 << 10
	// outsideMaxBlock caps blocks on servers that allow larger messages.
	outsideMaxBlock = 12 << 20
	// storedSuffix names the subject on which the server announces each
	// stored block, by its headers only.
	storedSuffix = ".stored"
)

// session is a running server with the connections to it. Appends and reads
// have one each: a slow reader must not hold up acknowledgements.
type session struct {
	server  *server.Server // nil for an outside server
	writes  *nats.Conn
	reads   *nats.Conn
	js      jetstream.JetStream
	stream  string
	subject string

	breaking sync.Once
	broken   chan struct{} // closed when the server can no longer write
	cause    error         // valid once broken is closed
}

func newSession(stream string) *session {
	return &session{stream: stream, subject: "parley." + stream, broken: make(chan struct{})}
}

// fail marks the session as unable to write until it is replaced.
func (s *session) fail(err error) {
	s.breaking.Do(func() {
		s.cause = err
		close(s.broken)
	})
}

func (s *session) isBroken() bool {
	select {
	case <-s.broken:
		return true
	default:
		return false
	}
}

func (s *session) maxBlock() int {
	return min(int(s.writes.MaxPayload())-headerRoom, outsideMaxBlock)
}

// connect opens both connections with the same options.
func (s *session) connect(url string, opts Options, extra ...nats.Option) error {
	var err error
	all := append([]nats.Option{
		nats.Name("parley journal"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectBufSize(-1), // a lost server fails an append at once
		nats.Timeout(setupTimeout),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				opts.Logger.Warn("journal: connection lost, reconnecting", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			opts.Logger.Warn("journal: connection reports an error", "error", err)
		}),
	}, extra...)
	if s.writes, err = nats.Connect(url, all...); err != nil {
		return err
	}
	if s.reads, err = nats.Connect(url, all...); err != nil {
		return err
	}
	s.js, err = jetstream.New(s.writes, jetstream.WithPublishAsyncTimeout(opts.AckTimeout))
	return err
}

// ensureStream creates the stream unless it is there, and returns its last position.
func (s *session) ensureStream(ctx context.Context, opts Options, announce bool) (journal.Position, error) {
	found, err := s.js.Stream(ctx, s.stream)
	if err == nil {
		if !found.CachedInfo().Config.AllowDirect {
			return 0, fault.New(fault.Conflict, "natsjournal.open", "The stream %s exists but was not made for a journal; give the journal a stream name of its own.", s.stream)
		}
		missing := announce && found.CachedInfo().Config.RePublish == nil
		if !missing {
			return journal.Position(found.CachedInfo().State.LastSeq), nil
		}
	} else if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, err
	}
	config := jetstream.StreamConfig{
		Name:        s.stream,
		Description: "Parley's journal: one message is one block. Never edit or purge it.",
		Subjects:    []string{s.subject},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		MaxMsgs:     -1,
		MaxBytes:    -1,
		MaxMsgSize:  -1,
		Replicas:    opts.Replicas,
		Duplicates:  duplicateWindow,
		AllowDirect: true,
		DenyDelete:  true,
		DenyPurge:   true,
	}
	if found != nil {
		config = found.CachedInfo().Config
	}
	if announce {
		config.RePublish = &jetstream.RePublish{Source: s.subject, Destination: s.subject + storedSuffix, HeadersOnly: true}
	}
	made, err := s.js.CreateOrUpdateStream(ctx, config)
	if err != nil {
		return 0, err
	}
	return journal.Position(made.CachedInfo().State.LastSeq), nil
}

// follow advances the tail with every block that anyone stores.
func (s *session) follow(t *tail) error {
	_, err := s.reads.Subscribe(s.subject+storedSuffix, func(m *nats.Msg) {
		if seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64); err == nil {
			t.advance(journal.Position(seq))
		}
	})
	if err != nil {
		return err
	}
	return s.reads.Flush()
}

func (s *session) last(ctx context.Context) (journal.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	found, err := s.js.Stream(ctx, s.stream)
	if err != nil {
		return 0, err
	}
	return journal.Position(found.CachedInfo().State.LastSeq), nil
}

// close ends the connections and then the server, and waits for it.
func (s *session) close() {
	s.fail(errClosed("natsjournal.session"))
	for _, c := range []*nats.Conn{s.writes, s.reads} {
		if c != nil {
			c.Close()
		}
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
}

package natsjournal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"parley/internal/fault"
	"parley/internal/journal"
)

const (
	embeddedMaxBlock = outsideMaxBlock
	// noStoreLimit leaves the limit to the disk; unset, the server would take
	// three quarters of what is free when it starts.
	noStoreLimit = 1 << 60
	memoryLimit  = 64 << 20
)

// OpenEmbedded starts a NATS server inside this process, with its files in
// opts.Dir and without a network listener, and opens the journal in it. The
// directory is locked against a second process. Errors: fault.Invalid without
// a directory, fault.Conflict when another process has it, fault.Unavailable
// when the disk is full or does not permit writing.
func OpenEmbedded(ctx context.Context, opts Options) (*Driver, error) {
	const op = "natsjournal.open"
	opts = opts.withDefaults()
	opts.Replicas = 1
	if opts.Dir == "" {
		return nil, fault.New(fault.Invalid, op, "The embedded journal needs a directory; set one.")
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fault.WrapAs(fault.Unavailable, op, err, "The journal's directory cannot be made; check its path and permissions.")
	}
	unlock, err := lockFile(filepath.Join(opts.Dir, "journal.lock"))
	if err != nil {
		return nil, fault.WrapAs(fault.Conflict, op, err, "The journal's directory cannot be locked; stop the other process that uses it.")
	}
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	s, last, err := startEmbedded(ctx, opts)
	if err != nil {
		return nil, errors.Join(openError(ctx, op, err), unlock())
	}
	d := newDriver(opts, true)
	d.unlock = unlock
	d.tail.advance(last)
	d.current.Store(s)
	return d, nil
}

func openError(ctx context.Context, op string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if fault.KindOf(err) != fault.Internal {
		return fault.Wrap(op, err)
	}
	return errDown(op, err)
}

// startEmbedded starts a server with its session and returns the stream's last position.
func startEmbedded(ctx context.Context, opts Options) (*session, journal.Position, error) {
	s := newSession(opts.Stream)
	files, err := blockFiles(opts.Dir)
	if err != nil {
		return nil, 0, err
	}
	if len(files) == 0 {
		// A new stream must not fail half made. An existing one opens on a full
		// disk too, so that it can be read.
		if err := probe(opts.Dir, spareBytes); err != nil {
			return nil, 0, err
		}
	}
	if err := syncTail(files); err != nil {
		return nil, 0, err
	}
	srv, err := server.NewServer(&server.Options{
		ServerName:             "parley",
		DontListen:             true,
		NoSigs:                 true,
		NoSystemAccount:        true,
		MaxPayload:             embeddedMaxBlock + headerRoom,
		JetStream:              true,
		StoreDir:               opts.Dir,
		SyncAlways:             !opts.Relaxed,
		JetStreamMaxStore:      noStoreLimit,
		JetStreamMaxMemory:     memoryLimit,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, 0, err
	}
	s.server = srv
	srv.SetLogger(&watch{session: s, log: opts.Logger}, false, false)
	srv.Start()
	if s.isBroken() {
		s.close()
		return nil, 0, s.cause
	}
	if !srv.ReadyForConnections(setupTimeout) {
		s.close()
		return nil, 0, errors.New("the embedded server did not start in time")
	}
	last, err := s.open(ctx, opts)
	if err != nil {
		s.close()
		return nil, 0, err
	}
	return s, last, nil
}

// blockFiles lists the files in which the server keeps messages.
func blockFiles(dir string) ([]string, error) {
	return filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
}

// syncTail makes durable what a killed process wrote but did not sync. The
// server would recover it from the page cache, readers would act on it, and a
// loss of power could still take it away (I3).
func syncTail(files []string) error {
	for _, path := range newest(files, 2) { // a write can touch the end of one and begin the next
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// newest returns the n files changed last.
func newest(files []string, n int) []string {
	changed := make(map[string]int64, len(files))
	for _, path := range files {
		if info, err := os.Stat(path); err == nil {
			changed[path] = info.ModTime().UnixNano()
		}
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(changed[b], changed[a]) })
	return files[:min(n, len(files))]
}

// open connects to the server in this process.
func (s *session) open(ctx context.Context, opts Options) (journal.Position, error) {
	if err := s.connect("", opts, nats.InProcessServer(s.server)); err != nil {
		return 0, err
	}
	return s.ensureStream(ctx, opts, false)
}

// watch is the server's logger. It passes on warnings and errors, and it is
// how a failed write becomes known at once: the server logs it and answers
// nobody, so that otherwise each waiting append would run into its timeout.
type watch struct {
	session *session
	log     *slog.Logger
}

// writeFailures begin or occur in the server's messages about lost writes.
var writeFailures = []string{
	"failed to store a msg",
	"Critical write error",
	"will be DISABLED",
	"disabling JetStream",
}

// Noticef drops what is no more than news.
func (w *watch) Noticef(string, ...any) {}

// Debugf drops detail.
func (w *watch) Debugf(string, ...any) {}

// Tracef drops detail.
func (w *watch) Tracef(string, ...any) {}

// Warnf logs a warning.
func (w *watch) Warnf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if strings.HasPrefix(text, "Maximum payloads over") {
		return // we chose the limit and know that blocks are larger than usual messages
	}
	w.log.Warn("journal: " + text)
	w.inspect(text)
}

// Errorf logs an error.
func (w *watch) Errorf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.log.Error("journal: " + text)
	w.inspect(text)
}

// Fatalf logs the reason why the server gave up; it does not end the process.
func (w *watch) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.log.Error("journal: " + text)
	w.session.fail(errors.New(text))
}

func (w *watch) inspect(text string) {
	for _, failure := range writeFailures {
		if strings.Contains(text, failure) {
			w.session.fail(errors.New(text))
			return
		}
	}
}

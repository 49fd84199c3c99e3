package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"parley/internal/delivery/queue"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/journal/natsjournal"
	"parley/internal/lake"
	"parley/internal/lake/duckdblake"
	"parley/internal/lifecycle"
	"parley/internal/pipeline"
	"parley/internal/state"
	"parley/internal/state/pgstate"
	"parley/internal/state/sqlitestate"
	"parley/internal/workspace"
)

// Server is one running installation.
type Server struct {
	cfg      Config
	lock     *os.File
	journal  *journal.Journal
	store    *state.Store
	lake     *lake.Lake
	worker   *pipeline.Worker
	queue    *queue.Queue
	handover *handover
	registry *prometheus.Registry
	backlog  backlog
	listener net.Listener
	http     *http.Server
	ws       atomic.Pointer[workspace.Compiled]
	// changed says that another workspace version governs.
	changed chan struct{}
}

// Open opens the stores and the listener. Nothing runs until Run; what fails
// is closed again.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fault.WrapAs(fault.Unavailable, "server.open", err, "The data folder cannot be created; check the path and its rights.")
	}
	s := &Server{cfg: cfg, registry: prometheus.NewRegistry(), changed: make(chan struct{}, 1)}
	for _, open := range []func(context.Context) error{s.openLock, s.openStores, s.openWorkspace, s.openHTTP} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *Server) openLock(context.Context) (err error) {
	s.lock, err = lock(s.cfg.Data)
	return err
}

func (s *Server) openStores(ctx context.Context) error {
	var driver journal.Driver
	var err error
	options := natsjournal.Options{Dir: filepath.Join(s.cfg.Data, dirJournal), Logger: s.cfg.Logger}
	if s.cfg.Journal == "" {
		driver, err = natsjournal.OpenEmbedded(ctx, options)
	} else {
		driver, err = natsjournal.Connect(ctx, s.cfg.Journal, natsjournal.Options{Logger: s.cfg.Logger})
	}
	if err != nil {
		return err
	}
	s.journal = journal.New(driver, journal.Options{})
	switch {
	case s.cfg.State == "":
		s.store, err = sqlitestate.Open(ctx, filepath.Join(s.cfg.Data, fileState))
	case strings.HasPrefix(s.cfg.State, "postgres://"), strings.HasPrefix(s.cfg.State, "postgresql://"):
		s.store, err = pgstate.Open(ctx, s.cfg.State)
	default:
		err = fault.New(fault.Invalid, "server.open", "The state address must begin with postgres://; leave it out for SQLite.")
	}
	if err != nil {
		return err
	}
	s.lake, err = duckdblake.Open(ctx, filepath.Join(s.cfg.Data, fileLake), duckdblake.Options{})
	return err
}

// openWorkspace loads the version in force, so that requests are answered under
// it from the first moment, and prepares what depends on it.
func (s *Server) openWorkspace(ctx context.Context) error {
	holder, err := s.holder()
	if err != nil {
		return err
	}
	if err := s.loadWorkspace(ctx); err != nil {
		return err
	}
	s.queue = queue.New(s.store, s.ws.Load)
	s.handover = newHandover(s.cfg, s.queue)
	s.worker = pipeline.New(pipeline.Options{
		Journal: s.journal, Store: s.store, Lake: s.lake, Clock: s.cfg.Clock, Logger: s.cfg.Logger, Holder: holder,
		Applied: s.applied, Handed: s.handover.nudge,
	})
	return nil
}

// loadWorkspace takes over the newest version in state, if it is another one.
func (s *Server) loadWorkspace(ctx context.Context) error {
	var version state.WorkspaceVersion
	err := s.store.View(ctx, func(tx *state.Tx) (err error) {
		version, err = tx.Workspace(ctx)
		return err
	})
	if err != nil || version.Version == 0 {
		return err
	}
	if current := s.ws.Load(); current != nil && current.Version == version.Version {
		return nil
	}
	decoded, err := workspace.Decode(version.Body)
	if err != nil {
		return err
	}
	compiled, err := decoded.Compile(version.Version)
	if err == nil {
		s.ws.Store(compiled)
	}
	return err
}

// followWorkspace notices versions that another process has applied.
func (s *Server) followWorkspace(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.cfg.Clock.After(time.Second):
		}
		if err := s.loadWorkspace(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("the workspace could not be looked up", "error", err)
		}
	}
}

// holder names this installation in leases, the same after a restart, so that a
// killed process is followed at once and not when its lease has run out.
func (s *Server) holder() (string, error) {
	path := filepath.Join(s.cfg.Data, fileHolder)
	raw, err := os.ReadFile(path)
	if err == nil && len(raw) > 0 {
		return string(raw), nil
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", fault.Wrap("server.holder", err)
	}
	name := hex.EncodeToString(id[:])
	if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
		return "", fault.WrapAs(fault.Unavailable, "server.holder", err, "The data folder cannot be written; check its rights and its disk.")
	}
	return name, nil
}

// applied is told by the pipeline which version governs.
func (s *Server) applied(ws *workspace.Compiled) {
	s.ws.Store(ws)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// URL is where the server answers.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// garbagePercent is how far the heap may grow before it is collected. Little
// stays in memory while much passes through it, so rare collections cost little
// memory and spare a seventh of the processor.
const garbagePercent = 200

// collectSeldom sets garbagePercent unless the operator has chosen (GOGC), and
// returns how to undo it.
func collectSeldom() (undo func()) {
	const unset = 100
	before := debug.SetGCPercent(garbagePercent)
	if before != unset {
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}

// Run serves until ctx ends or a part fails, then stops in order: first no more
// requests, then no more work. Close is still to be called.
func (s *Server) Run(ctx context.Context) error {
	if err := os.WriteFile(AddressFile(s.cfg.Data), []byte(s.URL()), 0o600); err != nil {
		// Whoever has connected already would wait for an answer for ever.
		return errors.Join(fault.WrapAs(fault.Unavailable, "server.run", err,
			"The data folder cannot be written; check its rights and its disk, and free some space."), s.listener.Close())
	}
	defer func() { _ = os.Remove(AddressFile(s.cfg.Data)) }() // a stale address is recognised by the lock
	defer collectSeldom()()
	work := lifecycle.NewGroup(context.WithoutCancel(ctx))
	if s.cfg.has(RoleWork) {
		work.Go("pipeline", s.worker.Run)
		work.Go("hand-over", s.runHandover)
		work.Go("watched folders", s.runWatcher)
	} else {
		work.Go("workspace", s.followWorkspace)
	}
	serve := lifecycle.NewGroup(ctx)
	serve.Go("http", func(ctx context.Context) error {
		err := s.http.Serve(s.listener)
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	serve.Go("shutdown", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-work.Context().Done(): // a part failed
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return s.http.Shutdown(bounded)
	})
	return errors.Join(serve.Wait(), work.Stop())
}

// Close closes what Open opened, in the opposite order. It may be called once
// after Run has returned, or without Run.
func (s *Server) Close() error {
	var err error
	if s.listener != nil {
		if e := s.listener.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	if s.handover != nil {
		err = errors.Join(err, s.handover.close())
	}
	if s.lake != nil {
		err = errors.Join(err, s.lake.Close())
	}
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	if s.journal != nil {
		err = errors.Join(err, s.journal.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

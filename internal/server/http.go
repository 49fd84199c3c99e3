package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/auth/tokenfile"
	"parley/internal/collect"
	"parley/internal/fault"
	"parley/internal/source"
	"parley/internal/state"
	"parley/internal/workspace"
)

// openHTTP listens, so that a port in use is known before anything runs.
func (s *Server) openHTTP(ctx context.Context) error {
	tokens, err := tokenfile.Tokens(s.cfg.Data, s.cfg.Getenv("PARLEY_TOKEN"))
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fault.WrapAs(fault.Unavailable, "server.listen", err, "The address %s is not free; choose another with --listen.", s.cfg.Listen)
	}
	s.listener = l
	s.http = &http.Server{Handler: s.handler(tokens), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	return nil
}

// handler routes between the intake, the API and the metrics. The intake is
// asked first, because SDKs write paths that a ServeMux would redirect.
func (s *Server) handler(tokens *auth.Tokens) http.Handler {
	intake := http.NotFoundHandler()
	if s.cfg.has(RoleCollect) {
		intake = collect.New(s.journal, collect.SourcesFunc(s.sourceByKey), collect.Options{
			Clock: s.cfg.Clock, Logger: s.cfg.Logger, Registry: s.registry})
	}
	people := http.NotFoundHandler()
	if s.cfg.has(RoleAPI) {
		people = api.New(api.Options{
			Store: s.store, Workspace: s.ws.Load, Clock: s.cfg.Clock, Tokens: tokens, Logger: s.cfg.Logger,
			Apply: s.applyCanonical, Replay: s.replay, Rows: s.rows,
			Nudge: func(string) { s.handover.nudge() }, Healthy: s.healthy, Pending: s.pending, Destinations: s.destinations,
		})
	}
	metrics := promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case collect.Owns(r.URL.Path):
			intake.ServeHTTP(w, r)
		case r.URL.Path == "/metrics":
			metrics.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/debug/pprof/"):
			profiles(tokens, w, r)
		default:
			people.ServeHTTP(w, r)
		}
	})
}

// profiles shows operators where time and memory go.
func profiles(tokens *auth.Tokens, w http.ResponseWriter, r *http.Request) {
	if role, ok := tokens.Role(auth.Bearer(r.Header.Get("Authorization"))); !ok || role != auth.Admin {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"kind":"denied","message":"Send the admin token to see profiles."}}`+"\n") // the sender may be gone
		return
	}
	switch r.URL.Path {
	case "/debug/pprof/profile":
		pprof.Profile(w, r)
	default:
		pprof.Index(w, r)
	}
}

func (s *Server) sourceByKey(key string) (source.Spec, bool) {
	ws := s.ws.Load()
	if ws == nil {
		return source.Spec{}, false
	}
	found, ok := ws.WriteKeys[key]
	if !ok {
		return source.Spec{}, false
	}
	return found.Spec, true
}

func (s *Server) applyCanonical(ctx context.Context, canonical []byte, author string) (int64, error) {
	w, err := workspace.Decode(canonical)
	if err != nil {
		return 0, err
	}
	return s.Apply(ctx, w, author)
}

func (s *Server) healthy(ctx context.Context) error {
	if err := s.journal.Healthy(ctx); err != nil {
		return err
	}
	return s.store.View(ctx, func(tx *state.Tx) error {
		_, err := tx.Progress(ctx)
		return err
	})
}

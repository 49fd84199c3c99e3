package server

import (
	"context"
	"net"
	"net/http"
	"time"

	"parley/internal/fault"
)

// openHTTP listens, so that a port in use is known before anything runs.
func (s *Server) openHTTP(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fault.WrapAs(fault.Unavailable, "server.listen", err, "The address %s is not free; choose another with --listen.", s.cfg.Listen)
	}
	s.listener = l
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	return nil
}

func (s *Server) handler() http.Handler { return http.NewServeMux() }

func (s *Server) runWatcher(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

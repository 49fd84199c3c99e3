package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"parley/internal/api"
	"parley/internal/delivery/dispatch"
	"parley/internal/delivery/queue"
	"parley/internal/destination"
	"parley/internal/destination/csvfile"
	"parley/internal/destination/webhook"
	"parley/internal/fault"
	"parley/internal/lifecycle"
	"parley/internal/workspace"
)

// connectors are the destinations this binary can hand over to.
func connectors() destination.Registry {
	return destination.Registry{destination.TypeWebhook: webhook.Open, destination.TypeCSV: csvfile.Open}
}

// handover runs a dispatcher for the governing workspace and a new one whenever
// the workspace changes.
type handover struct {
	cfg   Config
	queue *queue.Queue

	mu         sync.Mutex
	dispatcher *dispatch.Dispatcher
	open       []destination.Connector
	// unserved are destinations whose connector could not be opened, and why.
	unserved map[string]string
}

func newHandover(cfg Config, q *queue.Queue) *handover {
	return &handover{cfg: cfg, queue: q, unserved: map[string]string{}}
}

// nudge wakes every destination's worker.
func (h *handover) nudge() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dispatcher == nil {
		return
	}
	for _, s := range h.dispatcher.Status() {
		h.dispatcher.Nudge(s.Destination)
	}
}

// status tells how every destination is doing.
func (h *handover) status() []dispatch.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []dispatch.Status
	if h.dispatcher != nil {
		out = h.dispatcher.Status()
	}
	for name, reason := range h.unserved {
		out = append(out, dispatch.Status{Destination: name, LastError: reason})
	}
	return out
}

func (h *handover) isUnserved(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, unserved := h.unserved[name]
	return unserved
}

// replace opens the connectors of a workspace version in place of those before.
// A destination that cannot be opened is left out and shown; the others go on (I9).
func (h *handover) replace(ws *workspace.Compiled) error {
	closing := h.close()
	h.mu.Lock()
	defer h.mu.Unlock()
	registry := connectors()
	env := destination.Env{DataDir: h.cfg.Data, Getenv: h.cfg.Getenv, Clock: h.cfg.Clock}
	var targets []dispatch.Target
	h.unserved = map[string]string{}
	for _, spec := range ws.Workspace.Destinations {
		c, err := registry.Open(spec, env)
		if err != nil {
			h.unserved[spec.Name] = fault.Message(err)
			h.cfg.Logger.Error("a destination cannot be served", "destination", spec.Name, "error", err)
			continue
		}
		h.open = append(h.open, c)
		targets = append(targets, dispatch.Target{Name: spec.Name, Connector: c, BatchSize: spec.Size(), RatePerSecond: spec.RatePerSecond})
	}
	h.dispatcher = dispatch.New(h.queue, targets, dispatch.Options{Clock: h.cfg.Clock, Log: h.cfg.Logger})
	return closing
}

func (h *handover) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var err error
	for _, c := range h.open {
		err = errors.Join(err, c.Close())
	}
	h.open, h.dispatcher = nil, nil
	return err
}

// runHandover dispatches under the governing workspace until ctx ends.
func (s *Server) runHandover(ctx context.Context) error {
	for {
		ws := s.ws.Load()
		g := lifecycle.NewGroup(ctx)
		if ws != nil {
			if err := s.handover.replace(ws); err != nil {
				s.cfg.Logger.Warn("a connector did not close well", "error", err)
			}
			g.Go("dispatcher", s.handover.dispatcher.Run)
		}
		select {
		case <-ctx.Done():
			return g.Stop()
		case <-g.Context().Done():
			return g.Wait()
		case <-s.changed:
		}
		if err := g.Stop(); err != nil {
			return err
		}
	}
}

// destinations tells the API how each destination is doing, by name.
func (s *Server) destinations() []api.Destination {
	list := s.handover.status()
	out := make([]api.Destination, len(list))
	for i, d := range list {
		out[i] = api.Destination{Name: d.Destination, Failures: d.Failures, PausedUntil: d.PausedUntil,
			LastError: d.LastError, LastSuccess: d.LastSuccess, Handovers: d.Handovers}
	}
	slices.SortFunc(out, func(a, b api.Destination) int { return strings.Compare(a.Name, b.Name) })
	return out
}

package api

import (
	"context"
	"net/http"
	"time"

	"parley/internal/fault"
	"parley/internal/state"
)

// Status is how the installation stands.
type Status struct {
	People           int64                       `json:"people"`
	Merges           int64                       `json:"merges" doc:"People who became part of others."`
	WorkspaceVersion int64                       `json:"workspace_version" doc:"0 before the first."`
	Position         uint64                      `json:"position" doc:"The journal's last block that is processed."`
	Clock            time.Time                   `json:"clock,omitzero" doc:"Journal time; absent before the first block."`
	Dialect          string                      `json:"dialect" enum:"sqlite,postgres" doc:"The database that holds the state."`
	Destinations     []Destination               `json:"destinations" doc:"How each is doing, seen from this process."`
	Asks             map[string]map[string]int64 `json:"asks" doc:"Questions by form and outcome: avoided, asked, repeated."`
}

// Destination is how one destination is doing.
type Destination struct {
	Name        string    `json:"name"`
	Failures    int       `json:"failures" doc:"Hand-overs in a row that delivered nothing."`
	PausedUntil time.Time `json:"paused_until,omitzero" doc:"No hand-over is tried before."`
	LastError   string    `json:"last_error,omitempty"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	Handovers   int64     `json:"handovers" doc:"Since this process started."`
}

// Health is the answer of a process that can do its work.
type Health struct {
	Status string `json:"status" enum:"ok"`
}

func (s *service) status() {
	register(s, operation{id: "get-status", method: http.MethodGet, path: "/v1/status", tag: "status",
		summary: "How the installation stands"}, s.readStatus)
	register(s, operation{id: "get-health", method: http.MethodGet, path: "/v1/health", tag: "status", open: true,
		summary: "Whether this process can do its work", description: "503 when it cannot. Needs no token."}, s.health)
}

func (s *service) readStatus(ctx context.Context, _ *none) (Status, error) {
	out := Status{Dialect: s.Store.Dialect()}
	if ws := s.Workspace(); ws != nil {
		out.WorkspaceVersion = ws.Version
	}
	out.Destinations = []Destination{}
	if s.Destinations != nil {
		out.Destinations = s.Destinations()
	}
	err := s.Store.View(ctx, func(tx *state.Tx) (err error) {
		if out.People, err = tx.CountPeople(ctx); err != nil {
			return err
		}
		if out.Merges, err = tx.CountMerges(ctx); err != nil {
			return err
		}
		if out.Asks, err = tx.Asks(ctx); err != nil {
			return err
		}
		progress, err := tx.Progress(ctx)
		out.Position, out.Clock = uint64(progress.Position), progress.Clock
		return err
	})
	return out, err
}

func (s *service) health(ctx context.Context, _ *none) (Health, error) {
	if s.Healthy == nil {
		return Health{Status: "ok"}, nil
	}
	if err := s.Healthy(ctx); err != nil {
		return Health{}, fault.WrapAs(fault.Unavailable, "api.health", err, "This process cannot do its work right now; its log has the cause.")
	}
	return Health{Status: "ok"}, nil
}

package server

import (
	"context"
	"encoding/json"
	"time"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/pipeline"
	"parley/internal/state"
	"parley/internal/workspace"
)

// Apply makes a workspace govern and returns its version once it does. The same
// content as the governing version changes nothing. Run must be running.
func (s *Server) Apply(ctx context.Context, w *workspace.Workspace, author string) (int64, error) {
	const op = "server.apply"
	body, err := w.Canonical()
	if err != nil {
		return 0, err
	}
	current := s.ws.Load()
	if current != nil && current.Digest == workspace.Digest(body) {
		return current.Version, nil
	}
	if _, err := w.Compile(1); err != nil {
		return 0, err
	}
	if current != nil {
		if err := keepsIdentity(current.Workspace, w); err != nil {
			return 0, err
		}
		if err := keepsDestinations(current.Workspace, w); err != nil {
			return 0, err
		}
	}
	payload, err := json.Marshal(pipeline.Version{Author: author, Body: body})
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	if err := s.appendAndWait(ctx, journal.Entry{Kind: journal.Workspace, ReceivedAt: s.now(), Payload: payload}); err != nil {
		return 0, err
	}
	now := s.ws.Load()
	if now == nil || now.Digest != workspace.Digest(body) {
		return 0, fault.New(fault.Conflict, op, "Another version was applied at the same moment; look at it, then apply yours again.")
	}
	return now.Version, nil
}

// keepsIdentity refuses a change of the identity rules: people who are there
// would have to be taken apart and put together anew, and nobody has seen yet
// what that does to them.
func keepsIdentity(from, to *workspace.Workspace) error {
	a, errA := json.Marshal(from.Identity)
	b, errB := json.Marshal(to.Identity)
	if errA != nil || errB != nil || string(a) == string(b) {
		return nil
	}
	return fault.New(fault.Conflict, "server.apply",
		"The identity rules cannot be changed while there are people who were resolved by the old ones; apply the new rules in an empty data folder and import again.")
}

// keepsDestinations refuses to move an activation to another destination: the
// list at the old one would have no owner to empty it (I9).
func keepsDestinations(from, to *workspace.Workspace) error {
	at := map[string]string{}
	for _, a := range from.Activations {
		at[a.Name] = a.Destination
	}
	for _, a := range to.Activations {
		if old, known := at[a.Name]; known && old != a.Destination {
			return fault.New(fault.Conflict, "server.apply",
				"The activation %s cannot move from %s to %s, whose lists are separate; end it and begin one under another name.", a.Name, old, a.Destination)
		}
	}
	return nil
}

// replay processes quarantined records again and returns when that is done.
func (s *Server) replay(ctx context.Context, records []state.QuarantinedRecord) error {
	const atOnce = 500
	for len(records) > 0 {
		n := min(atOnce, len(records))
		entries := make([]journal.Entry, n)
		for i, q := range records[:n] {
			entries[i] = pipeline.ReplayEntry(q, s.now())
		}
		if err := s.appendAndWait(ctx, entries...); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

func (s *Server) appendAndWait(ctx context.Context, entries ...journal.Entry) error {
	if err := s.journal.Append(ctx, entries...); err != nil {
		return err
	}
	last, err := s.journal.Last(ctx)
	if err != nil {
		return err
	}
	return s.worker.WaitFor(ctx, last)
}

func (s *Server) now() time.Time { return s.cfg.Clock.Now().UTC().Truncate(time.Microsecond) }

// Idle returns once everything accepted so far is processed, the lake has it,
// and no destination that can be served has anything due.
func (s *Server) Idle(ctx context.Context) error {
	last, err := s.journal.Last(ctx)
	if err != nil {
		return err
	}
	if err := s.worker.WaitFor(ctx, last); err != nil {
		return err
	}
	for {
		idle, err := s.idle(ctx)
		if err != nil || idle {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.cfg.Clock.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) idle(ctx context.Context) (bool, error) {
	at, err := s.lake.Position(ctx)
	if err != nil {
		return false, err
	}
	idle := true
	err = s.store.View(ctx, func(tx *state.Tx) error {
		parcels, err := tx.OutboxAfter(ctx, at, 1)
		if err != nil {
			return err
		}
		idle = len(parcels) == 0
		return nil
	})
	if err != nil || !idle {
		return false, err
	}
	ws := s.ws.Load()
	if ws == nil {
		return true, nil
	}
	for _, d := range ws.Workspace.Destinations {
		if s.handover.isUnserved(d.Name) {
			continue
		}
		due, err := s.queue.NextDue(ctx, d.Name, s.now())
		if err != nil {
			return false, err
		}
		if !due.IsZero() && !due.After(s.now()) {
			return false, nil
		}
	}
	return true, nil
}

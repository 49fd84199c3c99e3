package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/state"
)

// Receipt is the story of one event id (I2).
type Receipt struct {
	Source     string    `json:"source"`
	ID         string    `json:"id"`
	ReceivedAt time.Time `json:"received_at"`
	Outcome    string    `json:"outcome" doc:"processed, quarantined, refused or replayed."`
	Detail     string    `json:"detail,omitempty" doc:"The reason, without personal values."`
	Person     int64     `json:"person,omitempty" doc:"Whom it is about today; absent: nobody."`
	Position   uint64    `json:"position" doc:"The journal's block that holds it."`
	Index      int       `json:"index" doc:"Its place in the block."`
	Duplicates int64     `json:"duplicates" doc:"How often it came again."`
}

type receiptInput struct {
	Source string `path:"source"`
	ID     string `path:"id" doc:"The event's id, or a row's key; it may hold slashes."`
}

// receiptPath matches the rest of the path, for ids may hold slashes. OpenAPI has
// no such notion and shows it as one parameter.
const receiptPath = "/v1/receipts/{source}/{id...}"

func (s *service) receipts() {
	register(s, operation{id: "get-receipt", method: http.MethodGet, path: receiptPath, tag: "receipts",
		summary:     "What became of one event",
		description: "An event that was accepted and has no receipt yet is pending."}, s.receipt)
	paths := s.api.OpenAPI().Paths
	paths[strings.Replace(receiptPath, "...", "", 1)] = paths[receiptPath]
	delete(paths, receiptPath)
}

func (s *service) receipt(ctx context.Context, in *receiptInput) (Receipt, error) {
	key := event.Key{Source: in.Source, ID: in.ID}
	var out Receipt
	err := s.Store.View(ctx, func(tx *state.Tx) error {
		receipts, err := tx.Receipts(ctx, []event.Key{key})
		if err != nil {
			return err
		}
		r, ok := receipts[key]
		if !ok {
			return fault.New(fault.NotFound, "api.receipt", "There is no receipt of this event; it is pending still, or was never accepted.")
		}
		person := r.Person
		if person != 0 {
			if person, err = tx.Survivor(ctx, person); err != nil {
				return err
			}
		}
		out = Receipt{Source: r.Source, ID: r.ID, ReceivedAt: r.ReceivedAt, Outcome: string(r.Outcome), Detail: r.Detail,
			Person: person, Position: uint64(r.Position), Index: r.Index, Duplicates: r.Duplicates}
		return nil
	})
	return out, err
}

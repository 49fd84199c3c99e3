package api

import (
	"context"
	"net/http"
	"sort"

	"parley/internal/delivery"
	"parley/internal/fault"
	"parley/internal/state"
)

// DeliveryList reconciles every activation (I9), by activation.
type DeliveryList struct {
	Deliveries []state.DeliverySummary `json:"deliveries"`
}

// DeadLetters is hand-overs that were given up, by activation and person.
type DeadLetters struct {
	Dead []DeadLetter `json:"dead"`
}

// DeadLetter is one member whose hand-over was given up.
type DeadLetter struct {
	Activation  string `json:"activation"`
	Destination string `json:"destination"`
	Person      int64  `json:"person"`
	Want        bool   `json:"want" doc:"Whether the person was to be on the list."`
	Version     int64  `json:"version"`
	Attempts    int    `json:"attempts"`
	Reason      string `json:"reason" doc:"Why it was given up."`
}

// RetryRequest names an activation.
type RetryRequest struct {
	Activation string `json:"activation" minLength:"1"`
}

// RetryResult counts what gets another round of attempts.
type RetryResult struct {
	Revived int `json:"revived"`
}

type deadInput struct {
	Activation string `query:"activation" doc:"Only of this one."`
	Limit      int    `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
}

type retryInput struct{ Body RetryRequest }

func (s *service) deliveries() {
	register(s, operation{id: "list-deliveries", method: http.MethodGet, path: "/v1/deliveries", tag: "deliveries",
		summary: "Compare what destinations should hold with what they confirmed"}, s.listDeliveries)
	register(s, operation{id: "list-dead-letters", method: http.MethodGet, path: "/v1/deliveries/dead", tag: "deliveries",
		summary: "List hand-overs that were given up"}, s.deadLetters)
	register(s, operation{id: "retry-deliveries", method: http.MethodPost, path: "/v1/deliveries/retry", tag: "deliveries",
		summary: "Try the dead letters of an activation again"}, s.retry)
}

func (s *service) listDeliveries(ctx context.Context, _ *none) (DeliveryList, error) {
	out := DeliveryList{Deliveries: []state.DeliverySummary{}}
	err := s.Store.View(ctx, func(tx *state.Tx) error {
		list, err := tx.DeliverySummaries(ctx)
		out.Deliveries = append(out.Deliveries, list...)
		return err
	})
	sort.Slice(out.Deliveries, func(i, j int) bool { return out.Deliveries[i].Activation < out.Deliveries[j].Activation })
	return out, err
}

func (s *service) deadLetters(ctx context.Context, in *deadInput) (DeadLetters, error) {
	out := DeadLetters{Dead: []DeadLetter{}}
	var rows []state.Delivery
	err := s.Store.View(ctx, func(tx *state.Tx) (err error) {
		if in.Activation == "" {
			rows, err = tx.DeadDeliveries(ctx, in.Limit)
		} else {
			rows, err = tx.DeadDeliveriesOf(ctx, in.Activation, 0, in.Limit)
		}
		return err
	})
	sort.SliceStable(rows, func(i, j int) bool {
		a, b := rows[i], rows[j]
		if a.Activation != b.Activation {
			return a.Activation < b.Activation
		}
		return a.Person < b.Person
	})
	for _, d := range rows {
		out.Dead = append(out.Dead, DeadLetter{d.Activation, d.Destination, d.Person, d.Want, d.Version, d.Attempts, d.Dead})
	}
	return out, err
}

// retryPage is how many dead letters are revived at once; other writers wait meanwhile.
const retryPage = 1000

func (s *service) retry(ctx context.Context, in *retryInput) (RetryResult, error) {
	ws, err := s.current("api.retry")
	if err != nil {
		return RetryResult{}, err
	}
	var activation *delivery.Activation
	for _, a := range ws.Activations {
		if a.Name == in.Body.Activation {
			activation = a
		}
	}
	if activation == nil {
		return RetryResult{}, fault.New(fault.NotFound, "api.retry", "The workspace has no activation of this name.")
	}
	var out RetryResult
	for after := int64(0); ; {
		var rows []state.Delivery
		// A retry is not in the journal, so it has to be on disk before the answer.
		err := s.Store.Update(ctx, state.Durable, func(tx *state.Tx) (err error) {
			if rows, err = tx.DeadDeliveriesOf(ctx, activation.Name, after, retryPage); err != nil {
				return err
			}
			for i := range rows {
				rows[i].Member, rows[i].Mode = rows[i].Revive(), activation.Mode
			}
			return tx.PutDeliveries(ctx, rows)
		})
		if err != nil {
			return out, err
		}
		if len(rows) == 0 {
			break
		}
		out.Revived += len(rows)
		after = rows[len(rows)-1].Person
	}
	if s.Nudge != nil && out.Revived > 0 {
		s.Nudge(activation.Destination)
	}
	return out, nil
}

package api

import (
	"context"
	"net/http"

	"parley/internal/state"
)

// Completeness is the ledger of everything accepted (I2).
type Completeness struct {
	Sources []SourceLedger `json:"sources"`
	Total   SourceLedger   `json:"total"`
}

// SourceLedger accounts for one source: received = processed + duplicate +
// quarantined + refused + pending, or something was lost.
type SourceLedger struct {
	Source      string `json:"source" doc:"Empty for the total."`
	Received    int64  `json:"received"`
	Processed   int64  `json:"processed"`
	Duplicate   int64  `json:"duplicate"`
	Quarantined int64  `json:"quarantined"`
	Refused     int64  `json:"refused"`
	Pending     int64  `json:"pending" doc:"Accepted and not processed yet; counted among received."`
	Balanced    bool   `json:"balanced"`
}

type completenessInput struct {
	Source string `query:"source" doc:"Only this one."`
}

func (s *service) completeness() {
	register(s, operation{id: "get-completeness", method: http.MethodGet, path: "/v1/completeness", tag: "completeness",
		summary: "Account for every accepted event, by source"}, s.ledger)
}

func (s *service) ledger(ctx context.Context, in *completenessInput) (Completeness, error) {
	var counts []state.Count
	err := s.Store.View(ctx, func(tx *state.Tx) (err error) {
		counts, err = tx.Counts(ctx, in.Source)
		return err
	})
	if err != nil {
		return Completeness{}, err
	}
	lines := map[string]*SourceLedger{}
	line := func(source string) *SourceLedger {
		if lines[source] == nil {
			lines[source] = &SourceLedger{Source: source}
		}
		return lines[source]
	}
	for _, c := range counts {
		line(c.Source).add(c.Outcome, c.N)
	}
	if s.Pending != nil {
		pending, err := s.Pending(ctx)
		if err != nil {
			return Completeness{}, err
		}
		for source, n := range pending {
			if n != 0 && (in.Source == "" || in.Source == source) {
				l := line(source)
				l.Pending += n
				l.Received += n // the pipeline counts as received what it has come to
			}
		}
	}
	out := Completeness{Sources: []SourceLedger{}}
	balanced := true
	for _, source := range names(lines) {
		l := lines[source]
		l.close()
		balanced = balanced && l.Balanced
		out.Sources = append(out.Sources, *l)
		out.Total.sum(l)
	}
	out.Total.Balanced = balanced // one source's loss must not hide in another's surplus
	return out, nil
}

func (l *SourceLedger) add(outcome state.Outcome, n int64) {
	switch outcome {
	case "received":
		l.Received += n
	case state.Processed:
		l.Processed += n
	case state.Duplicate:
		l.Duplicate += n
	case state.Quarantined:
		l.Quarantined += n
	case state.Refused:
		l.Refused += n
	}
}

func (l *SourceLedger) close() {
	l.Balanced = l.Received == l.Processed+l.Duplicate+l.Quarantined+l.Refused+l.Pending
}

func (l *SourceLedger) sum(other *SourceLedger) {
	l.Received += other.Received
	l.Processed += other.Processed
	l.Duplicate += other.Duplicate
	l.Quarantined += other.Quarantined
	l.Refused += other.Refused
	l.Pending += other.Pending
}

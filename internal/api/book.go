package api

import (
	"context"
	"net/http"

	"parley/internal/fault"
	"parley/internal/state"
)

// BookVerdict says whether a book's hash chain is whole (I7).
type BookVerdict struct {
	Book    string `json:"book"`
	Lines   int64  `json:"lines" doc:"Lines read; of a book that was altered, up to the first that does not fit."`
	Intact  bool   `json:"intact"`
	Problem string `json:"problem,omitempty"`
}

type bookInput struct {
	Book string `path:"book" doc:"decisions, ask, or handover:DESTINATION."`
}

func (s *service) books() {
	register(s, operation{id: "verify-book", method: http.MethodGet, path: "/v1/books/{book}/verify", tag: "books",
		summary: "Recompute the hash chain of a book of disclosures"}, s.verifyBook)
}

func (s *service) verifyBook(ctx context.Context, in *bookInput) (BookVerdict, error) {
	out := BookVerdict{Book: in.Book, Intact: true}
	err := s.Store.View(ctx, func(tx *state.Tx) (err error) {
		out.Lines, err = tx.VerifyBook(ctx, in.Book)
		return err
	})
	if fault.KindOf(err) == fault.Conflict {
		out.Intact, out.Problem = false, fault.Message(err)
		return out, nil
	}
	return out, err
}

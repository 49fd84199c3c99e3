package server

import (
	"context"

	"parley/internal/lake"
	"parley/internal/state"
)

// History calls fn for every person, and with 0 for nobody, with all events of
// theirs in journal order, as the lake holds them.
func (s *Server) History(ctx context.Context, fn func(person int64, rows []lake.Row) error) error {
	return s.lake.ScanByPerson(ctx, nil, fn)
}

// RefusedClaims counts the claims that two identifiers are one person's which
// the identity rules refused.
func (s *Server) RefusedClaims(ctx context.Context) (n int64, err error) {
	err = s.store.View(ctx, func(tx *state.Tx) (err error) {
		n, err = tx.CountRefusedClaims(ctx)
		return err
	})
	return n, err
}

package state

import (
	"context"
	"database/sql"
)

// DeadDeliveriesOf returns up to limit dead letters of an activation whose
// person is above after, by person.
func (tx *Tx) DeadDeliveriesOf(ctx context.Context, activation string, after int64, limit int) ([]Delivery, error) {
	var out []Delivery
	err := tx.query(ctx, scanDeliveries(&out), `SELECT destination, member FROM delivery
		WHERE activation = ? AND person > ? AND dead = 1 ORDER BY person LIMIT ?`, activation, after, limit)
	return out, err
}

// Absorbed returns the people who were merged into one, by number: what was
// disclosed about them was disclosed about the survivor (I7).
func (tx *Tx) Absorbed(ctx context.Context, survivor int64) ([]int64, error) {
	var out []int64
	err := tx.query(ctx, func(r *sql.Rows) error {
		var id int64
		if err := r.Scan(&id); err != nil {
			return err
		}
		out = append(out, id)
		return nil
	}, "SELECT person FROM alias WHERE survivor = ? ORDER BY person", survivor)
	return out, err
}

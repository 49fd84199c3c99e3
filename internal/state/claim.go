package state

import "context"

// CountRefusedClaims counts the pairs of identifiers that some source said
// belong together and the identity rules keep apart.
func (tx *Tx) CountRefusedClaims(ctx context.Context) (n int64, err error) {
	err = tx.queryRow(ctx, []any{&n}, `SELECT count(*) FROM (SELECT DISTINCT a_namespace, a_value, b_namespace, b_value
		FROM assertion WHERE refused <> '') AS pair`)
	return n, err
}

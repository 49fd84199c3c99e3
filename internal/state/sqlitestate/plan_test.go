package sqlitestate

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"parley/internal/state"
)

// TestBulkReadsUseTheirIndex protects the pipeline's speed: a plan that scans a
// table costs more with each row that was ever stored.
func TestBulkReadsUseTheirIndex(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"))
	for _, query := range []string{
		"SELECT * FROM receipt WHERE (source, id) IN (VALUES (?, ?), (?, ?))",
		"SELECT * FROM identifier WHERE (namespace, value) IN (VALUES (?, ?), (?, ?))",
		"SELECT * FROM assertion WHERE (a_namespace, a_value) IN (VALUES (?, ?), (?, ?))",
		"SELECT * FROM assertion WHERE (b_namespace, b_value) IN (VALUES (?, ?), (?, ?))",
		"SELECT * FROM unique_value WHERE (source, fields, hash) IN (VALUES (?, ?, ?), (?, ?, ?))",
		"SELECT * FROM delivery WHERE person IN (?, ?)",
		"SELECT destination, member FROM delivery WHERE destination = ? AND waiting = 1 AND urgency = ? AND next_try <= ? ORDER BY next_try, person, activation LIMIT ?",
		"SELECT min(next_try) FROM delivery WHERE destination = ? AND waiting = 1 AND urgency = ?",
		"SELECT person, at FROM timer WHERE at <= ? ORDER BY at, person LIMIT ?",
	} {
		err := s.View(t.Context(), func(tx *state.Tx) error {
			args := make([]any, strings.Count(query, "?"))
			rows, err := tx.Raw().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
			if err != nil {
				return err
			}
			return checkPlan(t, query, rows)
		})
		if err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func checkPlan(t *testing.T, query string, rows *sql.Rows) error {
	defer func() { _ = rows.Close() }() // rows.Err is the answer
	searched := false
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return err
		}
		searched = searched || strings.HasPrefix(detail, "SEARCH")
		if strings.Contains(detail, "TEMP B-TREE") || strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "VALUES") {
			t.Errorf("%s: %s", query, detail)
		}
	}
	if !searched {
		t.Errorf("%s: no index is searched", query)
	}
	return rows.Err()
}

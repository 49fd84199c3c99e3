package state

import (
	"context"
	"database/sql"
	"encoding/json"

	"parley/internal/event"
)

// RowVersion is the newest accepted content of a table's row; the same content
// again is a duplicate, other content is an update.
type RowVersion struct {
	Source, Key string
	Hash        string
	Version     int64 // 1 for the first content
	// Holds are the values that are this row's alone. An update that no longer
	// brings one sets it free.
	Holds []Holding
}

// Holding is one value, or several together, that a contract wants to see once.
type Holding struct {
	Fields string `json:"f"`
	Hash   string `json:"h"`
}

var rowTable = table{name: "row_version", columns: []string{"source", "key", "hash", "version", "holds"}, keys: 2}

// RowVersions returns what is known of rows, by (source, key).
func (tx *Tx) RowVersions(ctx context.Context, keys []event.Key) (map[event.Key]RowVersion, error) {
	args := make([][]any, len(keys))
	for i, k := range keys {
		args[i] = []any{k.Source, k.ID}
	}
	out := make(map[event.Key]RowVersion)
	err := tx.get(ctx, "row_version", rowTable.columns, rowTable.columns[:2], args, func(r *sql.Rows) error {
		var v RowVersion
		var holds string
		if err := r.Scan(&v.Source, &v.Key, &v.Hash, &v.Version, &holds); err != nil {
			return err
		}
		if holds != "" {
			if err := json.Unmarshal([]byte(holds), &v.Holds); err != nil {
				return err
			}
		}
		out[event.Key{Source: v.Source, ID: v.Key}] = v
		return nil
	})
	return out, err
}

// PutRowVersions writes the newest contents.
func (tx *Tx) PutRowVersions(ctx context.Context, versions []RowVersion) error {
	rows := make([][]any, len(versions))
	for i, v := range versions {
		holds := ""
		if len(v.Holds) > 0 {
			body, err := json.Marshal(v.Holds)
			if err != nil {
				return err
			}
			holds = string(body)
		}
		rows[i] = []any{v.Source, v.Key, v.Hash, v.Version, holds}
	}
	return tx.put(ctx, &rowTable, rows)
}

// UniqueKey names a value that a contract wants to see once in a source.
type UniqueKey struct{ Source, Fields, Hash string }

var uniqueTable = table{name: "unique_value", columns: []string{"source", "fields", "hash", "owner"}, keys: 3}

// UniqueOwners returns which event or row carries each value; empty for one that was set free.
func (tx *Tx) UniqueOwners(ctx context.Context, keys []UniqueKey) (map[UniqueKey]string, error) {
	args := make([][]any, len(keys))
	for i, k := range keys {
		args[i] = []any{k.Source, k.Fields, k.Hash}
	}
	out := make(map[UniqueKey]string)
	err := tx.get(ctx, "unique_value", uniqueTable.columns, uniqueTable.columns[:3], args, func(r *sql.Rows) error {
		var k UniqueKey
		var owner string
		if err := r.Scan(&k.Source, &k.Fields, &k.Hash, &owner); err != nil {
			return err
		}
		out[k] = owner
		return nil
	})
	return out, err
}

// PutUniqueOwners records who carries a value.
func (tx *Tx) PutUniqueOwners(ctx context.Context, owners map[UniqueKey]string) error {
	rows := make([][]any, 0, len(owners))
	for k, owner := range owners {
		rows = append(rows, []any{k.Source, k.Fields, k.Hash, owner})
	}
	return tx.put(ctx, &uniqueTable, rows)
}

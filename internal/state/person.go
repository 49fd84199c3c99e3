package state

import (
	"context"
	"database/sql"
	"errors"
	"sort"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
)

// Identifier is a node of the identity graph and the person it belongs to.
type Identifier struct {
	event.Identifier
	Person    int64
	FirstSeen time.Time
}

var identifierTable = table{name: "identifier", columns: []string{"namespace", "value", "person", "first_seen"}, keys: 2}

// Identifiers returns the nodes there are for ids.
func (tx *Tx) Identifiers(ctx context.Context, ids []event.Identifier) ([]Identifier, error) {
	args := make([][]any, len(ids))
	for i, id := range ids {
		args[i] = []any{id.Namespace, id.Value}
	}
	var out []Identifier
	err := tx.get(ctx, "identifier", identifierTable.columns, identifierTable.columns[:2], args, scanIdentifiers(&out))
	return out, err
}

// IdentifiersOf returns all nodes of people.
func (tx *Tx) IdentifiersOf(ctx context.Context, people []int64) ([]Identifier, error) {
	var out []Identifier
	err := tx.get(ctx, "identifier", identifierTable.columns, []string{"person"}, numbers(people), scanIdentifiers(&out))
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Person != b.Person {
			return a.Person < b.Person
		}
		if a.Namespace != b.Namespace {
			return a.Namespace < b.Namespace
		}
		return a.Value < b.Value
	})
	return out, err
}

func scanIdentifiers(out *[]Identifier) func(*sql.Rows) error {
	return func(r *sql.Rows) error {
		var i Identifier
		var seen int64
		if err := r.Scan(&i.Namespace, &i.Value, &i.Person, &seen); err != nil {
			return err
		}
		i.FirstSeen = instant(seen)
		*out = append(*out, i)
		return nil
	}
}

func numbers(ids []int64) [][]any {
	args := make([][]any, len(ids))
	for i, id := range ids {
		args[i] = []any{id}
	}
	return args
}

// PutIdentifiers writes nodes.
func (tx *Tx) PutIdentifiers(ctx context.Context, ids []Identifier) error {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id.Namespace, id.Value, id.Person, micros(id.FirstSeen)}
	}
	return tx.put(ctx, &identifierTable, rows)
}

// Assertion is the stored claim of a source that two identifiers belong
// together. Refused is the reason when a rule forbade it (I5: kept all the same).
type Assertion struct {
	A, B    event.Identifier
	Source  string
	Seq     int64  // order in which it was first made
	EventID string // of the first event that made it
	At      time.Time
	N       int64 // how many events made it
	LastAt  time.Time
	Refused string
}

var assertionTable = table{name: "assertion", columns: []string{"a_namespace", "a_value", "b_namespace", "b_value",
	"source", "seq", "event_id", "at", "n", "last_at", "refused"}, keys: 5,
	onConflict: "UPDATE SET n = assertion.n + excluded.n, last_at = excluded.last_at, refused = excluded.refused"}

// AddAssertions records claims; one that stands already is counted again. Their keys must differ.
func (tx *Tx) AddAssertions(ctx context.Context, list []Assertion) error {
	rows := make([][]any, len(list))
	for i, a := range list {
		rows[i] = []any{a.A.Namespace, a.A.Value, a.B.Namespace, a.B.Value, a.Source, a.Seq, a.EventID,
			micros(a.At), a.N, micros(a.LastAt), a.Refused}
	}
	return tx.put(ctx, &assertionTable, rows)
}

// AssertionsOf returns every claim that touches one of ids, by Seq.
func (tx *Tx) AssertionsOf(ctx context.Context, ids []event.Identifier) ([]Assertion, error) {
	seen := map[int64]bool{}
	var out []Assertion
	scan := func(r *sql.Rows) error {
		var a Assertion
		var at, last int64
		if err := r.Scan(&a.A.Namespace, &a.A.Value, &a.B.Namespace, &a.B.Value, &a.Source, &a.Seq, &a.EventID,
			&at, &a.N, &last, &a.Refused); err != nil {
			return err
		}
		a.At, a.LastAt = instant(at), instant(last)
		if !seen[a.Seq] {
			seen[a.Seq] = true
			out = append(out, a)
		}
		return nil
	}
	args := make([][]any, len(ids))
	for i, id := range ids {
		args[i] = []any{id.Namespace, id.Value}
	}
	for _, side := range [][]string{{"a_namespace", "a_value"}, {"b_namespace", "b_value"}} {
		if err := tx.get(ctx, "assertion", assertionTable.columns, side, args, scan); err != nil {
			return nil, err
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Seq < out[j].Seq })
	return out, nil
}

// Person is one person's document (see package person).
type Person struct {
	ID  int64
	Doc []byte
}

var personTable = table{name: "person", columns: []string{"id", "doc"}, keys: 1}

// People returns the documents of ids, those there are.
func (tx *Tx) People(ctx context.Context, ids []int64) (map[int64][]byte, error) {
	out := make(map[int64][]byte, len(ids))
	err := tx.get(ctx, "person", personTable.columns, []string{"id"}, numbers(ids), func(r *sql.Rows) error {
		var id int64
		var doc []byte
		if err := r.Scan(&id, &doc); err != nil {
			return err
		}
		out[id] = doc
		return nil
	})
	return out, err
}

// PeopleAfter returns up to limit people with ids above after, by id.
func (tx *Tx) PeopleAfter(ctx context.Context, after int64, limit int) ([]Person, error) {
	var out []Person
	err := tx.query(ctx, func(r *sql.Rows) error {
		var p Person
		if err := r.Scan(&p.ID, &p.Doc); err != nil {
			return err
		}
		out = append(out, p)
		return nil
	}, "SELECT id, doc FROM person WHERE id > ? ORDER BY id LIMIT ?", after, limit)
	return out, err
}

// CountPeople returns how many people there are.
func (tx *Tx) CountPeople(ctx context.Context) (n int64, err error) {
	err = tx.queryRow(ctx, []any{&n}, "SELECT count(*) FROM person")
	return n, err
}

// PutPeople writes documents.
func (tx *Tx) PutPeople(ctx context.Context, people []Person) error {
	rows := make([][]any, len(people))
	for i, p := range people {
		rows[i] = []any{p.ID, string(p.Doc)}
	}
	return tx.put(ctx, &personTable, rows)
}

// Alias says that a person was merged into another.
type Alias struct {
	Person, Survivor int64
	At               time.Time
}

var aliasTable = table{name: "alias", columns: []string{"person", "survivor", "at"}, keys: 1}

// Merge removes merged people and points them, and those already pointing at
// them, to the survivor. Aliases must come in the order of the merges.
func (tx *Tx) Merge(ctx context.Context, merges []Alias) error {
	for _, m := range merges {
		for _, q := range []string{
			"DELETE FROM person WHERE id = ?", "DELETE FROM timer WHERE person = ?",
			"DELETE FROM membership WHERE person = ?"} {
			if err := tx.exec(ctx, q, m.Person); err != nil {
				return err
			}
		}
		if err := tx.exec(ctx, "UPDATE alias SET survivor = ? WHERE survivor = ?", m.Survivor, m.Person); err != nil {
			return err
		}
		if err := tx.put(ctx, &aliasTable, [][]any{{m.Person, m.Survivor, micros(m.At)}}); err != nil {
			return err
		}
	}
	return nil
}

// Survivor returns the person that id stands for today.
func (tx *Tx) Survivor(ctx context.Context, id int64) (int64, error) {
	var s int64
	err := tx.queryRow(ctx, []any{&s}, "SELECT survivor FROM alias WHERE person = ?", id)
	if errors.Is(err, sql.ErrNoRows) {
		return id, nil
	}
	return s, err
}

// CountMerges returns how many people were merged into others.
func (tx *Tx) CountMerges(ctx context.Context) (n int64, err error) {
	err = tx.queryRow(ctx, []any{&n}, "SELECT count(*) FROM alias")
	return n, err
}

// Find returns the person an identifier belongs to, or NotFound.
func (tx *Tx) Find(ctx context.Context, id event.Identifier) (int64, error) {
	var p int64
	err := tx.queryRow(ctx, []any{&p}, "SELECT person FROM identifier WHERE namespace = ? AND value = ?", id.Namespace, id.Value)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fault.New(fault.NotFound, "state.find", "Nobody is known by this %s.", id.Namespace)
	}
	return p, err
}

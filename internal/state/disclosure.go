package state

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"sort"
	"time"

	"parley/internal/fault"
)

// Disclosure is one line of a book that records every release, refusal and
// hand-over (I7). Books are append-only; each line carries the hash of the one
// before, so a line that was changed or removed is found by VerifyBook.
type Disclosure struct {
	// Book is "decisions" for what the pipeline allowed and refused (the same
	// on every run of the same journal, I4), or "handover:DESTINATION" for
	// what was sent there and what it answered.
	Book        string
	Seq         int64
	At          time.Time
	Person      int64
	Activation  string
	Destination string
	Purpose     string
	Decision    string // released, refused, withdrawn, sent, delivered, rejected
	Ground      string // legal ground, or reason of the refusal
	Version     int64  // of the member
	Batch       string
	Prev, Hash  string
}

// Decisions is the book of the pipeline's decisions.
const Decisions = "decisions"

var disclosureColumns = []string{"book", "seq", "at", "person", "activation", "destination", "purpose", "decision",
	"ground", "version", "batch", "prev", "hash"}

var disclosureTable = table{name: "disclosure", columns: disclosureColumns, keys: 2, onConflict: refuse}

func (d *Disclosure) seal(prev string) {
	d.Prev = prev
	line := fmt.Sprintf("%s|%s|%d|%d|%d|%q|%q|%q|%q|%q|%d|%s", prev, d.Book, d.Seq, micros(d.At), d.Person, d.Activation,
		d.Destination, d.Purpose, d.Decision, d.Ground, d.Version, d.Batch)
	sum := sha256.Sum256([]byte(line))
	d.Hash = hex.EncodeToString(sum[:])
}

// AppendDisclosures adds lines to a book, in order; Seq and hashes are set here.
func (tx *Tx) AppendDisclosures(ctx context.Context, book string, lines []Disclosure) error {
	if len(lines) == 0 {
		return nil
	}
	var seq int64
	prev := ""
	err := tx.query(ctx, func(r *sql.Rows) error { return r.Scan(&seq, &prev) },
		"SELECT seq, hash FROM disclosure WHERE book = ? ORDER BY seq DESC LIMIT 1", book)
	if err != nil {
		return err
	}
	rows := make([][]any, len(lines))
	for i := range lines {
		d := &lines[i]
		seq++
		d.Book, d.Seq = book, seq
		d.seal(prev)
		prev = d.Hash
		rows[i] = []any{d.Book, d.Seq, micros(d.At), d.Person, d.Activation, d.Destination, d.Purpose, d.Decision,
			d.Ground, d.Version, d.Batch, d.Prev, d.Hash}
	}
	return tx.put(ctx, &disclosureTable, rows)
}

// DisclosuresOf returns every line about people, by book and seq.
func (tx *Tx) DisclosuresOf(ctx context.Context, people []int64) ([]Disclosure, error) {
	var out []Disclosure
	for _, k := range distinct(numbers(people)) {
		err := tx.eachDisclosure(ctx, func(d Disclosure) error {
			out = append(out, d)
			return nil
		}, "WHERE person = ?", k[0])
		if err != nil {
			return nil, err
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Book != out[j].Book {
			return out[i].Book < out[j].Book
		}
		return out[i].Seq < out[j].Seq
	})
	return out, nil
}

// CountDecisions returns how many lines of the decisions book carry each decision.
func (tx *Tx) CountDecisions(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	err := tx.query(ctx, func(r *sql.Rows) error {
		var decision string
		var n int64
		if err := r.Scan(&decision, &n); err != nil {
			return err
		}
		out[decision] = n
		return nil
	}, "SELECT decision, count(*) FROM disclosure WHERE book = ? GROUP BY decision", Decisions)
	return out, err
}

// Book calls fn for each line of a book, in order. fn must not use the transaction.
func (tx *Tx) Book(ctx context.Context, book string, fn func(Disclosure) error) error {
	return tx.eachDisclosure(ctx, fn, "WHERE book = ? ORDER BY seq", book)
}

// VerifyBook recomputes the chain of a book and fails with Conflict at the
// first line that does not fit. It returns the number of lines.
func (tx *Tx) VerifyBook(ctx context.Context, book string) (int64, error) {
	var n int64
	prev := ""
	err := tx.Book(ctx, book, func(d Disclosure) error {
		n++
		want := d
		want.seal(prev)
		if d.Seq != n || d.Prev != prev || d.Hash != want.Hash {
			return fault.New(fault.Conflict, "state.verify", "The book %s was altered at line %d.", book, n)
		}
		prev = d.Hash
		return nil
	})
	return n, err
}

func (tx *Tx) eachDisclosure(ctx context.Context, fn func(Disclosure) error, where string, args ...any) error {
	return tx.query(ctx, func(r *sql.Rows) error {
		var d Disclosure
		var at int64
		if err := r.Scan(&d.Book, &d.Seq, &at, &d.Person, &d.Activation, &d.Destination, &d.Purpose, &d.Decision,
			&d.Ground, &d.Version, &d.Batch, &d.Prev, &d.Hash); err != nil {
			return err
		}
		d.At = instant(at)
		return fn(d)
	}, `SELECT book, seq, at, person, activation, destination, purpose, decision, ground, version, batch, prev, hash
		FROM disclosure `+where, args...)
}

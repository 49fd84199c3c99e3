package state

import (
	"context"
	"database/sql"
	"sort"
	"time"
)

// Membership is a person in an audience, since when.
type Membership struct {
	Audience string
	Person   int64
	Since    time.Time
}

var membershipTable = table{name: "membership", columns: []string{"audience", "person", "since"}, keys: 2}

// PutMemberships writes memberships.
func (tx *Tx) PutMemberships(ctx context.Context, list []Membership) error {
	rows := make([][]any, len(list))
	for i, m := range list {
		rows[i] = []any{m.Audience, m.Person, micros(m.Since)}
	}
	return tx.put(ctx, &membershipTable, rows)
}

// DropMemberships removes memberships; Since is ignored.
func (tx *Tx) DropMemberships(ctx context.Context, list []Membership) error {
	for _, m := range list {
		if err := tx.exec(ctx, "DELETE FROM membership WHERE audience = ? AND person = ?", m.Audience, m.Person); err != nil {
			return err
		}
	}
	return nil
}

// Members returns up to limit members of an audience above a person id, by person.
func (tx *Tx) Members(ctx context.Context, audience string, after int64, limit int) ([]Membership, error) {
	var out []Membership
	err := tx.query(ctx, func(r *sql.Rows) error {
		m := Membership{Audience: audience}
		var since int64
		if err := r.Scan(&m.Person, &since); err != nil {
			return err
		}
		m.Since = instant(since)
		out = append(out, m)
		return nil
	}, "SELECT person, since FROM membership WHERE audience = ? AND person > ? ORDER BY person LIMIT ?", audience, after, limit)
	return out, err
}

// AudienceSizes returns the number of members of every audience that has any.
func (tx *Tx) AudienceSizes(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	err := tx.query(ctx, func(r *sql.Rows) error {
		var name string
		var n int64
		if err := r.Scan(&name, &n); err != nil {
			return err
		}
		out[name] = n
		return nil
	}, "SELECT audience, count(*) FROM membership GROUP BY audience")
	return out, err
}

// Timer says when a person's memberships can next change without an event.
type Timer struct {
	Person int64
	At     time.Time
}

var timerTable = table{name: "timer", columns: []string{"person", "at"}, keys: 1}

// PutTimers sets timers; a zero time removes the person's timer.
func (tx *Tx) PutTimers(ctx context.Context, timers []Timer) error {
	var rows [][]any
	for _, t := range timers {
		if t.At.IsZero() {
			if err := tx.exec(ctx, "DELETE FROM timer WHERE person = ?", t.Person); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []any{t.Person, micros(t.At)})
	}
	return tx.put(ctx, &timerTable, rows)
}

// TimersDue returns the timers at or before until, by time and person.
func (tx *Tx) TimersDue(ctx context.Context, until time.Time, limit int) ([]Timer, error) {
	var out []Timer
	err := tx.query(ctx, func(r *sql.Rows) error {
		var t Timer
		var at int64
		if err := r.Scan(&t.Person, &at); err != nil {
			return err
		}
		t.At = instant(at)
		out = append(out, t)
		return nil
	}, "SELECT person, at FROM timer WHERE at <= ? ORDER BY at, person LIMIT ?", micros(until), limit)
	return out, err
}

// NextTimer returns the earliest timer, zero when there is none.
func (tx *Tx) NextTimer(ctx context.Context) (time.Time, error) {
	var at sql.NullInt64
	err := tx.queryRow(ctx, []any{&at}, "SELECT min(at) FROM timer")
	return instant(at.Int64), err
}

// WorkspaceVersion is one applied version of the agreement.
type WorkspaceVersion struct {
	Version int64
	Digest  string
	Author  string
	At      time.Time
	Body    []byte
}

var workspaceTable = table{name: "workspace_version", columns: []string{"version", "digest", "author", "at", "body"}, keys: 1}

// PutWorkspace records an applied version.
func (tx *Tx) PutWorkspace(ctx context.Context, w WorkspaceVersion) error {
	return tx.put(ctx, &workspaceTable, [][]any{{w.Version, w.Digest, w.Author, micros(w.At), string(w.Body)}})
}

// Workspace returns the newest applied version; Version 0 when there is none.
func (tx *Tx) Workspace(ctx context.Context) (WorkspaceVersion, error) {
	var out WorkspaceVersion
	err := tx.query(ctx, func(r *sql.Rows) error {
		var at int64
		if err := r.Scan(&out.Version, &out.Digest, &out.Author, &at, &out.Body); err != nil {
			return err
		}
		out.At = instant(at)
		return nil
	}, "SELECT version, digest, author, at, body FROM workspace_version ORDER BY version DESC LIMIT 1")
	return out, err
}

// AskKey names one count of the ask API.
type AskKey struct {
	Form    string
	Day     time.Time // start of the day, UTC
	Field   string
	Outcome string // avoided, asked, repeated (asked although known)
}

var askTable = table{name: "ask_count", columns: []string{"form", "day", "field", "outcome", "n"}, keys: 4,
	onConflict: "UPDATE SET n = ask_count.n + excluded.n"}

// AddAsks adds to the counts of asks.
func (tx *Tx) AddAsks(ctx context.Context, counts map[AskKey]int64) error {
	rows := make([][]any, 0, len(counts))
	for k, n := range counts {
		rows = append(rows, []any{k.Form, micros(k.Day), k.Field, k.Outcome, n})
	}
	return tx.put(ctx, &askTable, rows)
}

// Asks returns the sum of asks by form and outcome.
func (tx *Tx) Asks(ctx context.Context) (map[string]map[string]int64, error) {
	out := map[string]map[string]int64{}
	err := tx.query(ctx, func(r *sql.Rows) error {
		var form, outcome string
		var n int64
		if err := r.Scan(&form, &outcome, &n); err != nil {
			return err
		}
		if out[form] == nil {
			out[form] = map[string]int64{}
		}
		out[form][outcome] = n
		return nil
	}, "SELECT form, outcome, CAST(sum(n) AS BIGINT) FROM ask_count GROUP BY form, outcome")
	return out, err
}

// SortMemberships orders by audience, then person.
func SortMemberships(list []Membership) {
	sort.Slice(list, func(i, j int) bool {
		if list[i].Audience != list[j].Audience {
			return list[i].Audience < list[j].Audience
		}
		return list[i].Person < list[j].Person
	})
}

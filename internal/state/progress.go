package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"parley/internal/fault"
	"parley/internal/journal"
)

// Progress is how far the pipeline has come. It commits with the effects (I3).
type Progress struct {
	Position journal.Position
	// Clock is journal time: the greatest ReceivedAt of any entry so far (ADR 0002).
	Clock time.Time
	// NextPerson is the number the next new person gets.
	NextPerson int64
	// NextAssertion numbers assertions in the order they were made.
	NextAssertion int64
}

// Progress reads how far the pipeline has come; at the very start NextPerson is 1.
func (tx *Tx) Progress(ctx context.Context) (Progress, error) {
	p := Progress{NextPerson: 1, NextAssertion: 1}
	text, ok, err := tx.Meta(ctx, "progress")
	if err != nil || !ok {
		return p, err
	}
	var pos uint64
	var clock int64
	if _, err := fmt.Sscanf(text, "%d %d %d %d", &pos, &clock, &p.NextPerson, &p.NextAssertion); err != nil {
		return p, fault.WrapAs(fault.Internal, "state.progress", err, "The state's progress record is damaged.")
	}
	p.Position, p.Clock = journal.Position(pos), instant(clock)
	return p, nil
}

// SetProgress records how far the pipeline has come.
func (tx *Tx) SetProgress(ctx context.Context, p Progress) error {
	return tx.SetMeta(ctx, "progress", fmt.Sprintf("%d %d %d %d", p.Position, micros(p.Clock), p.NextPerson, p.NextAssertion))
}

// Meta reads one setting of the installation.
func (tx *Tx) Meta(ctx context.Context, key string) (string, bool, error) {
	var v string
	err := tx.queryRow(ctx, []any{&v}, "SELECT value FROM meta WHERE key = ?", key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return v, err == nil, err
}

// SetMeta writes one setting of the installation.
func (tx *Tx) SetMeta(ctx context.Context, key, value string) error {
	return tx.put(ctx, &metaTable, [][]any{{key, value}})
}

var metaTable = table{name: "meta", columns: []string{"key", "value"}, keys: 1}

// Acquire takes or renews the lease of a name for holder until now+ttl, on the
// installation's wall clock. It returns the fencing token, which grows whenever
// the holder changes, and false while another holds an unexpired lease.
func (tx *Tx) Acquire(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (int64, bool, error) {
	var by string
	var token, expires int64
	err := tx.queryRow(ctx, []any{&by, &token, &expires}, "SELECT holder, token, expires FROM lease WHERE name = ?", name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return 0, false, err
	case by != holder && expires > micros(now):
		return 0, false, nil
	}
	if by != holder {
		token++
	}
	err = tx.put(ctx, &leaseTable, [][]any{{name, holder, token, micros(now.Add(ttl))}})
	return token, err == nil, err
}

// Fence fails with Conflict unless token is the newest of the lease: a worker
// that was replaced can no longer commit.
func (tx *Tx) Fence(ctx context.Context, name string, token int64) error {
	var newest int64
	if err := tx.queryRow(ctx, []any{&newest}, "SELECT token FROM lease WHERE name = ?", name); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if newest != token || token == 0 {
		return fault.New(fault.Conflict, "state.fence", "Another worker has taken over (token %s, ours %s).",
			strconv.FormatInt(newest, 10), strconv.FormatInt(token, 10))
	}
	return nil
}

var leaseTable = table{name: "lease", columns: []string{"name", "holder", "token", "expires"}, keys: 1}

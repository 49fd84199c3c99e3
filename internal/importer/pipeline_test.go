package importer

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lake"
	"parley/internal/lake/laketest"
	"parley/internal/lifecycle"
	"parley/internal/pipeline"
	"parley/internal/state"
	"parley/internal/state/sqlitestate"
	"parley/internal/workspace"
)

const agreement = `
{kind: team, name: it, side: it}
---
kind: DataContract
apiVersion: v3.1.0
id: crm
name: crm
version: 1.0.0
status: active
schema: [{name: customer, properties: [{name: id, logicalType: string, required: true, primaryKey: true}]}]
---
kind: source
name: crm
owner: it
type: file
contract: crm
object: customer
mapping: {key: [id], identifiers: {user_id: id}}
---
{kind: identity, name: people, owner: it, namespaces: [{name: user_id, unique: true, priority: 1}]}
`

// TestI2FilesThroughThePipeline imports files into a real pipeline on SQLite and
// counts what became of each row.
func TestI2FilesThroughThePipeline(t *testing.T) {
	ctx := context.Background()
	clock := lifecycle.NewManual(begin)
	dir := t.TempDir()
	store, err := sqlitestate.Open(ctx, filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	j := journal.New(journaltest.NewMemory(), journal.Options{})
	lk := lake.New(laketest.NewMemory())
	worker := pipeline.New(pipeline.Options{Journal: j, Store: store, Lake: lk, Clock: clock,
		Logger: slog.New(slog.DiscardHandler), Holder: "test", Applied: func(*workspace.Compiled) {}, Handed: func() {}})
	g := lifecycle.NewGroup(ctx)
	g.Go("worker", worker.Run)
	defer func() {
		for _, stop := range []func() error{g.Stop, j.Close, store.Close, lk.Close} {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	}()
	src := apply(t, j, clock.Now())

	ledger := StateLedger{store}
	counts := func(path string, again bool) map[state.Outcome]int64 {
		t.Helper()
		if _, err := File(ctx, Options{Source: src, Path: path, Sink: j, Clock: clock, Ledger: ledger, Again: again}); err != nil {
			t.Fatal(err)
		}
		return outcomes(t, store, worker, j)
	}
	first := write(t, dir, "a.csv", "id,email\n1,a\n2,ragged,row\n3,c\n,no key\n")
	expect := func(got map[state.Outcome]int64, received, processed, duplicate, quarantined int64) {
		t.Helper()
		if got["received"] != received || got[state.Processed] != processed || got[state.Duplicate] != duplicate || got[state.Quarantined] != quarantined {
			t.Errorf("got %v", got)
		}
	}
	expect(counts(first, false), 4, 2, 0, 2)
	expect(counts(first, false), 4, 2, 0, 2) // skipped
	expect(counts(first, true), 8, 2, 4, 2)  // all duplicates
	changed := write(t, dir, "b.csv", "id,email\n1,a\n3,new\n2,ragged,row\n")
	expect(counts(changed, false), 11, 3, 6, 2) // one update, the bad row known though it stands elsewhere

	var held []state.QuarantinedRecord
	if err := store.View(ctx, func(tx *state.Tx) (err error) {
		held, err = tx.QuarantineList(ctx, state.QuarantineFilter{Source: "crm"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(held) != 2 || held[0].Violations[0].Rule != "format" || held[1].Violations[0].Rule != "required" {
		t.Fatalf("held back: %+v", held)
	}
	if m, err := ReadMalformed(held[0].Payload); err != nil || m.Line != 3 || string(m.Raw) != "2,ragged,row" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func apply(t *testing.T, j *journal.Journal, now time.Time) *workspace.Source {
	t.Helper()
	w, issues := workspace.Parse(map[string][]byte{"w.yaml": []byte(agreement)})
	if len(issues) > 0 {
		t.Fatalf("issues: %v", issues)
	}
	c, err := w.Compile(1)
	if err != nil {
		t.Fatal(err)
	}
	body, err := w.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(pipeline.Version{Author: "test", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(context.Background(), journal.Entry{Kind: journal.Workspace, ReceivedAt: now, Payload: payload}); err != nil {
		t.Fatal(err)
	}
	return c.Sources["crm"]
}

func outcomes(t *testing.T, store *state.Store, worker *pipeline.Worker, j *journal.Journal) map[state.Outcome]int64 {
	t.Helper()
	ctx := context.Background()
	last, err := j.Last(ctx)
	if err == nil {
		err = worker.WaitFor(ctx, last)
	}
	if err != nil {
		t.Fatal(err)
	}
	total := map[state.Outcome]int64{}
	if err := store.View(ctx, func(tx *state.Tx) error {
		counts, err := tx.Counts(ctx, "crm")
		for _, c := range counts {
			total[c.Outcome] += c.N
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return total
}

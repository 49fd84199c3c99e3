package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lake"
	"parley/internal/lake/laketest"
	"parley/internal/lifecycle"
	"parley/internal/person"
	"parley/internal/pipeline"
	"parley/internal/state"
	"parley/internal/state/sqlitestate"
	"parley/internal/workspace"
)

const agreement = `
kind: team
name: it
side: it
---
kind: DataContract
apiVersion: v3.1.0
id: web
name: web
version: 1.0.0
status: active
schema:
  - name: Order
    properties:
      - {name: sku, logicalType: string, required: true}
---
kind: DataContract
apiVersion: v3.1.0
id: crm
name: crm
version: 1.0.0
status: active
schema:
  - name: customer
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true}
      - {name: email, logicalType: string, unique: true}
---
{kind: source, name: web, owner: it, type: http, contract: web, writeKey: k}
---
kind: source
name: crm
owner: it
type: file
contract: crm
object: customer
mapping:
  key: [id]
  event: Customer
  identifiers: {user_id: id, email: email}
  traits: {email: email, first_name: name}
  consents:
    email_marketing: {column: opt_in, granted: ["Y"], denied: ["N"]}
---
kind: identity
name: people
owner: it
namespaces:
  - {name: user_id, unique: true, priority: 1}
  - {name: email, normalise: email, limit: 3, priority: 2}
  - {name: anonymous_id, priority: 9}
---
{kind: trait, name: email, owner: it}
---
{kind: trait, name: first_name, owner: it}
---
{kind: purpose, name: email_marketing, owner: it, basis: consent}
---
{kind: purpose, name: suppression, owner: it, basis: legitimate_interest, ground: people asked not to be offered what they have}
---
kind: audience
name: recent-buyers
owner: it
where: {event: {name: Order, where: [{property: sku, op: is, value: tea}], window: {last: 30d}}}
---
kind: audience
name: known
owner: it
where: {all: [{identified: email}, {not: {audience: recent-buyers}}]}
---
{kind: destination, name: mail, owner: it, type: csv, purposes: [email_marketing, suppression], csv: {folder: out}}
---
{kind: activation, name: leave-alone, owner: it, audience: recent-buyers, destination: mail, mode: suppress, purpose: suppression, fields: {email: trait.email}}
---
{kind: activation, name: offer, owner: it, audience: known, destination: mail, mode: include, purpose: email_marketing, fields: {email: trait.email}}
`

// rig is a pipeline on a real SQLite file, with a journal and a lake in memory.
type rig struct {
	t       *testing.T
	ctx     context.Context
	clock   *lifecycle.Manual
	journal *journal.Journal
	store   *state.Store
	worker  *pipeline.Worker
}

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, ctx: context.Background(), clock: lifecycle.NewManual(begin)}
	r.journal = journal.New(journaltest.NewMemory(), journal.Options{})
	store, err := sqlitestate.Open(r.ctx, filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	r.store = store
	lk := lake.New(laketest.NewMemory())
	r.worker = pipeline.New(pipeline.Options{Journal: r.journal, Store: store, Lake: lk, Clock: r.clock,
		Logger: slog.New(slog.DiscardHandler), Holder: "test", Applied: func(*workspace.Compiled) {}, Handed: func() {}})
	g := lifecycle.NewGroup(r.ctx)
	g.Go("worker", r.worker.Run)
	t.Cleanup(func() {
		if err := g.Stop(); err != nil {
			t.Errorf("the pipeline failed: %v", err)
		}
		for _, closer := range []func() error{r.journal.Close, store.Close, lk.Close} {
			if err := closer(); err != nil {
				t.Error(err)
			}
		}
	})
	r.applyYAML(agreement)
	return r
}

func (r *rig) applyYAML(text string) {
	r.t.Helper()
	w, issues := workspace.Parse(map[string][]byte{"w.yaml": []byte(text)})
	if len(issues) > 0 {
		r.t.Fatalf("issues: %v", issues)
	}
	body, err := w.Canonical()
	if err != nil {
		r.t.Fatal(err)
	}
	payload, err := json.Marshal(pipeline.Version{Author: "test", Body: body})
	if err != nil {
		r.t.Fatal(err)
	}
	r.append(journal.Entry{Kind: journal.Workspace, Payload: payload})
}

func (r *rig) append(entries ...journal.Entry) {
	r.t.Helper()
	for i := range entries {
		if entries[i].ReceivedAt.IsZero() {
			entries[i].ReceivedAt = r.clock.Now()
		}
	}
	if err := r.journal.Append(r.ctx, entries...); err != nil {
		r.t.Fatal(err)
	}
	last, err := r.journal.Last(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.worker.WaitFor(r.ctx, last); err != nil {
		r.t.Fatal(err)
	}
}

func web(id, json string) journal.Entry {
	return journal.Entry{Kind: journal.Event, Source: "web", ID: id, Payload: []byte(json)}
}

func crm(key, json string) journal.Entry {
	return journal.Entry{Kind: journal.Record, Source: "crm", ID: key, Payload: []byte(json)}
}

func (r *rig) view(fn func(*state.Tx) error) {
	r.t.Helper()
	if err := r.store.View(r.ctx, fn); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) sizes() string {
	var out map[string]int64
	r.view(func(tx *state.Tx) (err error) {
		out, err = tx.AudienceSizes(r.ctx)
		return err
	})
	return fmt.Sprint(out)
}

func (r *rig) document(ns, value string) *person.Document {
	r.t.Helper()
	var doc *person.Document
	r.view(func(tx *state.Tx) error {
		id, err := tx.Find(r.ctx, event.Identifier{Namespace: ns, Value: value})
		if err != nil {
			return err
		}
		docs, err := tx.People(r.ctx, []int64{id})
		if err != nil {
			return err
		}
		doc, err = person.Decode(docs[id])
		return err
	})
	return doc
}

func (r *rig) outcomes() string {
	total := map[state.Outcome]int64{}
	r.view(func(tx *state.Tx) error {
		counts, err := tx.Counts(r.ctx, "")
		for _, c := range counts {
			total[c.Outcome] += c.N
		}
		return err
	})
	return fmt.Sprint(total)
}

func (r *rig) delivery(activation, ns, value string) state.Delivery {
	r.t.Helper()
	var out state.Delivery
	r.view(func(tx *state.Tx) error {
		id, err := tx.Find(r.ctx, event.Identifier{Namespace: ns, Value: value})
		if err != nil {
			return err
		}
		rows, err := tx.Deliveries(r.ctx, []int64{id})
		for _, row := range rows {
			if row.Activation == activation {
				out = row
			}
		}
		return err
	})
	return out
}

func TestFromClickAndRowToDesiredDelivery(t *testing.T) {
	r := newRig(t)
	r.append(
		crm("1", `{"id":"1","email":"Ada@Example.org","name":"Ada","opt_in":"Y"}`),
		crm("2", `{"id":"2","email":"bob@example.org","name":"Bob","opt_in":"N"}`),
		web("a", `{"type":"page","anonymousId":"d1"}`),
		web("b", `{"type":"track","event":"Order","anonymousId":"d1","properties":{"sku":"tea"}}`),
		web("c", `{"type":"identify","anonymousId":"d1","userId":"1"}`),
	)
	if got := r.sizes(); got != "map[known:1 recent-buyers:1]" {
		t.Fatalf("sizes %s", got)
	}
	if d := r.delivery("leave-alone", "user_id", "1"); !d.Want || d.Fields["email"] != "Ada@Example.org" {
		t.Errorf("Ada, who has just bought tea, is not to be left alone: %+v", d.Member)
	}
	if d := r.delivery("offer", "user_id", "2"); d.Want || d.Reason != "no consent for email_marketing" {
		t.Errorf("Bob, who refused, would be written to: %+v", d.Member)
	}
	if got := r.outcomes(); got != "map[processed:5 received:5]" {
		t.Errorf("outcomes %s", got)
	}
}

// Time alone ends a membership, at its instant, through a tick of the clock.
func TestI8LeavingBecauseTimePassed(t *testing.T) {
	r := newRig(t)
	r.append(crm("1", `{"id":"1","email":"ada@example.org","opt_in":"Y"}`),
		web("b", `{"type":"track","event":"Order","userId":"1","properties":{"sku":"tea"}}`))
	if got := r.sizes(); got != "map[recent-buyers:1]" {
		t.Fatalf("sizes %s", got)
	}
	r.clock.Advance(30 * 24 * time.Hour)
	last, err := r.journal.Last(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.worker.WaitFor(r.ctx, last+1); err != nil {
		t.Fatal(err)
	}
	if got := r.sizes(); got != "map[known:1]" {
		t.Errorf("after 30 days the sizes are %s", got)
	}
	if since := r.document("user_id", "1").Since["known"]; !since.Equal(begin.Add(30 * 24 * time.Hour)) {
		t.Errorf("member since %v", since)
	}
	if d := r.delivery("offer", "user_id", "1"); !d.Want {
		t.Errorf("Ada may be written to again: %+v", d.Member)
	}
}

func TestI2EveryEntryIsCountedOnce(t *testing.T) {
	r := newRig(t)
	bad := web("x", `{"type":"track","event":"Order","userId":"1","properties":{}}`)
	r.append(bad, web("y", `not json`), web("z", `{"type":"page","anonymousId":"null"}`), bad,
		crm("1", `{"id":"1","email":"a@x.org"}`), crm("1", `{"id":"1","email":"a@x.org"}`), crm("2", `{"id":"2","email":"a@x.org"}`),
		journal.Entry{Kind: journal.Event, Source: "nowhere", ID: "q", Payload: []byte(`{}`)})
	if got := r.outcomes(); got != "map[duplicate:2 processed:2 quarantined:4 received:8]" {
		t.Errorf("outcomes %s", got)
	}
	var held []state.QuarantinedRecord
	r.view(func(tx *state.Tx) (err error) {
		held, err = tx.QuarantineList(r.ctx, state.QuarantineFilter{})
		return err
	})
	var why []string
	for _, q := range held {
		why = append(why, q.EventID+" "+q.Violations[0].Rule+" "+q.Violations[0].Field)
	}
	if fmt.Sprint(why) != "[x required sku y format  2 unique email q source ]" {
		t.Errorf("quarantine %q", why)
	}
}

func TestAChangedRowBecomesAnUpdate(t *testing.T) {
	r := newRig(t)
	r.append(crm("1", `{"id":"1","name":"Ada","opt_in":"Y"}`))
	r.append(crm("1", `{"id":"1","name":"Augusta","opt_in":"N"}`))
	r.append(crm("1", `{"id":"1","name":"Augusta","opt_in":"N"}`))
	doc := r.document("user_id", "1")
	raw, err := doc.Profile.MarshalJSON()
	if err != nil || !json.Valid(raw) {
		t.Fatal(err)
	}
	if got := doc.Consents.State()["email_marketing"]; got != "denied" {
		t.Errorf("the stand is %q", got)
	}
	if got := r.outcomes(); got != "map[duplicate:1 processed:2 received:3]" {
		t.Errorf("outcomes %s", got)
	}
}

// Who changes an address sets the old one free for somebody else.
func TestAnUpdateSetsItsUniqueValueFree(t *testing.T) {
	r := newRig(t)
	r.append(crm("1", `{"id":"1","email":"a@x.org"}`), crm("2", `{"id":"2","email":"b@x.org"}`))
	r.append(crm("1", `{"id":"1","email":"c@x.org"}`))
	r.append(crm("2", `{"id":"2","email":"a@x.org"}`))
	r.append(crm("3", `{"id":"3","email":"b@x.org"}`), crm("4", `{"id":"4","email":"c@x.org"}`))
	if got := r.outcomes(); got != "map[processed:5 quarantined:1 received:6]" {
		t.Errorf("outcomes %s", got)
	}
}

// A record that a mended contract allows comes out of quarantine, once.
func TestReplayAfterTheContractIsMended(t *testing.T) {
	r := newRig(t)
	r.append(web("x", `{"type":"track","event":"Order","userId":"1","properties":{"sku":"tea","n":1}}`),
		web("y", `{"type":"track","event":"Order","userId":"1","properties":{}}`))
	var held []state.QuarantinedRecord
	list := func() {
		r.view(func(tx *state.Tx) (err error) {
			held, err = tx.QuarantineList(r.ctx, state.QuarantineFilter{Status: "open"})
			return err
		})
	}
	list()
	if len(held) != 1 {
		t.Fatalf("held %d", len(held))
	}
	r.append(pipeline.ReplayEntry(held[0], r.clock.Now())) // still broken
	list()
	if len(held) != 1 {
		t.Fatalf("a broken record left the quarantine")
	}
	r.applyYAML(replaceOnce(agreement, "required: true}\n---\nkind: DataContract", "required: false}\n---\nkind: DataContract"))
	r.append(pipeline.ReplayEntry(held[0], r.clock.Now()), pipeline.ReplayEntry(held[0], r.clock.Now()))
	list()
	if len(held) != 0 || r.outcomes() != "map[processed:2 quarantined:0 received:2]" {
		t.Errorf("held %d, outcomes %s", len(held), r.outcomes())
	}
}

// An audience that looks at events nobody looked at before sees the whole past.
func TestANewAudienceSeesThePastThroughTheLake(t *testing.T) {
	r := newRig(t)
	r.append(crm("1", `{"id":"1","email":"a@x.org","opt_in":"Y"}`),
		web("a", `{"type":"track","event":"Viewed","userId":"1","properties":{"page":"tea"}}`))
	if h := r.document("user_id", "1").History; len(h) != 0 {
		t.Fatalf("the history keeps what no audience can see: %v", h)
	}
	r.applyYAML(agreement + `
---
{kind: audience, name: viewers, owner: it, where: {event: {name: Viewed, where: [{property: page, op: is, value: tea}]}}}
`)
	if got := r.sizes(); got != "map[known:1 viewers:1]" {
		t.Errorf("sizes %s", got)
	}
}

func TestEndedActivationTakesEveryoneOffTheList(t *testing.T) {
	r := newRig(t)
	r.append(crm("1", `{"id":"1","email":"a@x.org","opt_in":"Y"}`))
	r.applyYAML(replaceOnce(agreement, `{kind: activation, name: offer,`, `{kind: activation, name: offer2,`))
	if d := r.delivery("offer", "user_id", "1"); d.Want || d.Reason != "the activation ended" {
		t.Errorf("the old activation still wants %+v", d.Member)
	}
	if d := r.delivery("offer2", "user_id", "1"); !d.Want {
		t.Errorf("the new one does not want %+v", d.Member)
	}
}

func replaceOnce(s, old, replacement string) string {
	out := strings.Replace(s, old, replacement, 1)
	if out == s {
		panic("the text to replace is not there")
	}
	return out
}

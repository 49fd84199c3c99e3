package api_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/client"
	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/contract"
	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/lifecycle"
	"parley/internal/person"
	"parley/internal/state"
	"parley/internal/state/sqlitestate"
	"parley/internal/workspace"
)

const (
	adminToken = "the-admin-token-of-the-tests"
	askToken   = "the-ask-token-of-the-tests-too"
)

var journalTime = time.Date(2011, 12, 1, 9, 0, 0, 0, time.UTC)

// installation is an API over a real store, with stand-ins for what the server provides.
type installation struct {
	url    string
	file   string // of the database
	admin  *client.Client
	store  *state.Store
	ws     *workspace.Compiled
	log    *lockedBuffer
	mu     sync.Mutex
	rows   []api.RowsRequest
	nudged []string
	sick   error
	refuse error // what Rows answers
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func files(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "workspace.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"workspace.yaml": string(raw)}
}

// empty is an installation before its first workspace.
func empty(t *testing.T) *installation {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state.db")
	store, err := sqlitestate.Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	in := &installation{file: file, store: store, log: &lockedBuffer{}}
	tokens, err := auth.NewTokens(adminToken, askToken)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.New(api.Options{
		Store: store, Workspace: func() *workspace.Compiled { in.mu.Lock(); defer in.mu.Unlock(); return in.ws },
		Clock: lifecycle.NewManual(journalTime.Add(time.Hour)), Tokens: tokens,
		Logger: slog.New(slog.NewTextHandler(in.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Apply:  in.apply, Replay: in.replay, Rows: in.takeRows,
		Nudge:   func(d string) { in.mu.Lock(); defer in.mu.Unlock(); in.nudged = append(in.nudged, d) },
		Healthy: func(context.Context) error { return in.sick },
		Pending: func(context.Context) (map[string]int64, error) { return map[string]int64{"web": 2}, nil },
	}))
	t.Cleanup(server.Close)
	in.url = server.URL
	in.admin = client.New(server.URL, adminToken, client.WithHTTPClient(server.Client()))
	return in
}

func (in *installation) apply(ctx context.Context, canonical []byte, author string) (int64, error) {
	w, err := workspace.Decode(canonical)
	if err != nil {
		return 0, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	version := int64(1)
	if in.ws != nil {
		version = in.ws.Version + 1
	}
	if in.ws, err = w.Compile(version); err != nil {
		return 0, err
	}
	return version, in.store.Update(ctx, state.Durable, func(tx *state.Tx) error {
		return tx.PutWorkspace(ctx, state.WorkspaceVersion{Version: version, Digest: in.ws.Digest, Author: author, At: journalTime, Body: canonical})
	})
}

// replay lets records go whose id is even.
func (in *installation) replay(ctx context.Context, records []state.QuarantinedRecord) error {
	return in.store.Update(ctx, state.Replayable, func(tx *state.Tx) error {
		for _, r := range records {
			if r.ID%2 == 0 {
				if err := tx.MarkReplayed(ctx, []int64{r.ID}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (in *installation) takeRows(_ context.Context, _ string, rows api.RowsRequest) (api.RowsResult, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.refuse != nil {
		return api.RowsResult{}, in.refuse
	}
	in.rows = append(in.rows, rows)
	return api.RowsResult{Accepted: int64(len(rows.Rows))}, nil
}

// seeded is an installation with three people:
//
//	1 ada@example.org, bought two days ago, granted newsletter; 4 was merged into her
//	2 bob@example.org, never bought, denied newsletter
//	3 a visitor without an address who bought
func seeded(t *testing.T) *installation {
	t.Helper()
	in := empty(t)
	ctx := context.Background()
	if _, err := in.admin.ApplyWorkspace(ctx, files(t), "crm-team"); err != nil {
		t.Fatal(err)
	}
	err := in.store.Update(ctx, state.Durable, func(tx *state.Tx) error {
		if err := tx.SetProgress(ctx, state.Progress{Position: 7, Clock: journalTime, NextPerson: 5, NextAssertion: 3}); err != nil {
			return err
		}
		if err := in.seedPeople(ctx, tx); err != nil {
			return err
		}
		if err := seedStories(ctx, tx); err != nil {
			return err
		}
		return seedDeliveries(ctx, tx)
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func (in *installation) seedPeople(ctx context.Context, tx *state.Tx) error {
	bought := event.Event{Source: "web", ID: "o-1", Name: "Order", Time: journalTime.AddDate(0, 0, -2), Properties: map[string]any{"sku": "A"}}
	people := []struct {
		id     int64
		nodes  []event.Identifier
		events []event.Event
	}{
		{1, []event.Identifier{{Namespace: "user_id", Value: "17"}, {Namespace: "email", Value: "ada@example.org"}}, []event.Event{
			{Source: "crm", ID: "17", Name: "record", Time: journalTime.AddDate(0, 0, -9), Traits: map[string]any{"first_name": "Ada"},
				Consents: map[string]bool{"newsletter": true}}, bought}},
		{2, []event.Identifier{{Namespace: "email", Value: "bob@example.org"}}, []event.Event{
			{Source: "crm", ID: "18", Name: "record", Time: journalTime.AddDate(0, 0, -8), Traits: map[string]any{"first_name": "Bob"},
				Consents: map[string]bool{"newsletter": false}}}},
		{3, []event.Identifier{{Namespace: "anonymous_id", Value: "v-3"}}, []event.Event{bought}},
	}
	for _, p := range people {
		doc := person.New(p.nodes[0])
		for i := range p.events {
			doc.Fold(in.ws.Person, &p.events[i], p.nodes, journalTime)
		}
		answers, next := in.ws.Audiences.Evaluate(doc.Subject(in.ws.Person, p.nodes), journalTime, nil, allChanged)
		var memberships []state.Membership
		for _, m := range doc.Settle(answers, journalTime, false) {
			memberships = append(memberships, state.Membership{Audience: m.Audience, Person: p.id, Since: m.Since})
		}
		raw, err := doc.Encode()
		if err != nil {
			return err
		}
		var nodes []state.Identifier
		for i, n := range p.nodes {
			nodes = append(nodes, state.Identifier{Identifier: n, Person: p.id, FirstSeen: journalTime.AddDate(0, 0, -9+i)})
		}
		for _, step := range []error{
			tx.PutPeople(ctx, []state.Person{{ID: p.id, Doc: raw}}), tx.PutIdentifiers(ctx, nodes),
			tx.PutMemberships(ctx, memberships), tx.PutTimers(ctx, []state.Timer{{Person: p.id, At: next}}),
		} {
			if step != nil {
				return step
			}
		}
	}
	return tx.Merge(ctx, []state.Alias{{Person: 4, Survivor: 1, At: journalTime}})
}

func seedStories(ctx context.Context, tx *state.Tx) error {
	ada, mail := event.Identifier{Namespace: "user_id", Value: "17"}, event.Identifier{Namespace: "email", Value: "ada@example.org"}
	hour := journalTime.Truncate(time.Hour)
	held := make([]state.QuarantinedRecord, 3)
	for i := range held {
		held[i] = state.QuarantinedRecord{ID: int64(i + 1), Source: "crm", EventID: fmt.Sprint("row-", i+1), Kind: journal.Record, ReceivedAt: journalTime,
			Payload: []byte(`{"id":"","email":"held@example.org"}`), Status: "open",
			Violations: []contract.Violation{{Rule: "required", Field: "id", Shape: "empty", Message: "id is missing."}}}
	}
	held[2].Payload = []byte("not json")
	for _, step := range []error{
		tx.AddAssertions(ctx, []state.Assertion{{A: ada, B: mail, Source: "crm", Seq: 1, EventID: "17", At: journalTime, N: 2, LastAt: journalTime}}),
		tx.PutReceipts(ctx, []state.Receipt{{Key: event.Key{Source: "crm", ID: "a/b"}, Position: 3, Index: 1, ReceivedAt: journalTime,
			Outcome: state.Processed, Person: 4, Duplicates: 2}}),
		tx.PutQuarantined(ctx, held),
		tx.AddCounts(ctx, map[state.CounterKey]int64{
			{Source: "web", Hour: hour, Outcome: "received"}: 5, {Source: "web", Hour: hour, Outcome: state.Processed}: 4,
			{Source: "web", Hour: hour, Outcome: state.Duplicate}: 1,
			{Source: "crm", Hour: hour, Outcome: "received"}:      4, {Source: "crm", Hour: hour, Outcome: state.Quarantined}: 3,
		}),
	} {
		if step != nil {
			return step
		}
	}
	return nil
}

func seedDeliveries(ctx context.Context, tx *state.Tx) error {
	fields := map[string]string{"email": "ada@example.org"}
	rows := []state.Delivery{
		{Destination: "mail", Mode: destination.Include, Member: delivery.Member{Activation: "mail-buyers", Person: 1, Version: 1, Want: true,
			Fields: fields, Attempts: 10, Handed: 1, Dead: "The destination refused the entry."}},
		{Destination: "mail", Mode: destination.Include, Member: delivery.Member{Activation: "mail-buyers", Person: 4, Version: 1, Reason: "merged",
			Acked: 1, Handed: 1}},
	}
	if err := tx.PutDeliveries(ctx, rows); err != nil {
		return err
	}
	return tx.AppendDisclosures(ctx, state.Decisions, []state.Disclosure{
		{At: journalTime, Person: 4, Activation: "mail-buyers", Destination: "mail", Purpose: "newsletter", Decision: "released", Ground: "consent", Version: 1},
		{At: journalTime, Person: 2, Activation: "mail-buyers", Destination: "mail", Purpose: "newsletter", Decision: "refused", Ground: "denied", Version: 1},
		{At: journalTime, Person: 1, Activation: "mail-buyers", Destination: "mail", Purpose: "newsletter", Decision: "released", Ground: "consent", Version: 1},
	})
}

func contains(list []string, part string) bool {
	for _, s := range list {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

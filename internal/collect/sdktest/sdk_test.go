package sdktest

import (
	"errors"
	"math"
	"net/http/httptest"
	"testing"
	"time"

	rudder "github.com/rudderlabs/analytics-go/v4"
	segment "github.com/segmentio/analytics-go/v3"

	"parley/internal/collect"
	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/source"
)

// intake is a server before a journal in memory.
func intake(t *testing.T) (url string, events func() []event.Event) {
	j := journal.New(journaltest.NewMemory(), journal.Options{})
	keys := collect.SourcesFunc(func(key string) (source.Spec, bool) {
		return source.Spec{Name: "shop"}, key == "k-shop"
	})
	server := httptest.NewServer(collect.New(j, keys, collect.Options{}))
	t.Cleanup(func() {
		server.Close()
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return server.URL, func() []event.Event { return parsed(t, j) }
}

// parsed reads the journal the way the pipeline does.
func parsed(t *testing.T, j *journal.Journal) []event.Event {
	last, err := j.Last(t.Context())
	if err != nil || last == 0 {
		t.Fatalf("the journal has %d blocks, %v", last, err)
	}
	var all []event.Event
	for reader := j.Reader(0); reader.Position() < last; {
		blocks, err := reader.Next(t.Context(), math.MaxInt32, math.MaxInt32)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			for _, e := range b.Entries {
				ev, err := event.Parse(e.Payload, event.Receipt{Source: e.Source, ID: e.ID, ReceivedAt: e.ReceivedAt, SentAt: e.SentAt})
				if err != nil {
					t.Errorf("%s: %v", e.Payload, err)
				}
				all = append(all, ev)
			}
		}
	}
	return all
}

// check holds each event to how it was sent: in this order, so long ago, about u1.
func check(t *testing.T, events []event.Event, age time.Duration, version string, want ...string) {
	t.Helper()
	if len(events) != len(want) {
		t.Fatalf("%d events, want %d", len(events), len(want))
	}
	for i, e := range events {
		if e.Name != want[i] || e.Source != "shop" {
			t.Errorf("event %d is %q from %q, want %q", i, e.Name, e.Source, want[i])
		}
		if got := e.ReceivedAt.Sub(e.Time); got < age-time.Second || got > age+30*time.Second {
			t.Errorf("%s happened %v before the receipt, want %v", e.Name, got, age)
		}
		if lib, _ := e.Context["library"].(map[string]any); lib["name"] != "analytics-go" || lib["version"] != version {
			t.Errorf("%s has the library %v, want analytics-go %s", e.Name, lib, version)
		}
		if len(e.Identifiers) == 0 || e.Identifiers[0].Value != "u1" {
			t.Errorf("%s has the identifiers %v", e.Name, e.Identifiers)
		}
	}
}

func TestSegmentGo(t *testing.T) {
	url, events := intake(t)
	result := &outcome{}
	client, err := segment.NewWithConfig("k-shop", segment.Config{Endpoint: url, BatchSize: 10, Callback: result})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Minute)
	enqueue := errors.Join(
		client.Enqueue(segment.Identify{UserId: "u1", Timestamp: at, Traits: segment.NewTraits().SetEmail("ada@example.org")}),
		client.Enqueue(segment.Track{UserId: "u1", Event: "Order Completed", Timestamp: at, Properties: segment.NewProperties().SetRevenue(9.5)}),
		client.Enqueue(segment.Page{UserId: "u1", Name: "Home", Timestamp: at}),
		client.Enqueue(segment.Screen{UserId: "u1", Name: "Home", Timestamp: at}),
		client.Enqueue(segment.Group{UserId: "u1", GroupId: "g1", Timestamp: at}),
		client.Enqueue(segment.Alias{UserId: "u1", PreviousId: "u0", Timestamp: at}),
	)
	if err := errors.Join(enqueue, client.Close()); err != nil {
		t.Fatal(err)
	}
	if result.succeeded != 6 || result.failed != 0 {
		t.Errorf("the SDK saw %d succeed and %d fail", result.succeeded, result.failed)
	}
	check(t, events(), time.Minute, "3.0.0", "identify", "Order Completed", "page", "screen", "group", "alias")
}

// outcome counts what the SDK believes. The SDK calls it before Close returns.
type outcome struct{ succeeded, failed int }

func (o *outcome) Success(segment.Message)        { o.succeeded++ }
func (o *outcome) Failure(segment.Message, error) { o.failed++ }

func TestRudderGo(t *testing.T) {
	url, events := intake(t)
	client, err := rudder.NewWithConfig("k-shop", rudder.Config{DataPlaneUrl: url, BatchSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Minute)
	enqueue := errors.Join(
		client.Enqueue(rudder.Identify{UserId: "u1", OriginalTimestamp: at, Traits: rudder.NewTraits().SetEmail("ada@example.org")}),
		client.Enqueue(rudder.Track{UserId: "u1", Event: "Order Completed", OriginalTimestamp: at}),
		client.Enqueue(rudder.Page{UserId: "u1", Name: "Home", OriginalTimestamp: at}),
	)
	if err := errors.Join(enqueue, client.Close()); err != nil {
		t.Fatal(err)
	}
	// This SDK sets sentAt to the event's own time, so that the sender's clock
	// cannot be told: Segment's rule then dates every event to its receipt.
	check(t, events(), 0, "4.2.0", "identify", "Order Completed", "page")
}

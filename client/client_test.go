package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answering returns a client of a server that always answers the same, and the last request.
func answering(t *testing.T, status int, header http.Header, body string) (*Client, *http.Request, *[]byte) {
	t.Helper()
	var last http.Request
	var sent []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last = *r
		sent, _ = io.ReadAll(r.Body)
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return New(server.URL+"/", "a-token"), &last, &sent
}

func TestErrorsCarryKindAndWait(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		header  http.Header
		body    string
		kind    string
		message string
		wait    time.Duration
	}{
		{"ours", 429, http.Header{"Retry-After": {"2"}}, `{"error":{"kind":"busy","message":"Slow down."}}`, "busy", "Slow down.", 2 * time.Second},
		{"of a proxy", 502, nil, "<html>", "internal", "Bad Gateway", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _, _ := answering(t, c.status, c.header, c.body)
			_, err := client.Status(context.Background())
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Kind != c.kind || Kind(err) != c.kind || e.Message != c.message || e.RetryAfter != c.wait || e.Status != c.status {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestSegmentsAreEscapedWhole(t *testing.T) {
	client, last, _ := answering(t, 200, nil, `{}`)
	if _, err := client.Receipt(context.Background(), "crm", "a/b?c#d%"); err != nil {
		t.Fatal(err)
	}
	if got := last.URL.EscapedPath(); got != "/v1/receipts/crm/a%2Fb%3Fc%23d%25" {
		t.Errorf("got %s", got)
	}
	if got := last.Header.Get("Authorization"); got != "Bearer a-token" {
		t.Errorf("got %s", got)
	}
}

func TestSDKCallsUseTheWriteKey(t *testing.T) {
	client, last, sent := answering(t, 200, nil, `OK`)
	at := time.Date(2011, 12, 1, 8, 0, 0, 0, time.UTC)
	err := client.Batch(context.Background(), "key", []Message{{"type": "track", "messageId": "1"}}, at)
	if err != nil {
		t.Fatal(err)
	}
	if user, password, ok := last.BasicAuth(); !ok || user != "key" || password != "" || last.URL.Path != "/v1/batch" {
		t.Errorf("got %q %q %v at %s", user, password, ok, last.URL.Path)
	}
	var body struct {
		Batch  []Message
		SentAt time.Time
	}
	if err := json.Unmarshal(*sent, &body); err != nil || len(body.Batch) != 1 || !body.SentAt.Equal(at) {
		t.Errorf("sent %s (%v)", *sent, err)
	}
	if err := client.Track(context.Background(), "key", Message{"messageId": "2"}); err != nil || last.URL.Path != "/v1/track" {
		t.Errorf("track went to %s (%v)", last.URL.Path, err)
	}
}

// An unreachable server must not put the identifier in the path into an error text.
func TestI12TransportErrorsDoNotShowThePath(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := New(server.URL, "a-token").Person(context.Background(), "email", "ada@example.org", false)
	if err == nil || strings.Contains(err.Error(), "ada") {
		t.Errorf("got %v", err)
	}
}

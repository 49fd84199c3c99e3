package collect_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/collect"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/journal/journaltest"
)

const oneEvent = `{"messageId":"1","type":"track","event":"A"}`

// No success before the driver has the block.
func TestI1AcceptedMeansDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, journal.Options{}, collect.Options{})
		release := r.driver.Hold()
		defer release()
		answered := make(chan *httptest.ResponseRecorder, 1)
		go func() { answered <- r.post("/v1/batch", `{"batch":[`+oneEvent+`,`+oneEvent+`]}`) }()
		<-r.driver.Arrived()
		synctest.Wait() // until nothing but the release can change anything
		select {
		case w := <-answered:
			t.Fatalf("answered %d before the block was stored", w.Code)
		default:
		}
		release()
		if w := <-answered; w.Code != 200 || len(r.stored(t)) != 2 {
			t.Errorf("answered %d with %d stored", w.Code, len(r.stored(t)))
		}
	})
}

func TestI1FailureIsNeverSuccess(t *testing.T) {
	tests := []struct {
		name       string
		err        error
		code       int
		retryAfter string
	}{
		{"down", journaltest.ErrDown, 503, "5"},
		{"busy", fault.New(fault.Busy, "test", "Slow down."), 429, "1"},
		{"timeout", context.DeadlineExceeded, 503, "1"},
		{"unknown", errors.New("surprise"), 500, ""},
		{"too large for a block", fault.New(fault.TooLarge, "test", "Too large."), 413, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, journal.Options{}, collect.Options{})
			for _, breakIt := range []func(error){r.driver.FailAppends, r.driver.FailAfterStoring} {
				breakIt(tt.err)
				w := r.post("/v1/track", oneEvent)
				if w.Code != tt.code || w.Header().Get("Retry-After") != tt.retryAfter {
					t.Errorf("answered %d, Retry-After %q; want %d, %q", w.Code, w.Header().Get("Retry-After"), tt.code, tt.retryAfter)
				}
				r.driver.Heal()
			}
			if w := r.post("/v1/track", oneEvent); w.Code != 200 {
				t.Errorf("answered %d after healing", w.Code)
			}
			if got := r.counted(t); got["parley_collect_requests_total "+strconv.Itoa(tt.code)] != 2 || got["parley_collect_events_total"] != 1 {
				t.Errorf("counted %v", got)
			}
		})
	}
}

// Back-pressure of a real journal reaches the sender.
func TestBusyJournal(t *testing.T) {
	r := newRig(t, journal.Options{MaxPendingBytes: 100}, collect.Options{})
	release := r.driver.Hold()
	defer release()
	first := make(chan int)
	go func() { first <- r.post("/v1/track", oneEvent).Code }()
	<-r.driver.Arrived()
	w := r.post("/v1/track", oneEvent)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Errorf("answered %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	release()
	if code := <-first; code != 200 || len(r.stored(t)) != 1 {
		t.Errorf("the first was answered %d, %d stored", code, len(r.stored(t)))
	}
}

func TestDeadline(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{})
	release := r.driver.Hold()
	defer release()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/track", strings.NewReader(oneEvent))
	req.Header.Set("Authorization", basic("k-web"))
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d", w.Code)
	}
}

func TestClosedJournal(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{})
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if w := r.post("/v1/track", oneEvent); w.Code != 503 {
		t.Errorf("answered %d", w.Code)
	}
}

// A journal that is down must not fill the log.
func TestFailuresAreLoggedSparingly(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t, journal.Options{}, collect.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	r.driver.FailAppends(journaltest.ErrDown)
	for range 50 {
		r.post("/v1/track", `{"userId":"ada@example.org"}`)
	}
	r.clock.Advance(time.Minute)
	r.post("/v1/track", oneEvent)
	if lines := strings.Count(log.String(), "\n"); lines != 2 || !strings.Contains(log.String(), "not_logged=49") {
		t.Errorf("logged %d lines:\n%s", lines, &log)
	}
	if strings.Contains(log.String(), "ada@") {
		t.Error("the log quotes a body (I12)")
	}
}

func TestCounters(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{})
	r.post("/v1/batch", `{"batch":[1,2,3]}`)
	r.post("/v1/batch", `{`)
	r.driver.FailAppends(journaltest.ErrDown)
	r.post("/v1/batch", `{"batch":[1]}`)
	want := map[string]float64{
		"parley_collect_body_bytes_total":   31,
		"parley_collect_events_total":       3,
		"parley_collect_requests_total 200": 1,
		"parley_collect_requests_total 400": 1,
		"parley_collect_requests_total 503": 1,
	}
	if got := r.counted(t); !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

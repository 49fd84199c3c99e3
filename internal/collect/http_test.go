package collect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"parley/internal/collect"
	"parley/internal/journal"
	"parley/internal/journal/journaltest"
)

// Over a real connection: the client gets the answer to a body that is far too
// large, not a broken connection that it would try again.
func TestTooLargeIsAnsweredOverAConnection(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{})
	server := httptest.NewServer(r)
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	for _, length := range []int64{10 << 20, -1} { // announced, and in chunks
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/batch",
			io.MultiReader(strings.NewReader(strings.Repeat(" ", 10<<20))))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		req.Header.Set("Authorization", basic("k-web"))
		answer, err := server.Client().Do(req)
		if err != nil {
			t.Fatalf("length %d: %v", length, err)
		}
		if answer.Body.Close(); answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("length %d: answered %d", length, answer.StatusCode)
		}
	}
}

// BenchmarkHTTP has client and server on the same cores, and beside it a server
// that only reads the body. The journal's driver is memory.
func BenchmarkHTTP(b *testing.B) {
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte(`{"success":true}`))
	})
	const one = `{"messageId":"m-%d","type":"track","event":"Product Added","anonymousId":"0d6f9c1e-8c39-4a54-9c1b-1b2f8f0c9f11","timestamp":"2026-03-01T11:59:58.005Z","properties":{"product_id":"SKU-4711","name":"Winter tyre","price":129.9,"quantity":4,"currency":"EUR"},"context":{"page":{"path":"/tyres/winter","title":"Winter tyres"},"locale":"de-DE"}}`
	batch := `{"sentAt":"2026-03-01T11:59:58.005Z","batch":[` + fmt.Sprintf(one, 0)
	for i := range 99 {
		batch += "," + fmt.Sprintf(one, i+1)
	}
	batch += "]}"
	for _, load := range []struct {
		name, path, body string
		events           int
	}{
		{"batch", "/v1/batch", batch, 100},
		{"single", "/v1/track", fmt.Sprintf(one, 0), 1},
	} {
		b.Run(load.name+"/bare", func(b *testing.B) { drive(b, bare, load.path, load.body, load.events) })
		b.Run(load.name+"/collect", func(b *testing.B) {
			j := journal.New(forgetful{journaltest.NewMemory()}, journal.Options{})
			defer j.Close()
			drive(b, collect.New(j, webKey, collect.Options{}), load.path, load.body, load.events)
		})
	}
}

// forgetful keeps nothing, so that a benchmark does not fill the memory.
type forgetful struct{ *journaltest.Memory }

// Append forgets the block.
func (forgetful) Append(context.Context, []byte) (journal.Position, error) { return 1, nil }

func drive(b *testing.B, handler http.Handler, path, body string, events int) {
	server := httptest.NewServer(handler)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, _ := http.NewRequest(http.MethodPost, server.URL+path, bytes.NewReader([]byte(body)))
			req.Header.Set("Authorization", basic("k-web"))
			answer, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			if answer.Body.Close(); answer.StatusCode != 200 {
				b.Errorf("answered %d", answer.StatusCode)
			}
		}
	})
	b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
}

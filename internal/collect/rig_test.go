package collect_test

import (
	"bytes"
	"encoding/base64"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"parley/internal/collect"
	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lifecycle"
	"parley/internal/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// rig is a handler before a real journal on a driver that can be broken.
type rig struct {
	*collect.Handler
	driver   *journaltest.Faulty
	journal  *journal.Journal
	registry *prometheus.Registry
	clock    *lifecycle.Manual
}

func newRig(t testing.TB, journalOpts journal.Options, opts collect.Options) *rig {
	t.Helper()
	r := &rig{
		driver:   journaltest.Break(journaltest.NewMemory()),
		registry: prometheus.NewRegistry(),
		clock:    lifecycle.NewManual(noon),
	}
	r.journal = journal.New(r.driver, journalOpts)
	t.Cleanup(func() {
		if err := r.journal.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	opts.Clock, opts.Registry = r.clock, r.registry
	r.Handler = collect.New(r.journal, webKey, opts)
	return r
}

var webKey = collect.SourcesFunc(func(key string) (source.Spec, bool) {
	if key == "k-web" {
		return source.Spec{Name: "web", Kind: source.HTTP, WriteKey: key}, true
	}
	return source.Spec{}, false
})

// basic is the Authorization header of a write key, in the form of the SDKs.
func basic(key string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":"))
}

// send makes a request with the key k-web. Headers are "Name: value"; an empty value removes one.
func (r *rig) send(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "http://parley.example/", strings.NewReader(body))
	req.URL.Path, req.URL.RawQuery, _ = strings.Cut(path, "?")
	req.Header.Set("Authorization", basic("k-web"))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Del(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

func (r *rig) post(path, body string, headers ...string) *httptest.ResponseRecorder {
	return r.send(http.MethodPost, path, body, headers...)
}

// stored returns everything in the journal.
func (r *rig) stored(t testing.TB) []journal.Entry {
	t.Helper()
	last, err := r.journal.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []journal.Entry
	for reader := r.journal.Reader(0); reader.Position() < last; {
		blocks, err := reader.Next(t.Context(), math.MaxInt32, math.MaxInt32)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			all = append(all, b.Entries...)
		}
	}
	return all
}

// payloads are the stored payloads as text.
func (r *rig) payloads(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, e := range r.stored(t) {
		all = append(all, string(e.Payload))
	}
	return all
}

// counted are the counters by name and labels.
func (r *rig) counted(t testing.TB) map[string]float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			all[name] = m.GetCounter().GetValue()
		}
	}
	return all
}

func packed(t testing.TB, body []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

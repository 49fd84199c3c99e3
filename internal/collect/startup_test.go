package collect_test

import (
	"net/http"
	"testing"

	"parley/internal/collect"
	"parley/internal/journal"
)

func TestStartUpDocuments(t *testing.T) {
	const (
		segment = `{"integrations":{"Segment.io":{"apiHost":"parley.example/v1","apiKey":"k-web","protocol":"http"}},"metrics":{"sampleRate":0}}`
		secure  = `{"integrations":{"Segment.io":{"apiHost":"parley.example/v1","apiKey":"k-web","protocol":"https"}},"metrics":{"sampleRate":0}}`
		rudder  = `{"source":{"config":{},"dataplanes":{},"destinations":[],"enabled":true,"id":"web","name":"web","workspaceId":"parley","writeKey":"k-web"}}`
	)
	tests := []struct {
		name, method, path, header string
		code                       int
		body                       string
	}{
		{"segment", "GET", "/v1/projects/k-web/settings", "Authorization: ", 200, segment},
		{"segment behind a proxy", "GET", "/v1/projects/k-web/settings", "X-Forwarded-Proto: https", 200, secure},
		{"segment, double slashes", "GET", "//v1/projects//k-web/settings", "Authorization: ", 200, segment},
		{"segment, unknown key", "GET", "/v1/projects/k-old/settings", "Authorization: ", 401, ""},
		{"segment, no key", "GET", "/v1/projects/settings", "Authorization: ", 404, ""},
		{"segment, wrong method", "POST", "/v1/projects/k-web/settings", "Authorization: ", 405, ""},
		{"rudder, key in the query", "GET", "/sourceConfig/?p=npm&v=3&build=modern&writeKey=k-web", "Authorization: ", 200, rudder},
		{"rudder, key in the header", "GET", "/sourceConfig", "Authorization: Basic ay13ZWI6", 200, rudder},
		{"rudder, no key", "GET", "/sourceConfig/", "Authorization: ", 401, ""},
		{"rudder, ad blocker probe", "HEAD", "/sourceConfig/?view=ad", "Authorization: ", 204, ""},
		{"rudder, wrong method", "POST", "/sourceConfig/", "Authorization: ", 405, ""},
		{"collecting with GET", "GET", "/v1/track", "Authorization: ", 405, ""},
		{"cluster-info", "GET", "/cluster-info", "Authorization: ", 404, ""},
		{"unknown call", "POST", "/v1/merge", "Authorization: ", 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, journal.Options{}, collect.Options{})
			w := r.send(tt.method, tt.path, "", tt.header)
			if w.Code != tt.code || (tt.body != "" && w.Body.String() != tt.body) {
				t.Errorf("answered %d %s, want %d %s", w.Code, w.Body, tt.code, tt.body)
			}
			if tt.code == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestCORS(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{})
	const asked = "AnonymousId, SentAt, Authorization, Rsa-Is-Retried"
	w := r.send(http.MethodOptions, "/v1/track", "", "Authorization: ", "Origin: https://shop.example",
		"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: "+asked)
	for header, want := range map[string]string{
		"Access-Control-Allow-Origin":      "https://shop.example",
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Headers":     asked,
		"Access-Control-Max-Age":           "900",
		"Access-Control-Allow-Methods":     "GET, HEAD, POST, OPTIONS",
	} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	if w.Code != http.StatusNoContent {
		t.Errorf("preflight answered %d", w.Code)
	}
	// A page must be able to read refusals, too: else the SDK sees a network error and repeats.
	for path, code := range map[string]int{"/v1/track": 200, "/v1/batch": 400, "/v1/nothing": 404} {
		w := r.post(path, oneEvent, "Origin: https://shop.example")
		if w.Code != code || w.Header().Get("Access-Control-Allow-Origin") != "https://shop.example" || w.Header().Get("Vary") != "Origin" {
			t.Errorf("%s answered %d with %v", path, w.Code, w.Header())
		}
	}
	if w := r.post("/v1/track", oneEvent); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("CORS without an Origin")
	}
}

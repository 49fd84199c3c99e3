package collect

import (
	"encoding/json"
	"net/http"
)

// segmentSettings answers what Segment's browser SDK fetches before its first
// event. Segment.io must stay the only integration: for any other one the SDK
// loads code from elsewhere. The rate of 0 stops its own metrics.
func (h *Handler) segmentSettings(w http.ResponseWriter, r *http.Request, key string) {
	if !isRead(r) {
		h.wrongMethod(w, r, "GET, HEAD, OPTIONS")
		return
	}
	if _, err := h.sourceByKey(key); err != nil {
		h.fail(w, r, err)
		return
	}
	protocol := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		protocol = "https"
	}
	h.document(w, map[string]any{
		"integrations": map[string]any{
			"Segment.io": map[string]any{"apiKey": key, "apiHost": r.Host + "/v1", "protocol": protocol},
		},
		"metrics": map[string]any{"sampleRate": 0},
	})
}

// rudderConfig answers what RudderStack's browser SDK fetches before its first
// event. Its check for ad blockers is a HEAD without a key.
func (h *Handler) rudderConfig(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		h.metrics.answered(http.StatusNoContent)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if r.Method != http.MethodGet {
		h.wrongMethod(w, r, "GET, HEAD, OPTIONS")
		return
	}
	key := basicUser(r.Header.Get("Authorization"))
	if key == "" {
		key = r.URL.Query().Get("writeKey")
	}
	spec, err := h.sourceByKey(key)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.document(w, map[string]any{
		"source": map[string]any{
			"id": spec.Name, "name": spec.Name, "writeKey": key, "enabled": true, "workspaceId": "parley",
			"config": map[string]any{}, "destinations": []any{}, "dataplanes": map[string]any{},
		},
	})
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// document answers with JSON that must not be kept: a key may be withdrawn.
func (h *Handler) document(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil { // cannot be: the values are texts and empty lists
		h.answer(w, http.StatusInternalServerError, "The document could not be written.")
		return
	}
	w.Header()["Content-Type"] = jsonType
	w.Header().Set("Cache-Control", "no-cache")
	h.metrics.answered(http.StatusOK)
	_, _ = w.Write(body)
}

package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"parley/client"
)

func asError(t *testing.T, err error) *client.Error {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of the API", err)
	}
	return e
}

func (in *installation) do(t *testing.T, token, method, path, contentType, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, in.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(raw)
}

// operations reads method and path of every operation of the committed document.
func operations(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for path, item := range document.Paths {
		path = strings.NewReplacer("{", "", "}", "").Replace(path)
		for method, o := range item {
			out[o.OperationID] = strings.ToUpper(method) + " " + path
		}
	}
	if len(out) < 20 {
		t.Fatalf("the document has %d operations only", len(out))
	}
	return out
}

func TestEveryOperationNeedsItsToken(t *testing.T) {
	in := seeded(t)
	withAsk := map[string]bool{"ask": true} // a form's backend may ask, not read whole people (I6)
	for id, operation := range operations(t) {
		method, path, _ := strings.Cut(operation, " ")
		for token, want := range map[string]int{"": 401, "a-wrong-token-of-some-length": 401, askToken: 403} {
			res, body := in.do(t, token, method, path, "application/json", "")
			if id == "get-health" {
				want = 200
			}
			if token == askToken && withAsk[id] {
				if res.StatusCode == 401 || res.StatusCode == 403 {
					t.Errorf("%s refuses the ask token", id)
				}
				continue
			}
			if res.StatusCode != want {
				t.Errorf("%s with token %q answers %d, want %d", id, token, res.StatusCode, want)
			}
			if want > 200 && !strings.Contains(body, `"kind":"denied"`) {
				t.Errorf("%s answers %s", id, body)
			}
			if challenge := res.Header.Get("WWW-Authenticate"); (want == 401) != (challenge == "Bearer") {
				t.Errorf("%s challenges with %q at %d", id, challenge, want)
			}
		}
	}
}

func TestDescriptionNeedsNoToken(t *testing.T) {
	in := empty(t)
	for path, part := range map[string]string{"/openapi.json": `"openapi": "3.1.0"`, "/docs": "Which fields of a form need not be asked again"} {
		res, body := in.do(t, "", "GET", path, "", "")
		if res.StatusCode != 200 || !strings.Contains(body, part) {
			t.Errorf("%s answers %d without %s", path, res.StatusCode, part)
		}
	}
	res, body := in.do(t, "", "GET", "/v1/unknown/ada@example.org", "", "")
	if res.StatusCode != 404 || !strings.Contains(body, `"kind":"not_found"`) || strings.Contains(body, "ada") {
		t.Errorf("an unknown path answers %d %s", res.StatusCode, body)
	}
}

// Whatever is sent, no address of the data or of the request comes back in an
// error or is written to the log.
func TestI12NoAddressInErrorsOrLogs(t *testing.T) {
	in := seeded(t)
	const json, lines = "application/json", "application/x-ndjson"
	for _, c := range []struct{ name, method, path, contentType, body string }{
		{"unknown person", "GET", "/v1/people/email/secret@example.org", "", ""},
		{"undeclared namespace", "GET", "/v1/people/secret@example.org/1", "", ""},
		{"wrong query", "GET", "/v1/people/email/ada@example.org?why=secret@example.org", "", ""},
		{"wrong limit", "GET", "/v1/quarantine?limit=secret@example.org", "", ""},
		{"wrong status", "GET", "/v1/quarantine?status=secret@example.org", "", ""},
		{"wrong type", "POST", "/v1/ask", json, `{"form":"checkout","visitor":"secret@example.org"}`},
		{"surplus field", "POST", "/v1/ask", json, `{"form":"checkout","visitor":{"namespace":"email","value":"x"},"secret@example.org":1}`},
		{"unknown form", "POST", "/v1/ask", json, `{"form":"secret@example.org","visitor":{"namespace":"email","value":"x"}}`},
		{"broken JSON", "POST", "/v1/ask", json, `{"form": secret@example.org`},
		{"other media type", "POST", "/v1/ask", "text/secret", `secret@example.org`},
		{"bad condition", "POST", "/v1/audiences/preview", json, `{"where":{"trait":{"name":"city","op":"gt","value":{"a":"secret@example.org"}}}}`},
		{"bad row", "POST", "/v1/sources/crm/rows", lines, `{"id":"1"}` + "\n" + `{"email":"secret@example.org",`},
		{"row of another form", "POST", "/v1/sources/crm/rows", lines, `"secret@example.org"`},
		{"unknown source", "POST", "/v1/sources/secret@example.org/rows", lines, `{}`},
		{"unknown receipt", "GET", "/v1/receipts/web/secret@example.org", "", ""},
		{"bad sum", "PUT", "/v1/sources/crm/imports/secret@example.org", json, `{"name":"secret@example.org","read":1,"sent":1,"malformed":0}`},
		{"wrong file", "POST", "/v1/workspace/validate", json, `{"files":{"secret@example.org":1}}`},
		{"unknown activation", "POST", "/v1/deliveries/retry", json, `{"activation":"secret@example.org"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := in.do(t, adminToken, c.method, c.path, c.contentType, c.body)
			if res.StatusCode < 400 || res.StatusCode >= 500 {
				t.Errorf("answers %d %s", res.StatusCode, body)
			}
			var failure client.Failure
			if err := decodeStrictly(body, &failure); err != nil || failure.Error.Kind == "" || failure.Error.Message == "" {
				t.Errorf("answers %s (%v)", body, err)
			}
			if strings.Contains(body, "secret") || strings.Contains(body, "@example.org") {
				t.Errorf("the error shows a value: %s", body)
			}
		})
	}
	// A request that fails inside: the store is gone.
	_ = in.store.Close()
	res, body := in.do(t, adminToken, "GET", "/v1/people/email/ada@example.org", "", "")
	if res.StatusCode < 500 || strings.Contains(body, "ada") || strings.Contains(body, "sql") {
		t.Errorf("answers %d %s", res.StatusCode, body)
	}
	log := in.log.String()
	if !strings.Contains(log, "operation=get-person") {
		t.Errorf("the failure is not in the log: %s", log)
	}
	for _, value := range []string{"@example.org", "secret", adminToken} {
		if strings.Contains(log, value) {
			t.Errorf("the log holds %q", value)
		}
	}
}

func decodeStrictly(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

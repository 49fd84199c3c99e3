package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/client"
)

func tokens(t *testing.T, w *world) {
	xaver := w.someone("xaver")
	w.send(t, identify("token-1", xaver, map[string]any{"email": xaver.Email}))
	w.settle(t)
	ask := strings.TrimSpace(readFile(t, filepath.Join(w.options.Data, "ask-token")))
	person, status := "/v1/people/email/"+xaver.Email, "/v1/status"
	for _, c := range []struct {
		name, path, token string
		want              int
	}{
		{"a person without a token", person, "", 401},
		{"a person with a wrong token", person, "not-the-token-of-anybody", 401},
		{"a person with the ask token", person, ask, 403},
		{"a person with the admin token", person, w.token, 200},
		{"the status with the ask token", status, ask, 403},
		{"disclosures with the ask token", person + "/disclosures", ask, 403},
		{"the status with the admin token", status, w.token, 200},
		{"profiles without a token", "/debug/pprof/", "", 401},
		{"profiles with the ask token", "/debug/pprof/", ask, 401},
		{"profiles with the admin token", "/debug/pprof/", w.token, 200},
		{"health without a token", "/v1/health", "", 200},
	} {
		a := w.do(t, request{method: http.MethodGet, path: c.path, token: c.token})
		if a.status != c.want {
			t.Errorf("%s: %d, want %d", c.name, a.status, c.want)
		}
		if c.want >= 400 && (strings.Contains(a.body, "qx") || !strings.Contains(a.body, `"kind":"denied"`)) {
			t.Errorf("%s: %s", c.name, a.body)
		}
	}
}

func asking(t *testing.T, w *world) {
	yves := w.someone("yves")
	w.send(t, identify("ask-1", yves, map[string]any{"email": yves.Email, "first_name": yves.First, "city": "Nice"}))
	w.settle(t)
	before, err := w.api.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	web := client.New(w.url, strings.TrimSpace(readFile(t, filepath.Join(w.options.Data, "ask-token"))),
		client.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	ask := func(r client.AskRequest) client.AskAnswer {
		t.Helper()
		a, err := web.Ask(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	visitor := client.Identifier{Namespace: "user_id", Value: yves.ID}
	a := ask(client.AskRequest{Form: "checkout", Visitor: visitor})
	if len(a.Known) != 2 || a.Known["first_name"].Value != yves.First || a.Known["email"].Value != yves.Email ||
		a.Known["email"].Source != "site" || fmt.Sprint(a.Ask) != "[birth_date]" || a.Avoided != 2 || a.Repeated != 0 {
		t.Errorf("checkout: %+v", a)
	}
	if a := ask(client.AskRequest{Form: "checkout", Visitor: visitor, Asked: true}); a.Repeated != 2 || a.Avoided != 0 {
		t.Errorf("a form that has asked already: %+v", a)
	}
	// The prize draw is advertising, which nobody agreed to.
	if a := ask(client.AskRequest{Form: "prize-draw", Visitor: visitor}); len(a.Known) != 0 || len(a.Ask) != 2 {
		t.Errorf("prize draw without consent: %+v", a)
	}
	stranger := client.Identifier{Namespace: "user_id", Value: "u-nobody"}
	if a := ask(client.AskRequest{Form: "checkout", Visitor: stranger}); len(a.Known) != 0 || len(a.Ask) != 3 {
		t.Errorf("a stranger: %+v", a)
	}
	after, err := w.api.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for outcome, want := range map[string]int64{"avoided": 2, "repeated": 2} {
		if got := after.Asks["checkout"][outcome] - before.Asks["checkout"][outcome]; got != want {
			t.Errorf("checkout counts %d %s, want %d", got, outcome, want)
		}
	}
	var answer *client.Error
	if _, err := web.Ask(t.Context(), client.AskRequest{Form: "no-such-form", Visitor: visitor}); !errors.As(err, &answer) || answer.Kind != "not_found" {
		t.Errorf("a form that is not there: %v", err)
	}
}

// document is what of OpenAPI 3.1.0 these checks need (spec.openapis.org/oas/v3.1.0).
type document struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Parameters  []struct {
			Name, In string
			Required bool
		}
		Responses map[string]struct{ Description *string }
		Security  []map[string][]string
	}
	Components struct {
		Schemas         map[string]any
		SecuritySchemes map[string]struct{ Type string }
	}
}

var placeholder = regexp.MustCompile(`\{([^}]+)\}`)

func openAPI(t *testing.T, w *world) {
	page := w.do(t, request{method: http.MethodGet, path: "/docs"})
	if page.status != 200 || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") || !strings.Contains(page.body, "/v1/ask") {
		t.Errorf("/docs: %d %s", page.status, page.header.Get("Content-Type"))
	}
	raw := w.do(t, request{method: http.MethodGet, path: "/openapi.json"})
	var d document
	if err := json.Unmarshal([]byte(raw.body), &d); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || d.Info.Title == "" || d.Info.Version == "" || len(d.Paths) == 0 {
		t.Errorf("openapi %q, info %+v, %d paths", d.OpenAPI, d.Info, len(d.Paths))
	}
	structure(t, d)
	schemas(t, raw.body, d)
	everyOperationAnswers(t, w, d)
}

// structure checks what the specification demands of paths and operations.
func structure(t *testing.T, d document) {
	t.Helper()
	seen := map[string]bool{}
	for path, item := range d.Paths {
		for method, op := range item {
			where := method + " " + path
			if op.OperationID == "" || seen[op.OperationID] || op.Summary == "" || len(op.Responses) == 0 {
				t.Errorf("%s: operationId %q, summary %q, %d responses", where, op.OperationID, op.Summary, len(op.Responses))
			}
			seen[op.OperationID] = true
			for status, r := range op.Responses {
				if r.Description == nil {
					t.Errorf("%s: response %s has no description", where, status)
				}
			}
			declared := map[string]bool{}
			for _, p := range op.Parameters {
				if p.In == "path" && !p.Required {
					t.Errorf("%s: the path parameter %s is not required", where, p.Name)
				}
				declared[p.In+" "+p.Name] = true
			}
			for _, m := range placeholder.FindAllStringSubmatch(path, -1) {
				if !declared["path "+m[1]] {
					t.Errorf("%s: {%s} is not declared", where, m[1])
				}
			}
			for _, need := range op.Security {
				for name := range need {
					if d.Components.SecuritySchemes[name].Type == "" {
						t.Errorf("%s: the security scheme %s is not defined", where, name)
					}
				}
			}
		}
	}
}

// schemas compiles every schema as JSON Schema 2020-12, which OpenAPI 3.1 says
// they are; a reference that leads nowhere fails.
func schemas(t *testing.T, raw string, d document) {
	t.Helper()
	whole, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("openapi.json", whole); err != nil {
		t.Fatal(err)
	}
	for name := range d.Components.Schemas {
		if _, err := c.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("schema %s: %v", name, err)
		}
	}
	for _, m := range regexp.MustCompile(`"\$ref":\s*"([^"]+)"`).FindAllStringSubmatch(raw, -1) {
		name, ok := strings.CutPrefix(m[1], "#/components/schemas/")
		if !ok || d.Components.Schemas[name] == nil {
			t.Errorf("the reference %s leads nowhere", m[1])
		}
	}
}

// everyOperationAnswers calls every operation of the document with something
// that exists: it must be served, and none may fail.
func everyOperationAnswers(t *testing.T, w *world, d document) {
	t.Helper()
	zoe := w.someone("zoe")
	w.send(t, identify("openapi-1", zoe, map[string]any{"email": zoe.Email}))
	w.settle(t)
	files, err := json.Marshal(map[string]any{"files": w.files(t), "author": "e2e"})
	if err != nil {
		t.Fatal(err)
	}
	onlyFiles := body(t, map[string]any{"files": w.files(t)})
	sum := strings.Repeat("0", 64)
	values := map[string]string{"namespace": "user_id", "value": zoe.ID, "source": "site", "id": "openapi-1", "book": "decisions",
		"list-members name": "buyers", "name": "customers", "sha256": sum}
	bodies := map[string]string{
		"ask":              body(t, client.AskRequest{Form: "checkout", Visitor: client.Identifier{Namespace: "user_id", Value: zoe.ID}}),
		"preview-audience": `{"name":"buyers"}`, "replay-quarantine": `{"source":"visits"}`, "retry-deliveries": `{"activation":"fans-mail"}`,
		"validate-workspace": onlyFiles, "plan-workspace": onlyFiles, "apply-workspace": string(files),
		"send-rows": "\n", "put-import": `{"name":"empty.csv","read":0,"sent":0,"malformed":0}`,
	}
	// Puts come before gets, so that what is asked for is there.
	for _, methods := range [][]string{{"put", "post"}, {"get"}} {
		for path, item := range d.Paths {
			for _, method := range methods {
				op, ok := item[method]
				if !ok {
					continue
				}
				full := placeholder.ReplaceAllStringFunc(path, func(p string) string {
					name := strings.Trim(p, "{}")
					if v, ok := values[op.OperationID+" "+name]; ok {
						return v
					}
					return values[name]
				})
				r := request{method: strings.ToUpper(method), path: full, body: bodies[op.OperationID], token: w.token}
				if r.body != "" {
					r.header = map[string]string{"Content-Type": contentType(op.OperationID)}
				}
				if a := w.do(t, r); a.status != 200 {
					t.Errorf("%s (%s %s) answers %d %s", op.OperationID, method, path, a.status, a.body)
				}
			}
		}
	}
}

func contentType(operation string) string {
	if operation == "send-rows" {
		return "application/x-ndjson"
	}
	return "application/json"
}

// files are the workspace's files as the API takes them.
func (w *world) files(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, path := range paths {
		out[filepath.Base(path)] = readFile(t, path)
	}
	return out
}

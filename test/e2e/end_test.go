package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/client"
)

// stack checks that nothing was quietly replaced by its embedded counterpart.
func stack(t *testing.T, w *world) {
	status, err := w.api.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dialect := map[bool]string{true: "sqlite", false: "postgres"}[w.options.State == ""]
	journal, database := exists(filepath.Join(w.options.Data, "journal")), exists(filepath.Join(w.options.Data, "state.db"))
	if status.Dialect != dialect || journal != (w.options.Journal == "") || database != (w.options.State == "") {
		t.Errorf("the state is kept in %s; a journal in the data folder: %v, a database: %v", status.Dialect, journal, database)
	}
}

func metrics(t *testing.T, w *world) {
	if a := w.do(t, request{method: http.MethodGet, path: "/v1/health"}); a.status != 200 || !strings.Contains(a.body, `"ok"`) {
		t.Errorf("health: %d %s", a.status, a.body)
	}
	events := w.counter(t, "parley_collect_events_total")
	w.around(t, "metrics-1")
	if got := w.counter(t, "parley_collect_events_total"); got != events+1 || events == 0 {
		t.Errorf("one event moved the counter from %v to %v", events, got)
	}
	if w.counter(t, `parley_collect_requests_total{code="413"}`) == 0 || w.counter(t, "parley_collect_body_bytes_total") == 0 {
		t.Error("refused requests and bytes are not counted")
	}
}

// counter reads one line of the Prometheus text format.
func (w *world) counter(t *testing.T, name string) float64 {
	t.Helper()
	a := w.do(t, request{method: http.MethodGet, path: "/metrics"})
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (.+)$`).FindStringSubmatch(a.body)
	if a.status != 200 || m == nil {
		t.Fatalf("/metrics: %d without %s", a.status, name)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// balanced accounts for everything that all the scenarios have sent (I2).
func balanced(t *testing.T, w *world) {
	w.settle(t)
	c, err := w.api.Completeness(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range c.Sources {
		names[s.Source] = true
		if !s.Balanced || s.Received != s.Processed+s.Duplicate+s.Quarantined+s.Refused || s.Pending != 0 {
			t.Errorf("%+v does not balance", s)
		}
	}
	if !c.Total.Balanced || len(names) != 5 || c.Total.Received < 3000 {
		t.Errorf("the ledger has %v and in total %+v", names, c.Total)
	}
}

// passing is the audience that people leave by the minute.
const passing = "here-now"

// answers are what must not change by a restart, as JSON by name.
func (w *world) answers(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	keep := func(name string, v any, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(raw)
	}
	ctx := t.Context()
	for _, id := range w.private {
		if strings.HasPrefix(id, "u-") {
			p, err := w.api.Person(ctx, "user_id", id, true)
			if client.Kind(err) == "not_found" {
				continue
			}
			delete(p.Audiences, passing)
			if p.Why != nil {
				delete(p.Why.Audiences, passing)
			}
			keep("person "+id, p, err)
			d, err := w.api.Disclosures(ctx, "user_id", id)
			keep("disclosures "+id, withoutSlow(d), err)
		}
	}
	completeness, err := w.api.Completeness(ctx, "")
	keep("completeness", completeness, err)
	audiences, err := w.api.Audiences(ctx)
	for i := range audiences {
		audiences[i].NextChange = time.Time{}
		if audiences[i].Name == passing {
			audiences[i].Size = 0
		}
	}
	keep("audiences", audiences, err)
	quarantine, err := w.api.Quarantine(ctx, client.QuarantineQuery{Limit: 1000, Payload: true})
	keep("quarantine", quarantine, err)
	workspace, err := w.api.Workspace(ctx)
	keep("workspace", workspace, err)
	receipt, err := w.api.Receipt(ctx, "site", "ways-identify")
	keep("receipt", receipt, err)
	status, err := w.api.Status(ctx)
	keep("status", []any{status.People, status.Merges, status.WorkspaceVersion, status.Asks, status.Dialect}, err)
	deliveries, err := w.api.Deliveries(ctx)
	for i := range deliveries { // the hanging destination is tried again and again
		deliveries[i].Waiting, deliveries[i].InFlight = deliveries[i].Waiting+deliveries[i].InFlight, 0
	}
	keep("deliveries", deliveries, err)
	return out
}

// withoutSlow leaves out what is handed to the hanging destination, which goes on.
func withoutSlow(d client.PersonDisclosures) client.PersonDisclosures {
	lines := d.Disclosures
	d.Disclosures = nil
	for _, l := range lines {
		if l.Destination != "slow" {
			d.Disclosures = append(d.Disclosures, l)
		}
	}
	return d
}

// quiet returns when everything is processed and handed over, but for what hangs.
func (w *world) quiet(t *testing.T) {
	t.Helper()
	w.settle(t)
	for _, name := range []string{"mail", "files", "strict"} {
		eventually(t, "everything due is handed to "+name, func() bool {
			list, err := w.api.Deliveries(t.Context())
			for _, d := range list {
				if d.Destination == name && d.Waiting+d.InFlight > 0 {
					return false
				}
			}
			return err == nil
		})
	}
}

func restart(t *testing.T, w *world) {
	w.quiet(t)
	before := w.answers(t)
	handed := len(w.mail.Received())
	w.stop()
	if _, err := w.api.Status(context.WithoutCancel(t.Context())); err == nil {
		t.Fatal("the stopped server answers")
	}
	w.start()
	after := w.answers(t)
	for name, want := range before {
		if after[name] != want {
			t.Errorf("%s changed by the restart:\n%s\n%s", name, want, after[name])
		}
	}
	if len(after) != len(before) || len(before) < 40 {
		t.Errorf("%d answers before, %d after", len(before), len(after))
	}
	w.around(t, "restart-1")
	w.settle(t)
	w.receipt(t, "site", "restart-1", "processed")
	if n := len(w.mail.Received()); n != handed {
		t.Errorf("the restart made %d hand-overs", n-handed)
	}
}

// silentLog looks for everything personal that was sent (I12). It comes last.
func silentLog(t *testing.T, w *world) {
	w.stop()
	log := strings.ToLower(strings.Join(w.logs, "\n"))
	for _, l := range w.logs {
		if l == "" || len(l) >= 256<<10 {
			t.Fatalf("the log has %d bytes: there must be one, and the harness keeps 256 KiB of it", len(l))
		}
	}
	// Silence about people must not be silence about everything.
	for _, event := range []string{"a file was imported", "a file was refused", "a request was refused"} {
		if !strings.Contains(log, event) {
			t.Errorf("the log does not say %q", event)
		}
	}
	for _, value := range w.private {
		if value != "" && strings.Contains(log, strings.ToLower(value)) {
			t.Errorf("the log holds the personal value %q", value)
		}
	}
	for _, secret := range []string{w.token, strings.TrimPrefix(w.options.Env[0], "E2E_MAIL_SECRET=")} {
		if strings.Contains(log, strings.ToLower(secret)) {
			t.Error("the log holds a secret")
		}
	}
}

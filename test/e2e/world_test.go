package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/client"
	"parley/internal/destination/destinationtest"
	"parley/internal/lifecycle"
	"parley/test/binary"
)

// writeKey is that of the source site.
const writeKey = "e2e-site"

// soon bounds how long a scenario waits for what must come by itself.
const soon = 20 * time.Second

// world is one running server, its workspace and those who receive from it.
type world struct {
	suite   *testing.T // owns the processes, which outlive a scenario
	folder  string     // the workspace
	options binary.Options

	server     *binary.Process
	api        *client.Client
	url, token string
	logs       []string // of servers that were stopped

	mail   *destinationtest.WebhookSink
	strict *strictSink
	slow   *hangingSink

	people  int
	private []string // everything personal that was sent
}

func newWorld(t *testing.T, o binary.Options) *world {
	t.Helper()
	w := &world{suite: t, folder: t.TempDir(), options: o}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	var err error
	if w.mail, err = destinationtest.NewWebhookSink(secret, lifecycle.System{}); err != nil {
		t.Fatal(err)
	}
	w.strict, w.slow = newStrictSink(), newHangingSink()
	t.Cleanup(w.slow.release)
	w.copyWorkspace(t, map[string]string{"MAIL_URL": serve(t, w.mail), "STRICT_URL": serve(t, w.strict), "SLOW_URL": serve(t, w.slow)})
	w.options.Data, w.options.Workspace = t.TempDir(), w.folder
	w.options.Env = append(w.options.Env, "E2E_MAIL_SECRET="+secret)
	w.start()
	return w
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// copyWorkspace makes a workspace that a scenario may change.
func (w *world) copyWorkspace(t *testing.T, put map[string]string) {
	t.Helper()
	files, err := filepath.Glob("testdata/workspace/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/workspace cannot be read: %v", err)
	}
	for _, path := range files {
		text := readFile(t, path)
		for placeholder, value := range put {
			text = strings.ReplaceAll(text, placeholder, value)
		}
		writeFile(t, filepath.Join(w.folder, filepath.Base(path)), text)
	}
}

// start starts the server; it ends with the suite, not with a scenario.
func (w *world) start() {
	w.server = binary.Start(w.suite, w.options)
	w.api = w.server.Client(w.suite)
	var err error
	if w.url, err = w.server.URL(); err != nil {
		w.suite.Fatal(err)
	}
	w.token = strings.TrimSpace(readFile(w.suite, filepath.Join(w.options.Data, "token")))
}

// stop stops the server as an operator does; anything but exit code 0 fails.
func (w *world) stop() {
	w.server.Stop(w.suite)
	w.logs = append(w.logs, w.server.Log())
}

// someone is a person of one scenario.
type someone struct {
	ID, Anonymous, Email, First, Last string
}

// someone makes up a person nobody else is. The Qx lets their names be found in
// a log, where nothing else contains it.
func (w *world) someone(name string) someone {
	w.people++
	p := someone{
		ID:        fmt.Sprintf("u-qx%d-%s", w.people, name),
		Anonymous: fmt.Sprintf("a-qx%d-%s", w.people, name),
		Email:     fmt.Sprintf("%s.qx%d@private.example", name, w.people),
		First:     "Qx" + name,
		Last:      fmt.Sprintf("Qxson%d", w.people),
	}
	w.private = append(w.private, p.ID, p.Anonymous, p.Email, p.First, p.Last)
	return p
}

// cli runs a command against the world's data folder.
func (w *world) cli(t *testing.T, args ...string) binary.Result {
	t.Helper()
	return binary.Run(t, w.options.Env, append(args, "--data", w.options.Data)...)
}

// must runs a command that succeeds and says nothing on standard error.
func (w *world) must(t *testing.T, args ...string) string {
	t.Helper()
	r := w.cli(t, args...)
	if r.Code != 0 || r.Stderr != "" {
		t.Fatalf("parley %s: exit code %d, standard error %q", strings.Join(args, " "), r.Code, r.Stderr)
	}
	return r.Stdout
}

// send sends messages of their type, one by one.
func (w *world) send(t *testing.T, calls ...message) {
	t.Helper()
	for _, m := range calls {
		if err := w.api.Send(t.Context(), writeKey, m.call, m.body); err != nil {
			t.Fatalf("%s %v: %v", m.call, m.body["messageId"], err)
		}
	}
}

type message struct {
	call string
	body client.Message
}

// identify is an identify call of someone with traits.
func identify(id string, p someone, traits map[string]any) message {
	return message{"identify", client.Message{"messageId": id, "userId": p.ID, "traits": traits}}
}

// consenting adds what the person says about the newsletter.
func (m message) consenting(granted bool) message {
	m.body["context"] = map[string]any{"consent": map[string]any{"categoryPreferences": map[string]any{"newsletter": granted}}}
	return m
}

// track is a track call of someone.
func track(id string, p someone, event string, properties map[string]any) message {
	return message{"track", client.Message{"messageId": id, "userId": p.ID, "event": event, "properties": properties}}
}

// settle returns once everything accepted so far is processed.
func (w *world) settle(t *testing.T) {
	t.Helper()
	eventually(t, "everything accepted is processed", func() bool {
		c, err := w.api.Completeness(t.Context(), "")
		return err == nil && c.Total.Pending == 0
	})
}

// ledger accounts for one source after everything is processed.
func (w *world) ledger(t *testing.T, source string) client.SourceLedger {
	t.Helper()
	w.settle(t)
	c, err := w.api.Completeness(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Total.Balanced {
		t.Errorf("the ledger of %s does not balance: %+v", source, c.Total)
	}
	c.Total.Source = ""
	return c.Total
}

// gained is what one ledger has more than an earlier one.
func gained(before, after client.SourceLedger) client.SourceLedger {
	return client.SourceLedger{
		Received: after.Received - before.Received, Processed: after.Processed - before.Processed,
		Duplicate: after.Duplicate - before.Duplicate, Quarantined: after.Quarantined - before.Quarantined,
		Refused: after.Refused - before.Refused, Pending: after.Pending - before.Pending, Balanced: after.Balanced,
	}
}

// person reads a person that must be there.
func (w *world) person(t *testing.T, namespace, value string) client.Person {
	t.Helper()
	p, err := w.api.Person(t.Context(), namespace, value, true)
	if err != nil {
		t.Fatalf("person by %s: %v", namespace, err)
	}
	return p
}

// receipt reads a receipt and checks its outcome.
func (w *world) receipt(t *testing.T, source, id, outcome string) client.Receipt {
	t.Helper()
	r, err := w.api.Receipt(t.Context(), source, id)
	if err != nil {
		t.Fatalf("receipt %s: %v", id, err)
	}
	if r.Outcome != outcome {
		t.Errorf("receipt %s: outcome %s (%s), want %s", id, r.Outcome, r.Detail, outcome)
	}
	return r
}

// eventually waits for what must come by itself.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if err := binary.Await(ctx, done); err != nil {
		t.Fatalf("waited %v in vain: %s", soon, what)
	}
}

// request is one HTTP request as a sender may write it.
type request struct {
	method, path, body string
	header             map[string]string
	user               string // of basic authentication
	token              string
}

type answer struct {
	status int
	body   string
	header http.Header
}

func (w *world) do(t *testing.T, r request) answer {
	t.Helper()
	if r.method == "" {
		r.method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, w.url+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	if r.user != "" {
		req.SetBasicAuth(r.user, "")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer func() { _ = res.Body.Close() }() // everything that matters was read
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, string(body), res.Header}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

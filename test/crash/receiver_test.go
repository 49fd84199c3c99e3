package crash

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"

	"parley/internal/destination/csvfile"
	"parley/internal/destination/destinationtest"
	"parley/internal/destination/webhook"
	"parley/internal/lifecycle"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver is the other end of the webhook: a list per activation, and a memory
// of every batch that was sent, also of those that a kill cut off.
type receiver struct {
	*destinationtest.WebhookSink
	url string

	mu     sync.Mutex
	bodies map[string][]byte // by webhook-id
	calls  []string          // webhook-ids as they came
	broken []string          // ids that came with two contents
	hold   chan struct{}     // while not nil, answers wait for it
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	sink, err := destinationtest.NewWebhookSink(secret, lifecycle.System{})
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{WebhookSink: sink, bodies: map[string][]byte{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender was killed while it sent
	}
	id := req.Header.Get(webhook.HeaderID)
	r.mu.Lock()
	r.calls = append(r.calls, id)
	if before, ok := r.bodies[id]; ok && !bytes.Equal(before, body) {
		r.broken = append(r.broken, id)
	}
	r.bodies[id] = body
	hold := r.hold
	r.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-req.Context().Done():
			return // the sender was killed while it waited
		}
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.WebhookSink.ServeHTTP(w, req)
}

// once says whether anybody was ever on the list of an activation.
func (r *receiver) once(activation string) bool {
	for _, p := range r.Received() {
		if p.Activation == activation {
			return true
		}
	}
	return false
}

// holdBack makes hand-overs wait for their answer until release is called.
func (r *receiver) holdBack() (release func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hold := make(chan struct{})
	r.hold = hold
	return sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.hold = nil
		close(hold)
	})
}

// heard are the ids of all hand-overs so far, in order, repetitions included.
func (r *receiver) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.calls...)
}

// list returns what the members of an activation's list are known by, sorted.
func (r *receiver) list(activation string) []string {
	var out []string
	for _, e := range r.List(activation) {
		out = append(out, text(e.Fields))
	}
	sort.Strings(out)
	return out
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// fileLists reads a folder of CSV hand-overs as a receiver does: complete files
// only, in the order of their batches, every change by person.
func fileLists(t *testing.T, folder string) map[string][]string {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(folder, "*.manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files []csvfile.Manifest
	for _, path := range manifests {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var m csvfile.Manifest
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		files = append(files, m)
	}
	sort.Slice(files, func(i, j int) bool { return batchNumber(files[i].Batch) < batchNumber(files[j].Batch) })
	lists := map[string]map[string]string{}
	heard := map[string]int64{}
	for _, m := range files {
		foldFile(t, folder, m, lists, heard)
	}
	out := map[string][]string{}
	for activation, list := range lists {
		for _, fields := range list {
			out[activation] = append(out[activation], fields)
		}
		sort.Strings(out[activation])
	}
	return out
}

func batchNumber(id string) int {
	n, _ := strconv.Atoi(id[strings.LastIndex(id, "-")+1:])
	return n
}

func foldFile(t *testing.T, folder string, m csvfile.Manifest, lists map[string]map[string]string, heard map[string]int64) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, m.File))
	if err != nil {
		t.Fatalf("there is a manifest without its file: %v", err)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != m.SHA256 {
		t.Errorf("%s is not what its manifest says", m.File)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil || len(rows) != m.Rows+1 {
		t.Fatalf("%s: %v, %d rows, want %d", m.File, err, len(rows)-1, m.Rows)
	}
	list := lists[m.Activation]
	if list == nil {
		list = map[string]string{}
		lists[m.Activation] = list
	}
	for _, row := range rows[1:] {
		version, err := strconv.ParseInt(row[1], 10, 64)
		if key := m.Activation + " " + row[0]; err != nil || version < heard[key] {
			t.Errorf("%s: person %s went back to version %s (%v)", m.File, row[0], row[1], err)
		} else {
			heard[key] = version
		}
		fields := map[string]string{}
		for i, name := range rows[0] {
			if i >= 4 && row[i] != "" {
				fields[name] = csvfile.Unguard(row[i])
			}
		}
		if row[2] == "add" {
			list[row[0]] = text(fields)
		} else {
			delete(list, row[0])
		}
	}
}

// check reports what the receiver holds against the sender.
func (r *receiver) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.broken) > 0 {
		t.Errorf("batches came again with other content: %v", r.broken)
	}
	repeated := len(r.calls) - len(r.bodies)
	t.Logf("webhook: %d batches, %d of them came again", len(r.bodies), repeated)
}

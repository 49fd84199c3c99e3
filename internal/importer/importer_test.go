package importer

import (
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/internal/contract"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lifecycle"
	"parley/internal/source"
	"parley/internal/state"
	"parley/internal/workspace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var begin = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// crm is a source of customers whose key is the column id.
func crm(t testing.TB) *workspace.Source {
	t.Helper()
	return compiled(t, source.Mapping{
		Key: []string{"id"}, Event: "Customer",
		Identifiers: map[string]source.Column{"email": {Column: "email"}},
		Properties:  map[string]source.Column{"orders": {Column: "orders", Type: "integer"}},
		Time:        &source.TimeColumn{Column: "since", Formats: []string{"2006-01-02", "02.01.2006", "unix"}},
	})
}

func compiled(t testing.TB, m source.Mapping) *workspace.Source {
	t.Helper()
	spec := source.Spec{Name: "crm", Owner: "it", Kind: source.File, Contract: "crm", Object: "customer", Mapping: &m}
	mapping, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := (&contract.Spec{APIVersion: "v3.1.0", Kind: "DataContract", ID: "crm", Name: "crm", Version: "1.0.0", Status: "active",
		Schema: []contract.Object{{Name: "customer", Properties: []contract.Property{{Name: "id", LogicalType: "string", Required: true},
			{Name: "since", LogicalType: "timestamp"}}}}}).Compile()
	if err != nil {
		t.Fatal(err)
	}
	return &workspace.Source{Spec: spec, Mapping: mapping, Rules: rules}
}

func write(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zip(t testing.TB, dir, name, content string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// keeper is a sink in memory that does as told.
type keeper struct {
	mu      sync.Mutex
	kept    []journal.Entry
	appends int
	answer  func(appends int) error // nil: all is well
	after   bool                    // the answer is given although it was stored
}

func (k *keeper) Append(_ context.Context, entries ...journal.Entry) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.appends++
	var err error
	if k.answer != nil {
		err = k.answer(k.appends)
	}
	if err == nil || k.after {
		k.kept = append(k.kept, entries...)
	}
	return err
}

func (k *keeper) ids() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for _, e := range k.kept {
		out = append(out, e.ID)
	}
	return out
}

func down() error {
	return fault.New(fault.Unavailable, "test", "The disk is full; make room.")
}

// memory is a ledger in memory.
type memory struct {
	files map[string]state.ImportedFile
	err   error
}

func newMemory() *memory { return &memory{files: map[string]state.ImportedFile{}} }

func (m *memory) Imported(_ context.Context, source, sum string) (state.ImportedFile, bool, error) {
	f, found := m.files[source+sum]
	return f, found, m.err
}

func (m *memory) Record(_ context.Context, f state.ImportedFile) error {
	m.files[f.Source+f.SHA256] = f
	return m.err
}

// load imports a file that must go well, and returns its entries.
func load(t testing.TB, src *workspace.Source, path string) ([]journal.Entry, Report) {
	t.Helper()
	k := &keeper{}
	r, err := File(context.Background(), Options{Source: src, Path: path, Sink: k, Clock: lifecycle.NewManual(begin)})
	if err != nil {
		t.Fatal(err)
	}
	if r.Read != r.Sent || r.Sent != int64(len(k.kept)) {
		t.Fatalf("read %d, sent %d, kept %d (I2)", r.Read, r.Sent, len(k.kept))
	}
	return k.kept, r
}

// signalClock is a manual clock that says when someone begins to wait.
type signalClock struct {
	*lifecycle.Manual
	waits chan time.Duration
}

func newSignalClock() *signalClock {
	return &signalClock{Manual: lifecycle.NewManual(begin), waits: make(chan time.Duration)}
}

func (c *signalClock) After(d time.Duration) <-chan time.Time {
	ch := c.Manual.After(d)
	c.waits <- d
	return ch
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

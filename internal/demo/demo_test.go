package demo

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestDemoFindsWhatTheRawFilesSay plays the whole demo and compares every figure
// with examples/shop/expected.json, which a test of the example holds to SQL
// over the raw files.
func TestDemoFindsWhatTheRawFilesSay(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	d, err := Start(ctx, Options{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	summary, err := d.Play(ctx)
	if err != nil {
		t.Error(err)
	}
	data := d.Data()
	if err := d.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the temporary folder is still there: %v", err)
	}
	if summary == nil {
		return
	}
	got := figures(t, summary)
	for name, want := range expected(t) {
		if n, ok := got[name]; !ok || n != want {
			t.Errorf("%s: the demo says %v, the raw files %v", name, n, want)
		}
	}
	if summary.Seconds <= 0 {
		t.Error("the time it took is missing")
	}
}

// figures flattens a summary to the names of expected.json.
func figures(t *testing.T, s *Summary) map[string]float64 {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for name, v := range fields {
		if n, ok := v.(float64); ok {
			out[name] = n
		}
	}
	for name, n := range s.Audiences {
		out["audience:"+name] = float64(n)
	}
	for name, m := range s.Delivered {
		out["delivered:"+name+":include"] = float64(m.Include)
		out["delivered:"+name+":suppress"] = float64(m.Suppress)
	}
	return out
}

func expected(t *testing.T) map[string]float64 {
	t.Helper()
	raw, err := os.ReadFile("../../examples/shop/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields("orders_read orders_quarantined crm_rows events_accepted people merges " +
		"refused_by_consent wasted_offers_before wasted_offers_after asks_before asks_after") {
		if _, ok := want[name]; !ok {
			t.Errorf("expected.json lacks %s", name)
		}
	}
	return want
}

func TestDemoRefusesAFolderInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Data: dir, Listen: "127.0.0.1:0"})
	if fault.KindOf(err) != fault.Conflict {
		t.Fatalf("got %v, want a conflict", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "token")); err != nil {
		t.Error("the folder that was refused was changed")
	}
}

func TestReadListsTakesTheHighestVersion(t *testing.T) {
	data := t.TempDir()
	folder := filepath.Join(data, adsFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"win__b1.csv": "person,version,action,mode,email\n1,1,add,include,a\n2,1,add,include,b\n3,5,remove,include,\n",
		"win__b2.csv": "person,version,action,mode,email\n1,2,remove,include,\n3,4,add,include,c\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lists, err := readLists(data)
	if err != nil || len(lists["win"]) != 1 || !lists["win"]["2"] {
		t.Fatalf("got %v, %v; want only person 2", lists, err)
	}
}

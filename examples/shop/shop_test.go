package shop_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/goccy/go-yaml"

	"parley/examples/shop/shopdata"
)

// source is the real file, beside the repository; it is not part of it.
const source = "../../../shared/data/online_retail/online_retail.csv.gz"

// TestI4DataIsWhatTheGeneratorWrites holds every committed data file to the
// generator, byte for byte.
func TestI4DataIsWhatTheGeneratorWrites(t *testing.T) {
	if _, err := os.Stat(source); err != nil {
		t.Skipf("the UCI Online Retail file is not at %s", source)
	}
	out := t.TempDir()
	if err := shopdata.All(source, out); err != nil {
		t.Fatal(err)
	}
	for _, name := range shopdata.Files {
		want, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("data", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("data/%s is not what the generator writes; run it as examples/shop/generate says", name)
		}
	}
}

// TestShippedDataStaysSmall keeps the example under the 6 MB it may weigh.
func TestShippedDataStaysSmall(t *testing.T) {
	var total int64
	for _, name := range shopdata.Files {
		info, err := os.Stat(filepath.Join("data", name))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 6_000_000 {
		t.Errorf("the shipped data weighs %d bytes, the limit is 6,000,000", total)
	}
}

// TestExpectedFiguresComeFromTheRawFiles runs check.sql and compares every
// figure with expected.json.
func TestExpectedFiguresComeFromTheRawFiles(t *testing.T) {
	raw, err := os.ReadFile("expected.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	got := figures(t)
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: the raw files give %d, expected.json says %d", name, got[name], n)
		}
	}
	for name := range got {
		if _, known := want[name]; !known {
			t.Errorf("check.sql computes %s, which expected.json lacks", name)
		}
	}
}

// figures runs check.sql: its part setup as statements, every other part as one
// query with one number.
func figures(t *testing.T) map[string]int64 {
	t.Helper()
	script, err := os.ReadFile("check.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	conn, err := db.Conn(ctx) // temporary tables belong to one connection
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	out := map[string]int64{}
	for _, part := range regexp.MustCompile(`(?m)^-- name: `).Split(string(script), -1)[1:] {
		name, query, _ := strings.Cut(part, "\n")
		if name == "setup" {
			if _, err := conn.ExecContext(ctx, query); err != nil {
				t.Fatalf("setup: %v", err)
			}
			continue
		}
		var n int64
		if err := conn.QueryRowContext(ctx, query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = n
	}
	return out
}

// TestWrongsAreRealistic keeps the two wrongs in the data: some, not all.
func TestWrongsAreRealistic(t *testing.T) {
	got := figures(t)
	if share := float64(got["wasted_offers_before"]) / float64(got["campaign_rows"]); share < 0.10 || share > 0.25 {
		t.Errorf("%.0f %% of the planned offers are wasted, want 10 to 25", 100*share)
	}
	if got["asks_after"] >= got["asks_before"] || got["asks_before"] >= got["asks_total"] {
		t.Errorf("asks must fall: total %d, repeated before %d, after %d", got["asks_total"], got["asks_before"], got["asks_after"])
	}
	if got["wasted_offers_after"] >= got["wasted_offers_before"] {
		t.Errorf("wasted offers must fall: before %d, after %d", got["wasted_offers_before"], got["wasted_offers_after"])
	}
}

// TestWorkspaceNamesWhatItRefersTo reads the YAML as plain documents and checks
// names, owners and references, without the workspace package.
func TestWorkspaceNamesWhatItRefersTo(t *testing.T) {
	docs := documents(t)
	named := map[string]bool{}
	for _, d := range docs {
		kind, name := text(d["kind"]), text(d["name"])
		if kind == "" || name == "" {
			t.Fatalf("a document lacks kind or name: %v", d)
		}
		if named[kind+" "+name] {
			t.Errorf("%s %s is there twice", kind, name)
		}
		named[kind+" "+name] = true
	}
	for _, d := range docs {
		owner := text(d["owner"])
		if text(d["kind"]) == "DataContract" {
			team, _ := d["team"].(map[string]any)
			owner = text(team["name"])
		}
		if text(d["kind"]) != "team" && !named["team "+owner] {
			t.Errorf("%s %s: there is no team %q", d["kind"], d["name"], owner)
		}
		for field, kind := range map[string]string{"contract": "DataContract", "audience": "audience", "destination": "destination", "purpose": "purpose"} {
			if to := text(d[field]); to != "" && !named[kind+" "+to] {
				t.Errorf("%s %s: there is no %s %q", d["kind"], d["name"], kind, to)
			}
		}
	}
	for _, sku := range shopdata.Heroes {
		for _, want := range []string{"audience recent-buyers-" + sku, "activation suppress-" + sku + "-email-tool", "activation suppress-" + sku + "-ads-files"} {
			if !named[want] {
				t.Errorf("the workspace lacks %s", want)
			}
		}
	}
}

func documents(t *testing.T) []map[string]any {
	t.Helper()
	files, err := filepath.Glob("workspace/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workspace files: %v", err)
	}
	var docs []map[string]any
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(raw), "\n---\n") {
			d := map[string]any{}
			if err := yaml.Unmarshal([]byte(part), &d); err != nil {
				t.Fatalf("%s, document %d: %v", f, i+1, err)
			}
			docs = append(docs, d)
		}
	}
	return docs
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

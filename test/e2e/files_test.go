package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"parley/client"
)

// imported is what parley import --json says of one file.
type imported struct {
	Rows, Accepted, Malformed int64
	Skipped                   bool
}

// bringIn imports one file by the command line.
func (w *world) bringIn(t *testing.T, source, path string, flags ...string) imported {
	t.Helper()
	out := w.must(t, append([]string{"import", source, path, "--json"}, flags...)...)
	var answers []imported
	if err := json.Unmarshal([]byte(out), &answers); err != nil || len(answers) != 1 {
		t.Fatalf("import says %q: %v", out, err)
	}
	return answers[0]
}

const customersHead = "customer_id,email,first_name,last_name,city,points,birth_date,news,updated_at\n"

// customer is one row of the table of customers.
func customer(p someone, city, points, born, news, at string) string {
	return strings.Join([]string{p.ID, p.Email, p.First, p.Last, city, points, born, news, at}, ",") + "\n"
}

func filesComeInOnce(t *testing.T, w *world) {
	a, b, c := w.someone("carl"), w.someone("dora"), w.someone("emil")
	path := filepath.Join(t.TempDir(), "customers.csv")
	writeFile(t, path, customersHead+
		customer(a, "London", "10", "1980-02-01", "Y", "2026-01-01T10:00:00Z")+
		customer(b, "Paris", "20", "01/02/1980", "N", "2026-01-01T10:00:00Z")+
		customer(c, "Rome", "30", "1 Feb 1980", "", "2026-01-01T10:00:00Z"))
	start := w.ledger(t, "customers")
	if got := w.bringIn(t, "customers", path); got != (imported{Rows: 3, Accepted: 3}) {
		t.Fatalf("first import: %+v", got)
	}
	first := w.ledger(t, "customers")
	if got := gained(start, first); got != (client.SourceLedger{Received: 3, Processed: 3, Balanced: true}) {
		t.Fatalf("first import: %+v", got)
	}
	for _, p := range []someone{a, b, c} {
		got := w.person(t, "user_id", p.ID)
		if got.Traits["birth_date"].Value != "1980-02-01" || got.Traits["first_name"].Value != p.First || got.Traits["first_name"].Source != "customers" {
			t.Errorf("%s: %+v", p.First, got.Traits)
		}
	}
	if stand := w.person(t, "email", a.Email).Consents["newsletter"].Stand; stand != "granted" {
		t.Errorf("Y became %q", stand)
	}
	if stand := w.person(t, "email", b.Email).Consents["newsletter"].Stand; stand != "denied" {
		t.Errorf("N became %q", stand)
	}

	if got := w.bringIn(t, "customers", path); !got.Skipped || got.Accepted != 0 {
		t.Errorf("the same bytes again: %+v", got)
	}
	if again := w.ledger(t, "customers"); again != first {
		t.Errorf("the same bytes again changed the ledger from %+v to %+v", first, again)
	}
	if got := w.bringIn(t, "customers", path, "--again"); got != (imported{Rows: 3, Accepted: 3}) {
		t.Errorf("--again: %+v", got)
	}
	forced := w.ledger(t, "customers")
	if got := gained(first, forced); got != (client.SourceLedger{Received: 3, Duplicate: 3, Balanced: true}) {
		t.Errorf("--again: %+v", got)
	}
}

func changedRow(t *testing.T, w *world) {
	p, other := w.someone("fred"), w.someone("gina")
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "monday.csv"), customersHead+
		customer(p, "London", "10", "", "", "2026-01-01T10:00:00Z")+customer(other, "Oslo", "1", "", "", "2026-01-01T10:00:00Z"))
	writeFile(t, filepath.Join(dir, "tuesday.csv"), customersHead+
		customer(p, "Leeds", "11", "", "", "2026-01-02T10:00:00Z")+customer(other, "Oslo", "1", "", "", "2026-01-01T10:00:00Z"))
	w.bringIn(t, "customers", filepath.Join(dir, "monday.csv"))
	before := w.ledger(t, "customers")
	w.bringIn(t, "customers", filepath.Join(dir, "tuesday.csv"))
	after := w.ledger(t, "customers")
	if got := gained(before, after); got != (client.SourceLedger{Received: 2, Processed: 1, Duplicate: 1, Balanced: true}) {
		t.Errorf("one changed row of two: %+v", got)
	}
	got := w.person(t, "user_id", p.ID)
	if got.Traits["city"].Value != "Leeds" || fmt.Sprint(got.Traits["points"].Value) != "11" {
		t.Errorf("the changed row gave %+v", got.Traits)
	}
	w.receipt(t, "customers", got.Traits["city"].Event, "processed")
}

// card is a row of the Parquet file.
type card struct {
	Card     string `parquet:"card"`
	Customer string `parquet:"customer"`
	Tier     string `parquet:"tier"`
	Points   int64  `parquet:"points"`
}

func otherFormats(t *testing.T, w *world) {
	p := w.someone("hugo")
	dir := t.TempDir()
	lines := filepath.Join(dir, "visits.jsonl")
	writeFile(t, lines, body(t, map[string]any{"visit_id": "v1", "customer": p.ID, "store": "Leeds", "minutes": 12, "at": "2026-01-01T10:00:00Z"})+"\n"+
		body(t, map[string]any{"visit_id": "v2", "customer": p.ID, "store": "York", "minutes": 7, "at": "2026-01-02T10:00:00+01:00"})+"\n")
	columns := filepath.Join(dir, "cards.parquet")
	if err := parquet.WriteFile(columns, []card{{"k1", p.ID, "gold", 9007199254740993}}); err != nil {
		t.Fatal(err)
	}
	for source, path := range map[string]string{"visits": lines, "loyalty": columns} {
		before := w.ledger(t, source)
		first := w.bringIn(t, source, path)
		after := w.ledger(t, source)
		if got := gained(before, after); got.Processed != first.Rows || got.Received != first.Rows || first.Rows == 0 {
			t.Errorf("%s: %+v of %+v", source, got, first)
		}
		w.bringIn(t, source, path, "--again")
		again := w.ledger(t, source)
		if got := gained(after, again); got != (client.SourceLedger{Received: first.Rows, Duplicate: first.Rows, Balanced: true}) {
			t.Errorf("%s again: %+v", source, got)
		}
	}
	got := w.person(t, "user_id", p.ID)
	// 2^53+1: a reader that goes through floating point loses the last digit.
	if got.Traits["tier"].Value != "gold" || fmt.Sprint(got.Traits["points"].Value) != "9007199254740993" {
		t.Errorf("the Parquet row gave %+v", got.Traits)
	}
	if !got.FirstSeen.Before(got.LastSeen) {
		t.Errorf("seen from %v to %v, want the times of the visits", got.FirstSeen, got.LastSeen)
	}
}

// drop puts a file into the watched folder as a careful program does, and
// returns when it has left.
func (w *world) drop(t *testing.T, name, content string) {
	t.Helper()
	inbox := filepath.Join(w.options.Data, "inbox")
	if err := os.MkdirAll(inbox, 0o750); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(inbox, name+".part")
	writeFile(t, part, content)
	if err := os.Rename(part, filepath.Join(inbox, name)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watched file "+name+" is taken", func() bool { return !exists(filepath.Join(inbox, name)) })
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func watchedFolder(t *testing.T, w *world) {
	p := w.someone("iris")
	w.drop(t, "drop.csv", customersHead+customer(p, "Bath", "5", "", "", "2026-01-01T10:00:00Z"))
	if !exists(filepath.Join(w.options.Data, "inbox", "done", "drop.csv")) {
		t.Error("the file is not in done/")
	}
	w.settle(t)
	if got := w.person(t, "email", p.Email).Traits["city"]; got.Value != "Bath" || got.Source != "dropbox" {
		t.Errorf("the watched row gave %+v", got)
	}
	w.drop(t, "bad.csv", "customer_id,email,email\n1,2,3\n")
	why := filepath.Join(w.options.Data, "inbox", "failed", "bad.csv.error.txt")
	if text := readFile(t, why); !strings.Contains(text, "same name") || !strings.Contains(text, "rename one of them") {
		t.Errorf("the text beside the failed file: %q", text)
	}
}

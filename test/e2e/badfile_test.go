package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"parley/client"
)

// badFiles imports what people really have: files that are refused as a whole
// with a sentence, and files whose good rows come in beside their bad ones.
func badFiles(t *testing.T, w *world) {
	t.Run("refused as a whole", func(t *testing.T) { refusedFiles(t, w) })
	t.Run("odd and fine", func(t *testing.T) { oddFiles(t, w) })
	t.Run("bad rows wait in quarantine", func(t *testing.T) { badRows(t, w) })
	t.Run("bad lines wait in quarantine", func(t *testing.T) { unreadableRows(t, w) })
}

func refusedFiles(t *testing.T, w *world) {
	dir := t.TempDir()
	before := w.ledger(t, "customers")
	for _, c := range []struct{ name, content, says string }{
		{"empty.csv", "", "file is empty"},
		{"twice.csv", "customer_id,email,email\n1,2,3\n", "same name"},
		{"unnamed.csv", "customer_id,,city\n1,2,3\n", "has no name"},
		{"carriage.csv", "customer_id,city\r1,2\r", "carriage return"},
		{"cut.csv.gz", zipped(t, strings.Repeat(customersHead, 1000))[:60], "damaged"},
	} {
		path := filepath.Join(dir, c.name)
		writeFile(t, path, c.content)
		r := w.cli(t, "import", "customers", path)
		if r.Code != 3 || !strings.Contains(r.Stderr, c.says) || !strings.Contains(r.Stderr, c.name) {
			t.Errorf("%s: exit code %d, %q, want %q", c.name, r.Code, r.Stderr, c.says)
		}
	}
	parquet := filepath.Join(dir, "broken.parquet")
	writeFile(t, parquet, "PAR1 and nothing of it")
	if r := w.cli(t, "import", "loyalty", parquet); r.Code != 3 || !strings.Contains(r.Stderr, "Parquet") {
		t.Errorf("broken Parquet: exit code %d, %q", r.Code, r.Stderr)
	}
	if after := w.ledger(t, "customers"); after != before {
		t.Errorf("a refused file left something: %+v", gained(before, after))
	}
}

func oddFiles(t *testing.T, w *world) {
	dir := t.TempDir()
	for _, c := range []struct {
		name   string
		encode func(string) string
	}{
		{"bom.csv", func(s string) string { return "\ufeff" + s }},
		{"crlf.csv", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
		{"bom-crlf.csv", func(s string) string { return "\ufeff" + strings.ReplaceAll(s, "\n", "\r\n") }},
		{"utf16.csv", utf16Of},
		{"packed.csv.gz", func(s string) string { return zipped(t, s) }},
		{"no-end.csv", func(s string) string { return strings.TrimSuffix(s, "\n") }},
	} {
		p := w.someone("file" + strings.TrimSuffix(strings.ReplaceAll(c.name, ".", ""), "csv"))
		path := filepath.Join(dir, c.name)
		writeFile(t, path, c.encode(customersHead+customer(p, "Łódź", "9223372036854775808", "2 Jan 1970", "", "2026-01-01T10:00:00Z")))
		before := w.ledger(t, "customers")
		w.bringIn(t, "customers", path)
		if got := gained(before, w.ledger(t, "customers")); got != (client.SourceLedger{Received: 1, Processed: 1, Balanced: true}) {
			t.Errorf("%s: %+v", c.name, got)
			continue
		}
		traits := w.person(t, "user_id", p.ID).Traits
		if traits["city"].Value != "Łódź" || traits["birth_date"].Value != "1970-01-02" || text(traits["points"].Value) != "9223372036854775808" {
			t.Errorf("%s gave %+v", c.name, traits)
		}
	}
}

func text(v any) string {
	if s, ok := v.(interface{ String() string }); ok {
		return s.String()
	}
	s, _ := v.(string)
	return s
}

// badRows have a form but not the right content.
func badRows(t *testing.T, w *world) {
	good, date, points, keyless, later := w.someone("dina"), w.someone("egon"), w.someone("fay"), w.someone("gus"), w.someone("hal")
	keyless.ID = ""
	path := filepath.Join(t.TempDir(), "rows.csv")
	writeFile(t, path, customersHead+
		customer(good, "Bern", "1", "1970-01-02", "", "2026-01-01T10:00:00Z")+
		customer(date, "Bern", "1", "2.1.1970", "", "2026-01-01T10:00:00Z")+
		customer(points, "Bern", "many", "1970-01-02", "", "2026-01-01T10:00:00Z")+
		customer(keyless, "Bern", "1", "1970-01-02", "", "2026-01-01T10:00:00Z")+
		customer(later, "Bern", "1", "1970-01-02", "", "2999-01-01T10:00:00Z"))
	before := w.ledger(t, "customers")
	w.bringIn(t, "customers", path)
	if got := gained(before, w.ledger(t, "customers")); got != (client.SourceLedger{Received: 5, Processed: 2, Quarantined: 3, Balanced: true}) {
		t.Errorf("two good of five rows: %+v", got)
	}
	broken := map[string]int{}
	for _, r := range w.held(t, "customers") {
		for _, v := range r.Violations {
			broken[v.Rule+" "+v.Field]++
			if strings.Contains(v.Message+v.Shape, "2.1.1970") || strings.Contains(v.Message+v.Shape, "many") {
				t.Errorf("the violation shows the value: %+v", v)
			}
		}
	}
	for _, want := range []string{"type birth_date", "type points", "required customer_id"} {
		if broken[want] != 1 {
			t.Errorf("broken rules are %v, want one of %q", broken, want)
		}
	}
	if p := w.person(t, "user_id", later.ID); p.LastSeen.Year() == 2999 {
		t.Errorf("a row of 2999 gives last seen %v", p.LastSeen)
	}
}

// held are the open records of a source.
func (w *world) held(t *testing.T, source string) []client.Quarantined {
	t.Helper()
	page, err := w.api.Quarantine(t.Context(), client.QuarantineQuery{Source: source, Status: "open", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return page.Records
}

// unreadableRows have no form; each is held whole, and the rows around come in.
func unreadableRows(t *testing.T, w *world) {
	first, last := w.someone("ida"), w.someone("jan")
	row := func(p someone) string { return customer(p, "Linz", "1", "", "", "2026-01-01T10:00:00Z") }
	bad := map[string]string{
		"ragged": "only,three,cells\n", "long": strings.Repeat(",", 20) + "\n", "quote": "a,\"b\"c,,,,,,,\n",
		"nul": "x\x00y,,,,,,,,\n", "latin1": "Caf\xe9,,,,,,,,\n",
	}
	content := customersHead + row(first)
	for _, name := range []string{"ragged", "long", "quote", "nul", "latin1"} {
		content += bad[name]
	}
	content += row(last)
	before := w.ledger(t, "dropbox")
	w.drop(t, "mixed.csv", content)
	n := int64(len(bad))
	if got := gained(before, w.ledger(t, "dropbox")); got != (client.SourceLedger{Received: n + 2, Processed: 2, Quarantined: n, Balanced: true}) {
		t.Errorf("two good of %d lines: %+v", n+2, got)
	}
	for _, r := range w.held(t, "dropbox") {
		if len(r.Violations) != 1 || r.Violations[0].Rule != "format" || r.Violations[0].Message == "" || len(r.Payload) != 0 {
			t.Errorf("an unreadable line is held as %+v", r)
		}
	}
	for _, p := range []someone{first, last} {
		if got := w.person(t, "user_id", p.ID).Traits["city"].Value; got != "Linz" {
			t.Errorf("the row around gave %v", got)
		}
	}
	// The command line, which reads the file in another process, loses none either.
	path := filepath.Join(t.TempDir(), "mixed.csv")
	writeFile(t, path, content)
	before = w.ledger(t, "customers")
	if got := w.bringIn(t, "customers", path); got != (imported{Rows: n + 2, Accepted: n + 2, Malformed: n}) {
		t.Errorf("the same file by the command line: %+v", got)
	}
	if got := gained(before, w.ledger(t, "customers")); got != (client.SourceLedger{Received: n + 2, Processed: 2, Quarantined: n, Balanced: true}) {
		t.Errorf("the same file by the command line: %+v", got)
	}
}

package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lifecycle"
	"parley/internal/source"
	"parley/internal/source/table"
)

// TestI2BadRowsAreNotLost holds each kind of bad row to one entry at its place.
func TestI2BadRowsAreNotLost(t *testing.T) {
	long := "3," + strings.Repeat("x", table.MaxFieldBytes+1) + ",2026-01-03"
	for _, c := range []struct{ name, bad, reason string }{
		{"too few cells", "3,c@d.example", table.ReasonRagged},
		{"too many cells", "3,c@d.example,2026-01-03,more", table.ReasonRagged},
		{"a NUL character", "3,c\x00@d.example,2026-01-03", table.ReasonNUL},
		{"Latin-1", "3,J\xf6rg,2026-01-03", table.ReasonUTF8},
		{"a lost quote", `3,"c@d.example,2026-01-03`, table.ReasonQuote},
		{"an over-long cell", long, table.ReasonLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "id,email,since\r\n1,a@b.example,2026-01-01\r\n" + c.bad + "\r\n2,b@c.example,2026-01-02\r\n"
			got, r := load(t, crm(t), write(t, t.TempDir(), "in.csv", text))
			if r.Read != 3 || r.Malformed != 1 || got[0].ID != "1" || got[2].ID != "2" {
				t.Fatalf("report %+v, first %s, last %s", r, got[0].ID, got[2].ID)
			}
			if _, err := source.DecodeRow(got[1].Payload); fault.KindOf(err) != fault.Invalid {
				t.Errorf("the pipeline would not quarantine it: %v", err)
			}
			m, err := ReadMalformed(got[1].Payload)
			if err != nil || m.Line != 3 || m.Reason != c.reason || string(m.Raw) != c.bad {
				t.Errorf("got line %d, reason %s, %d bytes, %v", m.Line, m.Reason, len(m.Raw), err)
			}
			if !strings.Contains(m.Message, "3") || strings.Contains(m.Message, "example") {
				t.Errorf("the sentence is %q (I12)", m.Message)
			}
		})
	}
}

// TestI2RowsThatCannotBeWrittenAreNotLost: the file's reader takes the row, but
// the columns' names make it too long for a message.
func TestI2RowsThatCannotBeWrittenAreNotLost(t *testing.T) {
	name := strings.Repeat("n", table.MaxFieldBytes-1)
	header := fmt.Sprintf("id,%sa,%sb,%sc", name, name, name)
	cell := strings.Repeat("x", 200<<10)
	text := header + "\n1,," + cell + "," + cell + "\n2,,,\n"
	got, r := load(t, crm(t), write(t, t.TempDir(), "in.csv", text))
	if r.Read != 2 || r.Malformed != 1 || got[1].ID != "2" {
		t.Fatalf("report %+v", r)
	}
	m, err := ReadMalformed(got[0].Payload)
	if err != nil || m.Line != 2 || m.Reason != table.ReasonLong || len(m.Raw) != maxRawBytes {
		t.Errorf("got %d, %s, %d bytes, %v", m.Line, m.Reason, len(m.Raw), err)
	}
}

func TestGoodFiles(t *testing.T) {
	const rows = "1,a@b.example,2026-01-01\n2,,02.01.2026\n,c@d.example,1767398400\n"
	crlf := strings.ReplaceAll("id,email,since\n"+rows, "\n", "\r\n")
	jsonl := `{"id":"1","email":"a@b.example","since":"2026-01-01"}
{"id":"2","email":"","since":"02.01.2026"}

{"id":"","email":"c@d.example","since":"1767398400"}`
	dir := t.TempDir()
	for _, path := range []string{
		write(t, dir, "plain.csv", "id,email,since\n"+rows),
		write(t, dir, "crlf.csv", crlf),
		write(t, dir, "bom.csv", "\xef\xbb\xbf"+crlf),
		zip(t, dir, "zipped.csv.gz", crlf),
		write(t, dir, "tabs.tsv", strings.ReplaceAll("id,email,since\n"+rows, ",", "\t")),
		write(t, dir, "lines.jsonl", jsonl),
		parquetFile(t, dir),
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src := crm(t)
			got, r := load(t, src, path)
			keyless := source.ContentHash(source.Row{"id": "", "email": "c@d.example", "since": "1767398400"})
			if r.Read != 3 || r.Malformed != 0 {
				t.Fatalf("report %+v", r)
			}
			same(t, []string{got[0].ID, got[1].ID, got[2].ID}, []string{"1", "2", keyless})
			for i, e := range got {
				row, err := source.DecodeRow(e.Payload)
				if err != nil {
					t.Fatal(err)
				}
				mapped, wrong := src.Mapping.Apply(row, event.Receipt{Source: "crm", ID: e.ID, ReceivedAt: e.ReceivedAt})
				if want := time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC); !mapped.Time.Equal(want) || len(wrong) > 0 {
					t.Errorf("row %d: time %v, %v", i+1, mapped.Time, wrong)
				}
				if want := 1 - i%2; len(mapped.Identifiers) != want {
					t.Errorf("row %d: identifiers %v", i+1, mapped.Identifiers)
				}
			}
		})
	}
}

func parquetFile(t *testing.T, dir string) string {
	t.Helper()
	type row struct {
		ID    string `parquet:"id"`
		Email string `parquet:"email"`
		Since string `parquet:"since"`
	}
	path := filepath.Join(dir, "rows.parquet")
	if err := parquet.WriteFile(path, []row{{"1", "a@b.example", "2026-01-01"}, {"2", "", "02.01.2026"}, {"", "c@d.example", "1767398400"}}); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFilesRefusedAsAWhole(t *testing.T) {
	dir := t.TempDir()
	cut := zip(t, dir, "cut.csv.gz", "id,email\n"+strings.Repeat("1,a@b.example\n", 100))
	body, err := os.ReadFile(cut)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "cut.csv.gz", string(body[:len(body)-9]))
	for _, c := range []struct {
		name, path string
		max        int64
		kind       fault.Kind
		says       string
	}{
		{"a header twice", write(t, dir, "twice.csv", "id,email,id\n1,a,2\n"), 0, fault.Invalid, "Columns 1 and 3 of the header have the same name"},
		{"an empty file", write(t, dir, "empty.csv", ""), 0, fault.Invalid, "empty"},
		{"an unknown ending", write(t, dir, "in.xlsx", "id\n1\n"), 0, fault.Invalid, "format"},
		{"cut off", cut, 0, fault.Invalid, "damaged or cut off"},
		{"too large", write(t, dir, "large.csv", "id\n1\n2\n"), 5, fault.TooLarge, "split"},
		{"no file", filepath.Join(dir, "none.csv"), 0, fault.NotFound, "no such file"},
		{"a folder", dir, 0, fault.Invalid, "name a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger := newMemory()
			_, err := File(context.Background(), Options{Source: crm(t), Path: c.path, Sink: &keeper{}, MaxBytes: c.max,
				Clock: lifecycle.NewManual(begin), Ledger: ledger})
			if fault.KindOf(err) != c.kind || !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("got %v: %s", fault.KindOf(err), fault.Message(err))
			}
			if len(ledger.files) > 0 {
				t.Error("a file that failed counts as imported")
			}
		})
	}
}

func many(rows int) string {
	var b strings.Builder
	b.WriteString("id,email,since\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,%d@b.example,2026-01-01\n", i, i)
	}
	return b.String()
}

// TestOrderOfRowsIsOrderOfTheJournal goes through a real journal, which packs.
func TestOrderOfRowsIsOrderOfTheJournal(t *testing.T) {
	const rows = 3*chunkRows + 17
	driver := journaltest.NewMemory()
	j := journal.New(driver, journal.Options{})
	defer j.Close()
	var seen []Progress
	r, err := File(context.Background(), Options{Source: crm(t), Path: write(t, t.TempDir(), "in.csv", many(rows)), Sink: j,
		Clock: lifecycle.NewManual(begin), Progress: func(p Progress) { seen = append(seen, p) }})
	if err != nil || r.Sent != rows {
		t.Fatalf("report %+v, %v", r, err)
	}
	blocks, err := driver.Read(context.Background(), 0, 100, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range blocks {
		entries, err := journal.DecodeBlock(b.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.ID != fmt.Sprint(n) {
				t.Fatalf("entry %d has ID %s", n, e.ID)
			}
			n++
		}
	}
	if n != rows {
		t.Errorf("%d entries are in the journal", n)
	}
	if last := seen[len(seen)-1]; len(seen) != 4 || last != (Progress{Read: rows, Sent: rows, Offset: r.Bytes, Total: r.Bytes}) {
		t.Errorf("progress %+v", seen)
	}
}

// TestI1StoppedImportIsRepeated fails at each append in turn, with and without
// having stored, and imports again: each row is there at least once, a repeated
// one has the same ID and payload, and in the end the order is right.
func TestI1StoppedImportIsRepeated(t *testing.T) {
	const rows, chunks = 2*chunkRows + 5, 3
	src := crm(t)
	path := write(t, t.TempDir(), "in.csv", many(rows))
	for fail := 1; fail <= chunks; fail++ {
		for _, after := range []bool{false, true} {
			k := &keeper{after: after, answer: func(n int) error {
				if n == fail {
					return down()
				}
				return nil
			}}
			o := Options{Source: src, Path: path, Sink: k, Clock: lifecycle.NewManual(begin), Ledger: newMemory()}
			r, err := File(context.Background(), o)
			said := fmt.Sprintf("stopped after %d rows were accepted; import the same file again", (fail-1)*chunkRows)
			if fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Message(err), said) {
				t.Fatalf("got %v, %q", err, fault.Message(err))
			}
			if r.Sent != int64(fail-1)*chunkRows || r.Sent > int64(len(k.kept)) {
				t.Errorf("the report vouches for %d of %d rows", r.Sent, len(k.kept))
			}
			first := len(k.kept)
			if r, err = File(context.Background(), o); err != nil || r.Sent != rows || r.Skipped {
				t.Fatalf("the second try: %+v, %v", r, err)
			}
			for i, e := range k.kept[:first] {
				if again := k.kept[first+i]; again.ID != e.ID || string(again.Payload) != string(e.Payload) {
					t.Fatalf("row %d came again as another", i)
				}
			}
			if len(k.kept)-first != rows || k.kept[first+rows-1].ID != fmt.Sprint(rows-1) {
				t.Errorf("the second try sent %d rows", len(k.kept)-first)
			}
		}
	}
}

func TestBusySinkIsWaitedFor(t *testing.T) {
	clock := newSignalClock()
	k := &keeper{answer: func(n int) error {
		if n <= 7 {
			return fault.New(fault.Busy, "test", "Slow down.")
		}
		return nil
	}}
	done := make(chan error, 1)
	go func() {
		_, err := File(context.Background(), Options{Source: crm(t), Path: write(t, t.TempDir(), "in.csv", many(3)), Sink: k, Clock: clock})
		done <- err
	}()
	var waits []string
	for range 7 {
		d := <-clock.waits
		waits = append(waits, d.String())
		clock.Advance(d)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	same(t, waits, []string{"50ms", "100ms", "200ms", "400ms", "800ms", "1.6s", "2s"})
	same(t, k.ids(), []string{"0", "1", "2"})
}

func TestCancelledImportEnds(t *testing.T) {
	clock := newSignalClock()
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{answer: func(int) error { return fault.New(fault.Busy, "test", "Slow down.") }}
	done := make(chan error, 1)
	path := write(t, t.TempDir(), "in.csv", many(3*chunkRows))
	go func() {
		_, err := File(ctx, Options{Source: crm(t), Path: path, Sink: k, Clock: clock})
		done <- err
	}()
	<-clock.waits
	cancel()
	if err := <-done; fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSameBytesAreSkipped(t *testing.T) {
	dir := t.TempDir()
	k, ledger, clock := &keeper{}, newMemory(), lifecycle.NewManual(begin)
	o := Options{Source: crm(t), Path: write(t, dir, "a.csv", many(2)), Sink: k, Clock: clock, Ledger: ledger}
	steps := []struct {
		name, path string
		again      bool
		kept       int
	}{
		{"first", o.Path, false, 2},
		{"the same", o.Path, false, 2},
		{"the same under another name", write(t, dir, "b.csv", many(2)), false, 2},
		{"the same again on purpose", o.Path, true, 4},
		{"other bytes", write(t, dir, "c.csv", many(3)), false, 7},
	}
	for _, s := range steps {
		clock.Advance(time.Hour)
		o.Path, o.Again = s.path, s.again
		before := len(k.kept)
		r, err := File(context.Background(), o)
		if err != nil || len(k.kept) != s.kept || r.Skipped != (before == s.kept) {
			t.Errorf("%s: %d kept, %+v, %v", s.name, len(k.kept), r, err)
		}
		if r.Skipped && !r.ImportedAt.Equal(begin.Add(time.Hour)) {
			t.Errorf("%s: imported at %v", s.name, r.ImportedAt)
		}
	}
}

func TestBrokenLedgerIsNotTheFilesFault(t *testing.T) {
	ledger := newMemory()
	ledger.err = errors.New("no such table")
	o := Options{Source: crm(t), Path: write(t, t.TempDir(), "a.csv", many(2)), Sink: &keeper{}, Clock: lifecycle.NewManual(begin), Ledger: ledger}
	for _, again := range []bool{false, true} {
		o.Again = again
		if _, err := File(context.Background(), o); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
	}
}

// TestChangedRowIsAnUpdate: the same key with another content keeps its ID.
func TestChangedRowIsAnUpdate(t *testing.T) {
	dir, src := t.TempDir(), crm(t)
	a, _ := load(t, src, write(t, dir, "a.csv", "id,email,since\n1,a@b.example,2026-01-01\n2,b@c.example,2026-01-02\n"))
	b, _ := load(t, src, write(t, dir, "b.csv", "since,id,email\n2026-01-01,1,new@b.example\n2026-01-02,2,b@c.example\n"))
	if a[0].ID != b[0].ID || string(a[0].Payload) == string(b[0].Payload) {
		t.Errorf("the changed row: %s and %s", a[0].ID, b[0].ID)
	}
	if a[1].ID != b[1].ID || string(a[1].Payload) != string(b[1].Payload) {
		t.Error("the row that is the same, with its columns in another order, is not the same entry")
	}
}

func TestFileThatChangesWhileReadIsNotVouchedFor(t *testing.T) {
	path := write(t, t.TempDir(), "in.csv", many(3))
	ledger := newMemory()
	grow := &keeper{answer: func(int) error { return os.WriteFile(path, []byte(many(4)), 0o600) }}
	_, err := File(context.Background(), Options{Source: crm(t), Path: path, Sink: grow, Clock: lifecycle.NewManual(begin), Ledger: ledger})
	if fault.KindOf(err) != fault.Conflict || len(ledger.files) != 0 {
		t.Errorf("got %v, ledger %v", err, ledger.files)
	}
}

func TestPreview(t *testing.T) {
	path := write(t, t.TempDir(), "in.csv", "id,email,since,orders\n1,a@b.example,2026-01-01,3\n2,ragged\n"+
		",b@c.example,2026-01-01,\n4,c@d.example,soon,many\n5,,,\n")
	got, err := Preview(context.Background(), path, crm(t), 4, begin)
	if err != nil || len(got) != 4 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if got[0].ID != "1" || got[0].Event.Name != "Customer" || len(got[0].Violations) != 0 {
		t.Errorf("row 1: %+v", got[0])
	}
	if got[1].Line != 3 || !strings.Contains(got[1].Malformed, "cells") {
		t.Errorf("row 2: %+v", got[1])
	}
	if len(got[2].Violations) != 1 || got[2].Violations[0].Rule != "required" || got[2].Violations[0].Field != "id" {
		t.Errorf("row 3: %+v", got[2].Violations)
	}
	// The contract names one of the two, the mapping alone the other; none is named twice.
	var broken []string
	for _, v := range got[3].Violations {
		broken = append(broken, v.Field)
	}
	same(t, broken, []string{"since", "orders"})
}

// TestFailureEndsTheReading: what comes after a failed append is not even read.
func TestFailureEndsTheReading(t *testing.T) {
	k := &keeper{answer: func(int) error { return down() }}
	r, err := File(context.Background(), Options{Source: crm(t), Path: write(t, t.TempDir(), "in.csv", many(6*chunkRows)), Sink: k,
		Clock: lifecycle.NewManual(begin)})
	if err == nil || r.Read != 2*chunkRows || k.appends != 1 {
		t.Errorf("read %d rows, %d appends, %v", r.Read, k.appends, err)
	}
}

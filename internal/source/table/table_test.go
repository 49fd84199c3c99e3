package table

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"parley/internal/fault"
	"parley/internal/source"
)

// write puts a file into a temporary folder.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zip(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type read struct {
	rows  []source.Row
	lines []int64 // of the good rows
	bad   []*RowError
	err   error // what ended the reading, nil for io.EOF
}

func readAll(r Reader) (out read) {
	for {
		row, at, err := r.Next(context.Background())
		var bad *RowError
		switch {
		case errors.As(err, &bad):
			out.bad = append(out.bad, bad)
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			out.err = err
			return out
		default:
			out.rows, out.lines = append(out.rows, row), append(out.lines, at.Line)
		}
	}
}

func readFile(t testing.TB, path string, o Options) read {
	t.Helper()
	r, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	out := readAll(r)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return out
}

func wide(s string, little bool) []byte {
	out := []byte{0xFE, 0xFF}
	if little {
		out = []byte{0xFF, 0xFE}
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if little {
			out = append(out, byte(u), byte(u>>8))
		} else {
			out = append(out, byte(u>>8), byte(u))
		}
	}
	return out
}

func TestGoodCSV(t *testing.T) {
	two := []source.Row{{"a": "1", "b": "x"}, {"a": "2", "b": "é"}}
	for _, c := range []struct {
		name, file string
		content    []byte
		want       []source.Row
	}{
		{"plain", "f.csv", []byte("a,b\n1,x\n2,é\n"), two},
		{"no last line end", "f.csv", []byte("a,b\n1,x\n2,é"), two},
		{"CRLF", "f.csv", []byte("a,b\r\n1,x\r\n2,é\r\n"), two},
		{"CRLF with quotes", "f.csv", []byte("\"a\",b\r\n\"1\",x\r\n2,\"é\"\r\n"), two},
		{"CR at the very end", "f.csv", []byte("a,b\n1,x\n2,\"é\"\r"), two},
		{"byte order mark", "f.csv", []byte("\xEF\xBB\xBFa,b\n1,x\n2,é\n"), two},
		{"UTF-16 little", "f.csv", wide("a,b\r\n1,x\r\n2,é\r\n", true), two},
		{"UTF-16 big", "f.csv", wide("a,b\n1,x\n2,é\n", false), two},
		{"gzip", "f.csv.gz", zip(t, []byte("a,b\n1,x\n2,é\n")), two},
		{"gzip of UTF-16", "f.CSV.GZ", zip(t, wide("a,b\n1,x\n2,é\n", true)), two},
		{"tabs", "f.tsv", []byte("a\tb\n1\tx\n2\té\n"), two},
		{"blank lines", "f.csv", []byte("\n\r\na,b\n\n1,x\n\r\n2,é\n\n"), two},
		{"quotes", "f.csv", []byte("a,b\n\"1,\n\"\"2\"\"\",\"\"\n"), []source.Row{{"a": "1,\n\"2\"", "b": ""}}},
		{"empty cells", "f.csv", []byte("a,b\n,\n"), []source.Row{{"a": "", "b": ""}}},
		{"blanks are kept", "f.csv", []byte("a, b\n 1 ,x\n"), []source.Row{{"a": " 1 ", " b": "x"}}},
		{"header only", "f.csv", []byte("a,b"), nil},
		{"one column with an empty text", "f.csv", []byte("a\n\"\"\n"), []source.Row{{"a": ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readFile(t, write(t, c.file, c.content), Options{})
			if got.err != nil || len(got.bad) > 0 || !reflect.DeepEqual(got.rows, c.want) {
				t.Errorf("got %v, bad %v, error %v", got.rows, got.bad, got.err)
			}
		})
	}
}

// TestBadRowsDoNotEndTheReading also protects I2: the raw text of every bad row
// is handed on, and no good row after it is lost.
func TestBadRowsDoNotEndTheReading(t *testing.T) {
	long := strings.Repeat("x", MaxRecordBytes+10)
	for _, c := range []struct {
		name, file, content string
		reasons             []string
		badLines, goodLines []int64
		raw                 string // of the first bad row
	}{
		{"too few cells", "f.csv", "a,b\n1\n2,y\n", []string{ReasonRagged}, []int64{2}, []int64{3}, "1"},
		{"too many cells", "f.csv", "a,b\n1,2,3\n2,y\n", []string{ReasonRagged}, []int64{2}, []int64{3}, "1,2,3"},
		{"NUL", "f.csv", "a,b\n1,\x00\n2,y\n", []string{ReasonNUL}, []int64{2}, []int64{3}, "1,\x00"},
		{"Latin-1", "f.csv", "a,b\n1,M\xfcller\n2,y\n", []string{ReasonUTF8}, []int64{2}, []int64{3}, "1,M\xfcller"},
		{"bare quote", "f.csv", "a,b\n1,5\" pipe\n2,y\n", []string{ReasonQuote}, []int64{2}, []int64{3}, "1,5\" pipe"},
		{"text after a quote", "f.csv", "a,b\n1,\"x\"y\n2,y\n", []string{ReasonQuote}, []int64{2}, []int64{3}, "1,\"x\"y"},
		{"quote never closed", "f.csv", "a,b\r\n1,\"x\r\n2,y\r\n3,z\r\n", []string{ReasonQuote}, []int64{2}, []int64{3, 4}, "1,\"x"},
		{"quote closed by a later row's", "f.csv", "a,b\n1,\"x\n2,y\n3,\"z\"\n4,z\n", []string{ReasonQuote}, []int64{2}, []int64{3, 4, 5}, "1,\"x"},
		{"quote never closed over more than a record", "f.csv", "a,b\n1,\"x\n" + strings.Repeat("2,y\n", MaxRecordBytes/2), []string{ReasonQuote}, []int64{2}, nil, "1,\"x"},
		{"over-long line", "f.csv", "a,b\n1," + long + "\n2,y\n", []string{ReasonLong}, []int64{2}, []int64{3}, "1," + long[:rawShown-2]},
		{"over-long line at the end", "f.csv", "a,b\n2,y\n1," + long, []string{ReasonLong}, []int64{3}, []int64{2}, "1," + long[:rawShown-2]},
		{"over-long cell", "f.csv", "a,b\n1," + long[:MaxFieldBytes+1] + "\n2,y\n", []string{ReasonLong}, []int64{2}, []int64{3}, "1," + long[:MaxFieldBytes+1]},
		{"lines after a cell of two lines", "f.csv", "a,b\n1,\"x\ny\"\n2\n3,z\n", []string{ReasonRagged}, []int64{4}, []int64{2, 5}, "2"},
		{"JSON", "f.jsonl", "{\"a\":1}\n{a}\n[1]\n\n{\"a\":\"\\u0000\"}\n{\"a\":2}", []string{ReasonJSON, ReasonJSON, ReasonJSON}, []int64{2, 3, 5}, []int64{1, 6}, "{a}"},
		{"JSON in Latin-1", "f.ndjson", "{\"a\":\"\xfc\"}\r\n{\"a\":2}\r\n", []string{ReasonJSON}, []int64{1}, []int64{2}, "{\"a\":\"\xfc\"}"},
		{"over-long JSON", "f.jsonl", "{\"a\":\"" + long + "\"}\n{\"a\":2}\n", []string{ReasonLong}, []int64{1}, []int64{2}, "{\"a\":\"" + long[:rawShown-6]},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readFile(t, write(t, c.file, []byte(c.content)), Options{})
			if got.err != nil {
				t.Fatal(got.err)
			}
			var reasons []string
			var lines []int64
			for _, bad := range got.bad {
				reasons, lines = append(reasons, bad.Reason), append(lines, bad.Line)
				if fault.KindOf(bad) != fault.Invalid || strings.Contains(bad.Error(), "ller") {
					t.Errorf("unclassed, or repeats a value: %v", bad)
				}
			}
			if !reflect.DeepEqual(reasons, c.reasons) || !reflect.DeepEqual(lines, c.badLines) {
				t.Fatalf("bad rows %v on lines %v, want %v on %v", reasons, lines, c.reasons, c.badLines)
			}
			if c.goodLines != nil && !reflect.DeepEqual(got.lines, c.goodLines) {
				t.Errorf("good lines %v, want %v", got.lines, c.goodLines)
			}
			if string(got.bad[0].Raw) != c.raw {
				t.Errorf("raw text has %d bytes, want %d", len(got.bad[0].Raw), len(c.raw))
			}
			if strings.HasPrefix(c.name, "quote never closed over") && len(got.rows) != MaxRecordBytes/2 {
				t.Errorf("%d good rows, want %d", len(got.rows), MaxRecordBytes/2)
			}
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	unzipped := []byte("a,b\n" + strings.Repeat("1,x\n", 100_000))
	for _, c := range []struct {
		name, file string
		content    []byte
		kind       fault.Kind
		says       string
		o          Options
	}{
		{"empty", "f.csv", nil, fault.Invalid, "empty", Options{}},
		{"blank", "f.csv", []byte("\n\n"), fault.Invalid, "empty", Options{}},
		{"same name twice", "f.csv", []byte("a,b,a\n"), fault.Invalid, "Columns 1 and 3 of the header have the same name, a;", Options{}},
		{"address in a header", "f.csv", []byte("x@y.org,x@y.org\n"), fault.Invalid, "same name, ?;", Options{}},
		{"empty name", "f.csv", []byte("a,,b\n"), fault.Invalid, "Column 2 of the header has no name", Options{}},
		{"CR only", "f.csv", []byte("a,b\r1,2\r"), fault.Invalid, "carriage return", Options{}},
		{"quote in the header", "f.csv", []byte("a,b\"\n"), fault.Invalid, "header cannot be read", Options{}},
		{"UTF-16 without a mark", "f.csv", wide("a,b\n", true)[2:], fault.Invalid, "NUL", Options{}},
		{"unknown ending", "f.xlsx", nil, fault.Invalid, "ending", Options{}},
		{"bad format", "f.csv", nil, fault.Invalid, "format", Options{Format: "xml"}},
		{"bad delimiter", "f.csv", nil, fault.Invalid, "delimiter", Options{Delimiter: "ab"}},
		{"not gzip", "f.csv.gz", []byte("a,b\n"), fault.Invalid, "damaged", Options{}},
		{"gzip cut off", "f.csv.gz", zip(t, unzipped)[:200], fault.Invalid, "damaged", Options{}},
		{"gzip with a wrong sum", "f.csv.gz", spoil(zip(t, unzipped)), fault.Invalid, "damaged", Options{}},
		{"gzip bomb", "f.csv.gz", zip(t, unzipped), fault.TooLarge, "more than 1000 bytes", Options{MaxBytes: 1000}},
		{"not Parquet", "f.parquet", []byte("PAR1 no PAR1"), fault.Invalid, "Parquet", Options{}},
		{"empty Parquet", "f.parquet", nil, fault.Invalid, "Parquet", Options{}},
		{"zipped Parquet", "f.parquet.gz", nil, fault.Invalid, "unpack", Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Open(write(t, c.file, c.content), c.o)
			if err == nil {
				err = readAll(r).err
				r.Close()
			}
			if err == nil || fault.KindOf(err) != c.kind || !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("got %v: %q", err, fault.Message(err))
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.csv"), Options{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(t.TempDir(), Options{Format: CSV}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("folder: %v", err)
	}
}

func spoil(b []byte) []byte {
	b[len(b)-6] ^= 0xFF
	return b
}

func TestTextOfExactlyTheLimitIsRead(t *testing.T) {
	content := []byte("a\n1\n2\n")
	got := readFile(t, write(t, "f.csv.gz", zip(t, content)), Options{MaxBytes: int64(len(content))})
	if got.err != nil || len(got.rows) != 2 {
		t.Errorf("got %v, %v", got.rows, got.err)
	}
}

func TestCancelledContextStops(t *testing.T) {
	r, err := Open(write(t, "f.csv", []byte("a\n1\n")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestJSONNumbersKeepTheirDigits(t *testing.T) {
	got := readFile(t, write(t, "f.jsonl", []byte("{\"id\":9223372036854775808}\n")), Options{})
	if len(got.rows) != 1 || got.rows[0]["id"] != json.Number("9223372036854775808") {
		t.Errorf("got %v", got.rows)
	}
}

func TestProgressReachesTheTotal(t *testing.T) {
	for name, content := range map[string][]byte{"f.csv": []byte("a\n1\n2\n"), "f.csv.gz": zip(t, []byte("a\n1\n2\n"))} {
		r, err := Open(write(t, name, content), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			var at Position
			if _, at, err = r.Next(context.Background()); err == io.EOF && (at.Offset != int64(len(content)) || at.Total != at.Offset) {
				t.Errorf("%s ended at %+v", name, at)
			}
		}
		r.Close()
	}
}

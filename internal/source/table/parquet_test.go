package table

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"parley/internal/fault"
	"parley/internal/source"
)

type parquetItem struct {
	SKU string `parquet:"sku"`
	N   int32  `parquet:"n"`
}

type parquetRow struct {
	ID    uint64        `parquet:"id"`
	Name  *string       `parquet:"name,optional"`
	Price int64         `parquet:"price,decimal(2:18)"`
	Rate  float64       `parquet:"rate"`
	Paid  bool          `parquet:"paid"`
	At    time.Time     `parquet:"at,timestamp(microsecond)"`
	Day   int32         `parquet:"day,date"`
	Tags  []string      `parquet:"tags,list"`
	Items []parquetItem `parquet:"items"`
	Home  parquetItem   `parquet:"home"`
	Raw   []byte        `parquet:"raw"`
}

func parquetFile(t testing.TB, rows []parquetRow) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[parquetRow](&b, parquet.MaxRowsPerRowGroup(200))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sampleRow() parquetRow {
	name := "Ada"
	return parquetRow{ID: 1<<63 + 1, Name: &name, Price: -5, Rate: 0.1, Paid: true,
		At: time.Date(2026, 3, 4, 5, 6, 7, 89_000, time.UTC), Day: 19782, Tags: []string{"x", "y"},
		Items: []parquetItem{{"s", 1}, {"t", 2}}, Home: parquetItem{"h", 3}, Raw: []byte{0xFF}}
}

func TestParquetValues(t *testing.T) {
	second := sampleRow()
	second.Name, second.Tags, second.Items, second.Rate = nil, nil, nil, math.NaN()
	got := readFile(t, write(t, "f.parquet", parquetFile(t, []parquetRow{sampleRow(), second})), Options{})
	if got.err != nil || len(got.bad) > 0 || len(got.rows) != 2 {
		t.Fatalf("got %d rows, bad %v, error %v", len(got.rows), got.bad, got.err)
	}
	want := source.Row{"id": json.Number("9223372036854775809"), "name": "Ada", "price": json.Number("-0.05"), "rate": json.Number("0.1"),
		"paid": true, "at": "2026-03-04T05:06:07.000089Z", "day": "2024-02-29", "tags": []any{"x", "y"},
		"items": []any{map[string]any{"sku": "s", "n": json.Number("1")}, map[string]any{"sku": "t", "n": json.Number("2")}},
		"home":  map[string]any{"sku": "h", "n": json.Number("3")}, "raw": "/w=="}
	if !reflect.DeepEqual(got.rows[0], want) {
		t.Errorf("got  %v\nwant %v", got.rows[0], want)
	}
	if got.rows[1]["name"] != nil || got.rows[1]["rate"] != nil {
		t.Errorf("empty cells: %v", got.rows[1])
	}
	if _, err := source.EncodeRow(got.rows[1]); err != nil {
		t.Errorf("the journal cannot keep the row: %v", err)
	}
}

func TestParquetBadValueDoesNotEndTheReading(t *testing.T) {
	rows := make([]parquetRow, 1000)
	for i := range rows {
		rows[i] = sampleRow()
	}
	rows[500].Rate = math.Inf(1)
	got := readFile(t, write(t, "f.parquet", parquetFile(t, rows)), Options{})
	if got.err != nil || len(got.rows) != 999 || len(got.bad) != 1 {
		t.Fatalf("%d rows, bad %v, error %v", len(got.rows), got.bad, got.err)
	}
	if bad := got.bad[0]; bad.Line != 501 || bad.Reason != ReasonValue || !bytes.Contains(bad.Raw, []byte(`"name":"Ada"`)) {
		t.Errorf("got %+v", bad)
	}
}

func TestParquetFooterLengthIsNotBelieved(t *testing.T) {
	content := parquetFile(t, []parquetRow{sampleRow()})
	copy(content[len(content)-8:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
	if _, err := Open(write(t, "f.parquet", content), Options{}); !errors.Is(err, errFooter) {
		t.Errorf("got %v", err)
	}
}

func TestDecimalBytes(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		scale int
		want  json.Number
	}{
		{[]byte{0xFF}, 2, "-0.01"}, {[]byte{0x00, 0xFF}, 0, "255"}, {[]byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0}, 1, "-236118324143482260684.8"}, {nil, 3, "0.000"},
	} {
		got, err := decimalOf(parquet.FixedLenByteArrayValue(c.bytes), c.scale)
		if err != nil || got != c.want {
			t.Errorf("%x: got %v, %v; want %s", c.bytes, got, err, c.want)
		}
	}
}

// FuzzParquet holds the library's panics on damaged files inside the package.
func FuzzParquet(f *testing.F) {
	whole := parquetFile(f, []parquetRow{sampleRow()})
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<16 {
			return
		}
		path := write(t, "f.parquet", content)
		r, err := Open(path, Options{})
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("unclassed: %v", err)
			}
			return
		}
		for n := 0; n < 1000; n++ {
			if _, _, err := r.Next(t.Context()); err != nil {
				break
			}
		}
		r.Close()
		os.Remove(path)
	})
}

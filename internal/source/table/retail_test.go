package table

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/source"
)

// shared finds a file of the shared data beside the repository.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Skip("the shared data are not beside the repository")
	}
	return path
}

func retailMapping(t testing.TB) *source.Compiled {
	t.Helper()
	m := source.Mapping{
		Event:       "Order Line",
		Events:      []source.EventCase{{Name: "Order Cancelled", When: source.Match{Column: "InvoiceNo", Matches: "^C"}}},
		Time:        &source.TimeColumn{Column: "InvoiceDate", Formats: []string{"2006-01-02 15:04:05"}, Zone: "Europe/London"},
		Identifiers: map[string]source.Column{"customer_id": {Column: "CustomerID", TrimSuffix: ".0"}},
		Properties:  map[string]source.Column{"quantity": {Column: "Quantity", Type: "integer"}, "price": {Column: "UnitPrice", Type: "number"}},
	}
	c, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestOnlineRetail reads the whole of a real table; the figures are those of the
// data's README, computed by others.
func TestOnlineRetail(t *testing.T) {
	r, err := Open(shared(t, "online_retail", "online_retail.csv.gz"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	mapping := retailMapping(t)
	in := event.Receipt{Source: "retail", ID: "x", ReceivedAt: time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)}
	rows, cancelled := 0, 0
	customers := map[string]bool{}
	sum := new(big.Rat)
	for {
		row, _, err := r.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows++
		e, wrong := mapping.Apply(row, in)
		if len(wrong) > 0 {
			t.Fatalf("row %d: %v", rows, wrong)
		}
		if e.Name == "Order Cancelled" {
			cancelled++
		}
		for _, id := range e.Identifiers {
			customers[id.Value] = true
		}
		sum.Add(sum, product(t, e))
	}
	if rows != 541_909 || cancelled != 9_288 || len(customers) != 4_372 {
		t.Errorf("%d rows, %d cancelled, %d customers", rows, cancelled, len(customers))
	}
	if got := sum.FloatString(2); got != "9747747.93" {
		t.Errorf("sum of quantity × price is %s", got)
	}
}

func product(t testing.TB, e event.Event) *big.Rat {
	t.Helper()
	quantity, ok := new(big.Rat).SetString(string(e.Properties["quantity"].(json.Number)))
	price, ok2 := new(big.Rat).SetString(string(e.Properties["price"].(json.Number)))
	if !ok || !ok2 {
		t.Fatal("a number cannot be read")
	}
	return quantity.Mul(quantity, price)
}

// TestRaggedReport reads a real export in which 8 of 10 rows lack the last cell.
func TestRaggedReport(t *testing.T) {
	got := readFile(t, shared(t, "ad_report_shapes", "google_ads_ad_stats_data.csv"), Options{})
	if got.err != nil || len(got.bad) != 8 || len(got.rows) != 2 {
		t.Errorf("%d rows, %d bad, %v", len(got.rows), len(got.bad), got.err)
	}
}

func BenchmarkCSVRows(b *testing.B) {
	path := shared(b, "online_retail", "online_retail.csv.gz")
	rows := 0
	for b.Loop() {
		r, err := Open(path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			if _, _, err = r.Next(context.Background()); err == nil {
				rows++
			}
		}
		r.Close()
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

package importer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"parley/internal/journal"
	"parley/internal/lifecycle"
	"parley/internal/source"
	"parley/internal/workspace"
)

func retail(t testing.TB, key ...string) (*workspace.Source, string) {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "online_retail", "online_retail.csv.gz")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Skip("the shared data are not beside the repository")
	}
	return compiled(t, source.Mapping{Key: key, Event: "Order Line",
		Identifiers: map[string]source.Column{"customer_id": {Column: "CustomerID", TrimSuffix: ".0"}}}), path
}

// counting is a sink that keeps nothing.
type counting struct{ entries, bytes int64 }

func (c *counting) Append(_ context.Context, entries ...journal.Entry) error {
	for i := range entries {
		c.entries++
		c.bytes += int64(len(entries[i].Payload))
	}
	return nil
}

func BenchmarkFile(b *testing.B) {
	for _, c := range []struct {
		name string
		key  []string
	}{{"key", []string{"InvoiceNo", "StockCode"}}, {"keyless", nil}} {
		b.Run(c.name, func(b *testing.B) {
			src, path := retail(b, c.key...)
			sink := &counting{}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := File(context.Background(), Options{Source: src, Path: path, Sink: sink, Clock: lifecycle.System{}}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(sink.entries)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// TestOnlineRetail imports the whole of a real table; the number of rows is that
// of the data's README.
func TestOnlineRetail(t *testing.T) {
	if testing.Short() {
		t.Skip("half a million rows")
	}
	src, path := retail(t, "InvoiceNo", "StockCode")
	sink := &counting{}
	r, err := File(context.Background(), Options{Source: src, Path: path, Sink: sink, Clock: lifecycle.NewManual(begin)})
	if err != nil || r.Read != 541_909 || r.Sent != r.Read || sink.entries != r.Read || r.Malformed != 0 {
		t.Errorf("report %+v, %d entries, %v", r, sink.entries, err)
	}
}

package duckdblake

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/lake"
)

// benchBatch is a batch of web events of about 330 bytes, of 50,000 visitors.
func benchBatch(p journal.Position, rows int) lake.Batch {
	b := lake.Batch{UpTo: p}
	at := time.Unix(1_700_000_000+int64(p), 0)
	for i := range rows {
		who := (int(p)*7919 + i*31) % 50_000
		node := event.Identifier{Namespace: "anonymous_id", Value: "visitor-" + strconv.Itoa(who)}
		b.Rows = append(b.Rows, lake.Row{Position: p, Index: i, Source: "web", ID: fmt.Sprintf("%08x-%08x-4000", p, i), Type: event.Track,
			Name: [...]string{"page", "Product Viewed", "Product Added", "Order Completed"}[i%4], Time: at.Add(time.Duration(i) * time.Millisecond), ReceivedAt: at,
			Node: node, Event: []byte(fmt.Sprintf(`{"source":"web","id":"%08x-%08x-4000","type":"track","name":"Product Viewed","time":"2024-01-01T00:00:00.%06dZ","identifiers":[{"namespace":"anonymous_id","value":"visitor-%d"}],"properties":{"product_id":"%d","price":%d.95,"currency":"EUR","category":"shoes"},"context":{"ip":"10.0.%d.%d","userAgent":"Mozilla/5.0"}}`, p, i, i%1_000_000, who, i%977, i%300, i%256, who%256))})
		b.Assignments = append(b.Assignments, lake.Assignment{Node: node, Person: int64(who + 1)})
	}
	return b
}

func benchOpen(b *testing.B) *lake.Lake {
	b.Helper()
	l, err := Open(context.Background(), filepath.Join(b.TempDir(), "lake.duckdb"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

func perSecond(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		rows     int
		assigned bool
	}{{1_000, false}, {10_000, false}, {100_000, false}, {10_000, true}} {
		b.Run(fmt.Sprintf("rows=%d,assigned=%v", c.rows, c.assigned), func(b *testing.B) {
			l := benchOpen(b)
			batch := benchBatch(1, c.rows)
			if !c.assigned {
				batch.Assignments = nil
			}
			p := journal.Position(0)
			for b.Loop() {
				p++
				batch.UpTo = p
				for i := range batch.Rows {
					batch.Rows[i].Position = p
				}
				if err := l.Append(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, int(p)*c.rows)
		})
	}
}

func BenchmarkRead(b *testing.B) {
	ctx := context.Background()
	l := benchOpen(b)
	const rows = 1_000_000
	for p := journal.Position(1); p <= rows/10_000; p++ {
		if err := l.Append(ctx, benchBatch(p, 10_000)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			if err := l.Scan(ctx, lake.Query{}, func(lake.Row, int64) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, rows*b.N)
	})
	b.Run("by person", func(b *testing.B) {
		for b.Loop() {
			if err := l.ScanByPerson(ctx, nil, func(int64, []lake.Row) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, rows*b.N)
	})
	b.Run("count of a name and a time span", func(b *testing.B) {
		q := lake.Query{Names: []string{"Order Completed"}, From: time.Unix(1_700_000_020, 0), To: time.Unix(1_700_000_090, 0)}
		for b.Loop() {
			if _, err := l.Count(ctx, q); err != nil {
				b.Fatal(err)
			}
		}
	})
}

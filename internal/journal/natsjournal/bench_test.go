package natsjournal_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/journal"
	"parley/internal/journal/natsjournal"
)

// benchPayload is a JSON event of size bytes in which only the numbers differ.
func benchPayload(i, size int) []byte {
	b := fmt.Appendf(nil, `{"type":"track","messageId":"%016x","event":"Product Viewed","userId":"u-%d","properties":{"sku":"%x","price":%d.99},"context":{"page":{"url":"https://shop.example/p/%d"}},"note":"`, i*2654435761, i%100000, i*40503, i%500, i%7919)
	return append(append(b, bytes.Repeat([]byte("lorem ipsum "), size/12+1)[:max(size-len(b)-2, 0)]...), `"}`...)
}

func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{64, 256} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			j := benchJournal(b)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.SetBytes(500)
			b.ResetTimer()
			for range callers {
				wg.Go(func() {
					for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
						e := journal.Entry{Kind: journal.Event, Source: "web", ID: strconv.Itoa(i), ReceivedAt: time.UnixMicro(int64(i)), Payload: benchPayload(i, 500)}
						if err := j.Append(b.Context(), e); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			s := j.Stats()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(s.Entries)/float64(max(s.Blocks, 1)), "entries/block")
		})
	}
}

// BenchmarkRead reads small blocks, the worst case for a reader.
func BenchmarkRead(b *testing.B) {
	j := benchJournal(b)
	const stored = 2000
	for i := range stored {
		if err := j.Append(b.Context(), journal.Entry{Kind: journal.Event, Payload: benchPayload(i, 500)}); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	read := 0
	for read < b.N {
		r := j.Reader(0)
		for r.Position() < stored {
			blocks, err := r.Next(b.Context(), 1000, 4<<20)
			if err != nil {
				b.Fatal(err)
			}
			read += len(blocks)
		}
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "blocks/s")
}

func benchJournal(b *testing.B) *journal.Journal {
	b.Helper()
	dir, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		b.Fatal(err)
	}
	d, err := natsjournal.OpenEmbedded(b.Context(), natsjournal.Options{Dir: dir, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	j := journal.New(d, journal.Options{})
	b.Cleanup(func() {
		if err := j.Close(); err != nil {
			b.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return j
}

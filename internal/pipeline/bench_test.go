//go:build unix

package pipeline_test

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lake"
	"parley/internal/lake/laketest"
	"parley/internal/pipeline/pipelinetest"
	"parley/internal/state/sqlitestate"
)

// BenchmarkPipeline reports events a second from the journal to committed state,
// on a real SQLite file, with 5 audiences and blocks of 100 entries.
func BenchmarkPipeline(b *testing.B) {
	const events = 20_000
	track := func(i int) journal.Entry {
		return web(fmt.Sprintf("e%d", i), fmt.Sprintf(`{"type":"track","event":"Order","userId":"u%d","anonymousId":"d%d","timestamp":%q,`+
			`"context":{"userAgent":"Mozilla/5.0 (X11; Linux x86_64)","locale":"de-DE","page":{"url":"https://shop.example/tea","title":"Tea"}},`+
			`"properties":{"sku":"tea","amount":%d.95,"currency":"EUR","category":"drinks"}}`,
			i*7919%2000, i*7919%2000, pipelinetest.Begin.Add(-time.Duration(i)*time.Second).Format(time.RFC3339), i%90))
	}
	row := func(i int) journal.Entry {
		id := fmt.Sprintf("u%d", i)
		return crm(id, fmt.Sprintf(`{"id":%q,"email":"%s@example.org","name":"Ada","opt_in":"Y","plan":"gold","city":"Berlin","street":"Unter den Linden %d"}`, id, id, i))
	}
	loads := []struct {
		name  string
		entry func(int) journal.Entry
	}{
		{"tracks", track},
		{"rows", row},
		{"mixed", func(i int) journal.Entry {
			if i%4 == 0 {
				return row(i / 4)
			}
			return track(i)
		}},
	}
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			h := pipelinetest.History{{pipelinetest.Apply(pipelinetest.Agreement)}}
			for i := 0; i < events; i += 100 {
				var block []journal.Entry
				for k := i; k < i+100; k++ {
					e := load.entry(k)
					e.ReceivedAt = pipelinetest.Begin.Add(time.Duration(i) * time.Millisecond)
					block = append(block, e)
				}
				h = append(h, block)
			}
			b.ReportAllocs()
			var cpu time.Duration
			for b.Loop() {
				b.StopTimer()
				store, err := sqlitestate.Open(context.Background(), filepath.Join(b.TempDir(), "state.db"))
				if err != nil {
					b.Fatal(err)
				}
				j, err := h.Journal(context.Background(), journaltest.NewMemory())
				if err != nil {
					b.Fatal(err)
				}
				before := cpuTime(b)
				b.StartTimer()
				if err := pipelinetest.Process(context.Background(), j, store, lake.New(laketest.NewMemory()), journal.Position(len(h))); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				cpu += cpuTime(b) - before
				if err := j.Close(); err != nil {
					b.Fatal(err)
				}
				if err := store.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(events)*float64(b.N)/cpu.Seconds(), "events/cpu-s") // what a core of its own would do
		})
	}
}

// cpuTime is what this process has used of its cores so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// endToEnd measures from the first request until person, profile, audiences
// and completeness ledger have every event.
func endToEnd(ctx context.Context, o options) error {
	p, err := parley(ctx, o)
	if err != nil {
		return err
	}
	err = runEndToEnd(ctx, o, p)
	return errors.Join(err, p.stop())
}

func runEndToEnd(ctx context.Context, o options, p *process) error {
	const size = 100
	began := time.Now()
	l := load{address: p.address, path: "/v1/batch", connections: 4, duration: o.length(), body: batch(size, "e")}
	f, err := l.run(ctx)
	if err != nil {
		return err
	}
	if f.failures > 0 {
		return fmt.Errorf("%d requests were refused", f.failures)
	}
	accepted := f.requests * size
	if err := p.waitProcessed(ctx, accepted); err != nil {
		return err
	}
	took := time.Since(began)
	memory, err := p.resident()
	return errors.Join(err,
		emit(figure{Bench: "endtoend", Metric: "accepted to people, audiences and ledger, sustained", Value: float64(accepted) / took.Seconds(), Unit: "events/s",
			Against: "accepted in the same run", Ratio: o.length().Seconds() / took.Seconds(), Budget: "20000 must, 60000 aim"}),
		emit(figure{Bench: "endtoend", Metric: "resident memory at the end", Value: memory, Unit: "MB"}))
}

// ledger is what the completeness ledger of the API says in total.
type ledger struct {
	Total struct {
		Processed, Duplicate, Quarantined, Refused, Pending int64
		Balanced                                            bool
	}
}

// waitProcessed waits until n events have an outcome.
func (p *process) waitProcessed(ctx context.Context, n int64) error {
	token, err := os.ReadFile(filepath.Join(p.data, "token"))
	if err != nil {
		return err
	}
	for {
		var l ledger
		if err := getJSON(ctx, "http://"+p.address+"/v1/completeness", strings.TrimSpace(string(token)), &l); err != nil {
			return err
		}
		if done := l.Total.Processed + l.Total.Duplicate + l.Total.Quarantined + l.Total.Refused; done >= n && l.Total.Pending == 0 {
			if l.Total.Processed < n {
				return fmt.Errorf("only %d of %d were processed", l.Total.Processed, n)
			}
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func getJSON(ctx context.Context, url, token string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(res.Body)
	if closed := res.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", url, res.StatusCode)
	}
	return json.Unmarshal(body, into)
}

// importing measures a customer table from file to people.
func importing(ctx context.Context, o options) error {
	const rows = 200_000
	p, err := parley(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(runImport(ctx, o, p, rows), p.stop())
}

func runImport(ctx context.Context, o options, p *process, rows int) error {
	path := filepath.Join(p.data, "customers.csv")
	if err := os.WriteFile(path, customers(rows), 0o600); err != nil {
		return err
	}
	began := time.Now()
	cmd := exec.CommandContext(ctx, o.binary, "import", "--data", p.data, "customers", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("import: %w: %s", err, out)
	}
	durable := time.Since(began)
	if err := p.waitProcessed(ctx, int64(rows)); err != nil {
		return err
	}
	return errors.Join(
		emit(figure{Bench: "import", Metric: "customer table, rows durable", Value: float64(rows) / durable.Seconds(), Unit: "rows/s", Budget: "50000 must, 200000 aim"}),
		emit(figure{Bench: "import", Metric: "customer table, rows to people", Value: float64(rows) / time.Since(began).Seconds(), Unit: "rows/s"}))
}

// customers is a table of n people.
func customers(n int) []byte {
	var b bytes.Buffer
	b.WriteString("id,email,first_name,city,age,opt_in,updated_at\n")
	for i := range n {
		fmt.Fprintf(&b, "u%d,user%d@example.org,Name%d,City%d,%d,%s,2026-01-%02d\n", i, i, i%5000, i%300, i%90, []string{"Y", "N", ""}[i%3], 1+i%28)
	}
	return b.Bytes()
}

// footprint measures start time, idle memory and idle processor.
func footprint(ctx context.Context, o options) error {
	p, err := parley(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(runFootprint(o, p), p.stop())
}

func runFootprint(o options, p *process) error {
	time.Sleep(3 * time.Second) // start-up is over
	before, err := p.processor()
	if err != nil {
		return err
	}
	time.Sleep(o.length())
	after, err := p.processor()
	if err != nil {
		return err
	}
	memory, err := p.resident()
	return errors.Join(err,
		emit(figure{Bench: "footprint", Metric: "start to serving", Value: p.started.Seconds(), Unit: "s", Budget: "2 must, 0.5 aim"}),
		emit(figure{Bench: "footprint", Metric: "idle memory", Value: memory, Unit: "MB", Budget: "250 must, 120 aim"}),
		emit(figure{Bench: "footprint", Metric: "idle processor", Value: 100 * (after - before).Seconds() / o.length().Seconds(), Unit: "% of one core", Budget: "1 must, 0 aim"}))
}

package duckdblake

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/lake"
)

// victimEnv makes this test binary append to the lake it names until it is killed.
const victimEnv = "PARLEY_LAKE_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		fmt.Fprintln(os.Stderr, victim(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

var anyone = event.Identifier{Namespace: "email", Value: "ada@example.org"}

// rowsAt is how many rows the batch of a position has: now and then more than a
// row group of DuckDB (122,880), which it writes to the file before the commit.
func rowsAt(p journal.Position) int {
	if p%16 == 0 {
		return 130_000
	}
	return int(p*997) % 4000
}

// batchAt is the batch of one position. It moves anyone to the person with the
// position's number.
func batchAt(p journal.Position) lake.Batch {
	b := lake.Batch{UpTo: p, Assignments: []lake.Assignment{{Node: anyone, Person: int64(p)}}}
	at := time.Unix(int64(p), 0)
	for i := range rowsAt(p) {
		b.Rows = append(b.Rows, lake.Row{Position: p, Index: i, Source: "web", ID: strconv.Itoa(i), Type: event.Track,
			Name: "n", Time: at, ReceivedAt: at, Node: anyone, Event: []byte(`{"i":` + strconv.Itoa(i) + `}`)})
	}
	return b
}

// victim appends batch after batch and prints each position once it is durable.
func victim(path string) error {
	ctx := context.Background()
	d, err := open(ctx, path, Options{})
	if err != nil {
		return err
	}
	// Frequent checkpoints, so that some kills fall into one.
	if _, err := d.engine.db.ExecContext(ctx, `SET GLOBAL checkpoint_threshold = '256KB'`); err != nil {
		return err
	}
	p, err := d.Position(ctx)
	if err != nil {
		return err
	}
	fmt.Println(p)
	for {
		p++
		if err := d.Append(ctx, batchAt(p)); err != nil {
			return err
		}
		fmt.Println(p)
	}
}

func TestI3KillAtAnyInstant(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lake.duckdb")
	seed := uint64(time.Now().UnixNano()) // the instants differ in any case
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 10 {
		told := killOne(t, path, random.IntN(9), time.Duration(random.IntN(60_000))*time.Microsecond)
		checkWhole(t, path, told)
	}
}

// killOne starts a victim, lets it commit some batches and kills it a moment
// later. It returns the last position that it told to be durable.
func killOne(t *testing.T, path string, batches int, moment time.Duration) journal.Position {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var told journal.Position
	var killer *time.Timer
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		p, err := strconv.ParseUint(lines.Text(), 10, 63)
		if err != nil {
			break // a line cut by the kill
		}
		told = journal.Position(p)
		if n == batches {
			killer = time.AfterFunc(moment, func() { _ = cmd.Process.Kill() })
		}
	}
	err = cmd.Wait()
	if killer == nil || stderr.Len() > 0 {
		t.Fatalf("the victim ended by itself: %v %s", err, stderr.String())
	}
	killer.Stop()
	return told
}

// checkWhole opens what the victim left: every batch up to the position is there
// whole, nothing beyond it, and the map is as of the position.
func checkWhole(t *testing.T, path string, told journal.Position) {
	t.Helper()
	ctx := context.Background()
	l, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	at, err := l.Position(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if at < told || at > told+1 {
		t.Fatalf("position %d after %d was told to be durable", at, told)
	}
	got := map[journal.Position]int{}
	err = l.Scan(ctx, lake.Query{}, func(r lake.Row, person int64) error {
		if r.Index != got[r.Position] || person != int64(at) || string(r.Event) != fmt.Sprintf(`{"i":%d}`, r.Index) {
			return fmt.Errorf("at position %d: row %d/%d of person %d: %s", at, r.Position, r.Index, person, r.Event)
		}
		got[r.Position]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for p := journal.Position(1); p <= at; p++ {
		if got[p] != rowsAt(p) {
			t.Errorf("block %d has %d rows, want %d", p, got[p], rowsAt(p))
		}
		delete(got, p)
	}
	if len(got) > 0 {
		t.Errorf("%d blocks beyond position %d", len(got), at)
	}
	t.Logf("position %d, told %d", at, told)
}

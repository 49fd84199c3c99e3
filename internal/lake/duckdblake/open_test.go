package duckdblake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"parley/internal/fault"
	"parley/internal/lake"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a lake ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		options    Options
		kind       fault.Kind
	}{
		{"an empty path", "", Options{}, fault.Invalid},
		{"a path that DuckDB would read as options", dir + "/a?threads=9", Options{}, fault.Invalid},
		{"memory instead of a file", ":memory:", Options{}, fault.Invalid},
		{"a directory that is not there", dir + "/none/lake", Options{}, fault.Unavailable},
		{"a file of another kind", garbage, Options{}, fault.Unavailable},
		{"negative threads", dir + "/b", Options{Threads: -1}, fault.Invalid},
		{"a memory limit that is none", dir + "/c", Options{MemoryLimit: "plenty"}, fault.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := Open(context.Background(), c.path, c.options)
			if err == nil {
				_ = l.Close()
			}
			if err == nil || fault.KindOf(err) != c.kind {
				t.Fatalf("got %v (%v), want kind %v", err, fault.KindOf(err), c.kind)
			}
		})
	}
}

func TestOpenRefusesANewerSchema(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "lake.duckdb")
	d, err := open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.engine.db.ExecContext(ctx, `INSERT INTO schema_version VALUES (99)`); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, path, Options{}); fault.KindOf(err) != fault.Conflict {
		t.Fatalf("got %v, want a conflict", err)
	}
}

func TestOpenRefusesWhatAnotherProcessHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lake.duckdb")
	l, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+path)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Another process has the lake open") {
		t.Fatalf("the second process: %v %s", err, out)
	}
}

func TestErrorsHaveAKindAndI12NoValues(t *testing.T) {
	const secret = "ada@example.org"
	for _, c := range []struct {
		name string
		err  error
		kind fault.Kind
	}{
		{"a full disk", &duckdb.Error{Type: duckdb.ErrorTypeIO, Msg: `IO Error: Could not write file "x": No space left on device`}, fault.Unavailable},
		{"a full disk in a fatal error", &duckdb.Error{Type: duckdb.ErrorTypeFatal, Msg: "FATAL Error: " + secret + ": No space left on device"}, fault.Unavailable},
		{"a full temporary directory", &duckdb.Error{Type: duckdb.ErrorTypeOutOfMemory, Msg: "Out of Memory Error: raise max_temp_directory_size"}, fault.Unavailable},
		{"no memory", &duckdb.Error{Type: duckdb.ErrorTypeOutOfMemory, Msg: "Out of Memory Error: failed"}, fault.Unavailable},
		{"a fatal error", &duckdb.Error{Type: duckdb.ErrorTypeFatal, Msg: "FATAL Error: " + secret}, fault.Unavailable},
		{"two writers", &duckdb.Error{Type: duckdb.ErrorTypeTransaction, Msg: "TransactionContext Error: Conflict on " + secret}, fault.Conflict},
		{"a conversion", &duckdb.Error{Type: duckdb.ErrorTypeConversion, Msg: "Conversion Error: '" + secret + "'"}, fault.Internal},
		{"an odd text", &duckdb.Error{Type: duckdb.ErrorTypeInvalid, Msg: secret + " Error: x"}, fault.Internal},
		{"the Go driver's own", fmt.Errorf("could not append %s", secret), fault.Internal},
		{"an interrupt", errors.Join(context.Canceled, &duckdb.Error{Type: duckdb.ErrorTypeInterrupt, Msg: "INTERRUPT Error: " + secret}), fault.Unavailable},
		{"an interrupt that names no context", &duckdb.Error{Type: duckdb.ErrorTypeInterrupt, Msg: "INTERRUPT Error: " + secret}, fault.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := fromEngine("test", fmt.Errorf("wrapped: %w", c.err))
			if fault.KindOf(got) != c.kind {
				t.Errorf("kind %v, want %v: %v", fault.KindOf(got), c.kind, got)
			}
			if strings.Contains(got.Error(), secret) {
				t.Errorf("the error quotes a value: %v", got)
			}
			if strings.HasPrefix(c.name, "an interrupt") && !errors.Is(got, context.Canceled) {
				t.Error("the context's error is lost")
			}
		})
	}
}

// TestI12EngineErrorsQuoteNoValues makes DuckDB itself complain about a value (I12).
func TestI12EngineErrorsQuoteNoValues(t *testing.T) {
	ctx := context.Background()
	d, err := open(ctx, filepath.Join(t.TempDir(), "lake.duckdb"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if _, err = d.engine.db.ExecContext(ctx, `SELECT 'ada@example.org'::BIGINT`); err == nil || !strings.Contains(err.Error(), "ada@") {
		t.Fatalf("DuckDB no longer quotes the value (%v); this test shows nothing", err)
	}
	if got := fromEngine("test", err); strings.Contains(got.Error(), "ada@") {
		t.Errorf("the error quotes a value: %v", got)
	}
}

// TestI3AppenderStaysInItsTransaction fails when a future DuckDB lets the appender
// commit by itself.
func TestI3AppenderStaysInItsTransaction(t *testing.T) {
	ctx := context.Background()
	d, err := open(ctx, filepath.Join(t.TempDir(), "lake.duckdb"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	conn, err := d.engine.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := batchAt(16).Rows // more than a row group
	if err := appendRows(ctx, conn, rows); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Count(ctx, lake.Query{}); err != nil || n != 0 {
		t.Fatalf("another connection sees %d rows before the commit (%v)", n, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Count(ctx, lake.Query{}); err != nil || n != 0 {
		t.Fatalf("%d rows are left after the rollback (%v)", n, err)
	}
}

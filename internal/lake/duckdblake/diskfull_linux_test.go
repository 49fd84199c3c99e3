package duckdblake

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lake"
)

// TestI3DiskFull fills the disk beneath the lake while it commits and folds its
// log into the file: every failure is Unavailable, nothing is half there, and
// the same lake goes on once there is space.
func TestI3DiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"); err != nil {
		t.Skipf("a small disk needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	d, err := open(t.Context(), filepath.Join(dir, "lake.duckdb"), Options{walLimit: "256KB"})
	if err != nil {
		t.Fatal(err)
	}
	l := lake.New(d)
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	p, want := journal.Position(0), 0
	for round := range 5 {
		ballast := filepath.Join(dir, "ballast")
		leave(t, ballast, int64(round)*(160<<10))
		for failures := 0; failures < 3; {
			b := batchAt(p*16 + 1)
			b.UpTo = p + 1
			for i := range b.Rows {
				b.Rows[i].Position = b.UpTo
			}
			err := l.Append(t.Context(), b)
			if err == nil {
				p, want = p+1, want+len(b.Rows)
				continue
			}
			if failures++; fault.KindOf(err) != fault.Unavailable {
				t.Fatalf("round %d: %v, want unavailable", round, err)
			}
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		b := lake.Batch{UpTo: p + 1}
		if err := l.Append(t.Context(), b); err != nil {
			t.Fatalf("round %d, with space again: %v", round, err)
		}
		p++
		at, err := l.Position(t.Context())
		n, countErr := l.Count(t.Context(), lake.Query{})
		if err != nil || countErr != nil || at != p || int(n) != want {
			t.Fatalf("round %d: position %d of %d, %d rows of %d (%v, %v)", round, at, p, n, want, err, countErr)
		}
	}
}

// leave takes all space but room bytes.
func leave(t *testing.T, path string, room int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for err == nil {
		var n int
		n, err = f.Write(make([]byte, 4096))
		size += int64(n)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(max(size-room, 0)), f.Close()); err != nil {
		t.Fatal(err)
	}
}

package sqlitestate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"parley/internal/fault"
	"parley/internal/state"
	"parley/internal/state/statetest"
)

// TestI3DiskFull fills the disk beneath the store: the call fails as
// Unavailable and leaves nothing, and the same call works once there is space.
func TestI3DiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			t.Skipf("a small disk needs the right to mount: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	s := openAt(t, filepath.Join(dir, "state.db"))
	ballast := filepath.Join(dir, "ballast")
	for name, d := range map[string]state.Durability{"replayable": state.Replayable, "durable": state.Durable} {
		before := dumped(t, s)
		fill(t, ballast)
		write := func() error {
			return s.Update(t.Context(), d, func(tx *state.Tx) error {
				return tx.PutPeople(t.Context(), people(name, 60))
			})
		}
		if err := write(); fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Message(err), "disk") {
			t.Fatalf("%s on a full disk: %v", name, err)
		}
		if dumped(t, s) != before {
			t.Fatalf("%s: a failed write left something", name)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if err := write(); err != nil {
			t.Fatalf("%s with space again: %v", name, err)
		}
		if dumped(t, s) == before {
			t.Fatalf("%s: nothing was written", name)
		}
	}
}

// people together hold more than one page and the part of the log that is there already.
func people(name string, n int) []state.Person {
	list := make([]state.Person, n)
	for i := range list {
		list[i] = state.Person{ID: int64(i), Doc: []byte(strings.Repeat(name, 1000))}
	}
	return list
}

// fill takes all the space there is.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func dumped(t *testing.T, s *state.Store) string {
	t.Helper()
	b, err := statetest.Dump(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

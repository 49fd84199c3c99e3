package natsjournal_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/journal/natsjournal"
)

// smallDisk mounts a disk of its own, or skips where that is not permitted.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small disk is not permitted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// ballast takes size bytes of the disk away.
func ballast(t *testing.T, dir string, size int) (path string) {
	t.Helper()
	path = filepath.Join(dir, "ballast")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A full disk refuses, loses nothing that it acknowledged, keeps serving
// readers, and takes blocks again as soon as there is space.
func TestI1AFullDiskRefusesAndRecovers(t *testing.T) {
	dir := smallDisk(t, "8m")
	weight := ballast(t, dir, 4<<20)
	d := open(t, dir)
	acked := fillUp(t, d, 4)
	t.Logf("%d blocks before the disk was full", len(acked))
	checkStored(t, d, acked)
	if err := d.Healthy(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("healthy on a full disk: %v, want unavailable", err)
	}
	// A restart of the whole program on the full disk must not make it worse.
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, dir)
	checkStored(t, d, acked)
	for pos, block := range fillUp(t, d, 4) { // closing may have freed a little
		acked[pos] = block
	}
	if err := os.Remove(weight); err != nil {
		t.Fatal(err)
	}
	block := fmt.Appendf(nil, "after the disk was full")
	acked[retryAppend(t, d, block)] = block
	checkStored(t, d, acked)
	if err := d.Healthy(t.Context()); err != nil {
		t.Errorf("healthy again: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	checkStored(t, open(t, dir), acked)
}

// fillUp appends from many goroutines until each was refused a few times.
func fillUp(t *testing.T, d journal.Driver, writers int) map[journal.Position][]byte {
	t.Helper()
	acked := map[journal.Position][]byte{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			random := rand.NewChaCha8([32]byte{byte(w)})
			for refused := 0; refused < 5; {
				block := make([]byte, 20<<10)
				_, _ = random.Read(block) // never fails
				pos, err := d.Append(t.Context(), block)
				if err != nil {
					refused++
					if fault.KindOf(err) != fault.Unavailable {
						t.Errorf("append on a full disk: %v, want unavailable", err)
					}
					continue
				}
				mu.Lock()
				acked[pos] = block
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return acked
}

// checkStored reads the whole journal: every acknowledged block is at its
// position, and no block is there twice.
func checkStored(t *testing.T, d journal.Driver, acked map[journal.Position][]byte) {
	t.Helper()
	last, err := d.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	found := 0
	for after := journal.Position(0); after < last; {
		blocks, err := d.Read(t.Context(), after, 1000, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			if seen[string(b.Data)] {
				t.Errorf("the block at %d is there twice", b.Position)
			}
			seen[string(b.Data)] = true
			if want, ok := acked[b.Position]; ok {
				found++
				if !bytes.Equal(b.Data, want) {
					t.Errorf("position %d does not hold what was acknowledged", b.Position)
				}
			}
			after = b.Position
		}
	}
	if found != len(acked) {
		t.Errorf("%d of %d acknowledged blocks are there", found, len(acked))
	}
}

func TestOpenOnAFullDisk(t *testing.T) {
	dir := smallDisk(t, "1m")
	ballast(t, dir, 1<<20)
	_, err := natsjournal.OpenEmbedded(t.Context(), natsjournal.Options{Dir: dir, Logger: quiet})
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("open: %v, want unavailable", err)
	}
}

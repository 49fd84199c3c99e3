package natsjournal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"parley/internal/journal"
	"parley/internal/journal/natsjournal"
)

const crashDir = "PARLEY_TEST_CRASH_DIR"

// TestCrashChild is the program that TestI1AKillLosesNothing kills; alone it does nothing.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("runs only as the child of TestI1AKillLosesNothing")
	}
	d, err := natsjournal.OpenEmbedded(context.Background(), natsjournal.Options{Dir: dir, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				block := fmt.Sprintf("%d/%d/%d/%s", os.Getpid(), w, i, strings.Repeat("x", i%5000))
				pos, err := d.Append(context.Background(), []byte(block))
				if err != nil {
					panic(err)
				}
				fmt.Printf("acked %d %s\n", pos, block)
			}
		}()
	}
	select {}
}

func TestI1AKillLosesNothing(t *testing.T) {
	dir := t.TempDir()
	acked := map[journal.Position][]byte{}
	for round := range 3 {
		killAfter(t, dir, 200*(round+1), acked)
		d := open(t, dir)
		checkStored(t, d, nil)
		for pos, want := range acked {
			blocks, err := d.Read(t.Context(), pos-1, 1, 1)
			if err != nil || blocks[0].Position != pos || !strings.HasPrefix(string(blocks[0].Data), string(want)) {
				t.Fatalf("round %d: acknowledged position %d is lost or changed (%v)", round, pos, err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter runs the child until it has acknowledged n blocks, kills it, and
// records what it had acknowledged, up to its last whole line.
func killAfter(t *testing.T, dir string, n int, acked map[journal.Position][]byte) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashChild$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for seen := 0; ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the child is dead and its output read
		}
		var pos journal.Position
		var start string
		if _, err := fmt.Sscanf(line, "acked %d %s", &pos, &start); err != nil {
			continue
		}
		acked[pos] = []byte(start)
		if seen++; seen == n {
			_ = child.Process.Kill() // Wait tells
		}
	}
	if err := child.Wait(); err == nil || len(acked) == 0 {
		t.Fatalf("the child ended by itself (%v) with %d blocks acknowledged", err, len(acked))
	}
}

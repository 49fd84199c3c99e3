package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/client"
	"parley/internal/lifecycle"
	"parley/test/binary"
)

// smallDisk mounts a disk of its own, or skips where that is not permitted.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small disk is not permitted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// ballast takes space of a disk away.
type ballast struct {
	file  *os.File
	group *lifecycle.Group
}

// fill takes all the space but room bytes.
func fill(t *testing.T, dir string, room int64) *ballast {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	b := &ballast{file: f, group: lifecycle.NewGroup(t.Context())}
	t.Cleanup(func() { _ = b.group.Stop() }) // drop has told
	if err := b.grow(); err != nil {
		t.Fatal(err)
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = f.Seek(max(size-room, 0), io.SeekStart)
	}
	if err = errors.Join(err, f.Truncate(max(size-room, 0))); err != nil {
		t.Fatal(err)
	}
	return b
}

// grow writes until there is no space.
func (b *ballast) grow() error {
	for size := 1 << 20; size >= 4096; {
		_, err := b.file.Write(make([]byte, size))
		switch {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			return err
		}
	}
	return nil
}

// takeAll takes what is left, and whatever is freed later, until drop.
func (b *ballast) takeAll() {
	b.group.Go("ballast", func(ctx context.Context) error {
		for {
			if err := b.grow(); err != nil {
				return err
			}
			if err := wait(ctx, 5*time.Millisecond); err != nil {
				return err
			}
		}
	})
}

func (b *ballast) drop(t *testing.T) {
	t.Helper()
	if err := errors.Join(b.group.Stop(), b.file.Close(), os.Remove(b.file.Name())); err != nil {
		t.Fatal(err)
	}
}

// recoverWithin is how long after space has returned events must be accepted again.
const recoverWithin = 15 * time.Second

// A full disk is answered with 503 and loses nothing that was acknowledged, the
// process lives through it, and goes on by itself when space returns: what is
// there in the end is what an undisturbed run leaves.
func TestI1DiskFull(t *testing.T) {
	rooms := []int64{0, 512 << 10, 1 << 20, 2 << 20, 4 << 20} // left at first, for the stores to fight over
	in := newInput(seed(t), time.Now().Add(-time.Minute), 100, 30, 4)
	for _, r := range in.requests { // of a size that fills pages
		for _, m := range r {
			m["context"] = map[string]any{"note": strings.Repeat(m["messageId"].(string)+" ", 150)}
		}
	}
	i := newInstall(t, binary.Options{Data: smallDisk(t, "160m")})
	first := binary.Start(t, i.options)
	p := first
	l := startLoad(t, in, p, i.options.Data)
	for n, room := range rooms {
		before := l.refused.Load()
		b := fill(t, i.options.Data, room)
		l.allow(n+1, len(rooms)+1)
		i.awaitFull(t, p)
		b.takeAll()
		i.awaitRefusals(t, l, p, before+20)
		if n == 2 {
			p = i.restartFull(t, l, p, b)
		} else {
			b.drop(t)
		}
		i.awaitAccepted(t, p, fmt.Sprintf("probe%d", n))
	}
	l.allow(1, 1)
	l.wait()
	log := first.Log() + p.Log()
	pipeline, lake := strings.Count(log, "cannot process the journal"), strings.Count(log, "cannot write the lake")
	t.Logf("%d requests were refused and sent again; the pipeline failed %d times, the lake %d", l.refused.Load(), pipeline, lake)
	if pipeline == 0 && lake == 0 {
		t.Error("only the journal has met the full disk")
	}
	c := p.Client(t)
	settle(t, c, in)
	got := look(t, c, in)
	got.received(t, i.receiver, i.options.Data)
	for n := range rooms {
		r, err := c.Receipt(t.Context(), "web", fmt.Sprintf("probe%d", n))
		if err != nil || r.Outcome != "processed" {
			t.Errorf("probe %d: %+v, %v", n, r, err)
		}
	}
	if !p.Running() {
		t.Fatalf("the process ended by itself:\n%s", p.Log())
	}
	p.Stop(t)
	i.receiver.check(t)
	i.finishLake(t, l.files[0])
	inLake(t, i.options.Data, in)
	want := newInstall(t, binary.Options{}).run(t, in, 0, nil)
	for _, only := range []string{"lake", "account web", "people"} { // the probes are in one of them
		delete(got, only)
		delete(want, only)
	}
	compare(t, got, want)
}

// awaitFull returns when a store beyond the journal has met the full disk, or
// after a while: who meets it first depends on the machine.
func (i *install) awaitFull(t *testing.T, p *binary.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	before := strings.Count(p.Log(), "tries again")
	_ = binary.Await(ctx, func() bool { return strings.Count(p.Log(), "tries again") > before })
}

// restartFull kills the process on the full disk and starts it there: it may
// wait for space or end with a sentence, but must start once there is some.
func (i *install) restartFull(t *testing.T, l *load, p *binary.Process, b *ballast) *binary.Process {
	t.Helper()
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	p = binary.Launch(t, i.options)
	select {
	case <-p.Ended():
		t.Logf("a start on a full disk ends with: %s", p.Log())
		if log := p.Log(); !strings.Contains(log, "disk") || strings.Contains(log, "goroutine ") {
			t.Errorf("a start on a full disk does not say what to do: %s", log)
		}
	case <-time.After(3 * time.Second):
	}
	b.drop(t)
	if !p.Running() {
		p = binary.Launch(t, i.options)
	}
	l.current.Store(p)
	if err := p.Ready(t.Context()); err != nil {
		t.Fatalf("it does not start with space again: %v\n%s", err, p.Log())
	}
	return p
}

// awaitRefusals returns when so many requests were turned away, with the process
// alive and a while after, so that every store has met the full disk.
func (i *install) awaitRefusals(t *testing.T, l *load, p *binary.Process, n int64) {
	t.Helper()
	err := binary.Await(t.Context(), func() bool { return l.refused.Load() >= n || !p.Running() })
	if err != nil {
		t.Fatalf("nothing is refused on a full disk: %v", err)
	}
	select {
	case <-p.Ended():
		t.Fatalf("the process did not survive a full disk:\n%s", p.Log())
	case <-time.After(2 * time.Second):
	}
	err = p.Client(t).Health(t.Context())
	var answer *client.Error
	if !errors.As(err, &answer) || answer.Status != 503 {
		t.Errorf("health on a full disk: %v, want 503", err)
	}
}

// awaitAccepted returns when an event is accepted again.
func (i *install) awaitAccepted(t *testing.T, p *binary.Process, id string) {
	t.Helper()
	began := time.Now()
	c := p.Client(t)
	var last error
	err := binary.Await(t.Context(), func() bool {
		last = c.Track(t.Context(), writeKey, client.Message{"messageId": id, "event": "Probe", "anonymousId": "probe"})
		return last == nil || !p.Running()
	})
	if took := time.Since(began); err != nil || last != nil || took > recoverWithin {
		t.Fatalf("with space again: nothing accepted after %v (%v, %v)\n%s", took, err, last, p.Log())
	} else {
		t.Logf("accepted again %v after space returned", took.Round(time.Millisecond))
	}
}

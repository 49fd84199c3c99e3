package binary

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley/client"
)

// Options say how a server is started. Only Data is required.
type Options struct {
	Data      string   // data folder
	Listen    string   // empty: 127.0.0.1:0
	Workspace string   // workspace folder to apply on the first start
	Journal   string   // nats://…; empty: embedded
	State     string   // postgres://…; empty: SQLite
	Env       []string // NAME=value, added to the test's environment
	Args      []string // further arguments of serve
}

// The files of a data folder that a command on the same machine reads.
const (
	fileAddress = "address"
	fileToken   = "token"
)

func (o Options) arguments() []string {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	args := []string{"serve", "--data", o.Data, "--listen", o.Listen}
	for _, f := range []struct{ flag, value string }{
		{"--workspace", o.Workspace}, {"--journal", o.Journal}, {"--state", o.State},
	} {
		if f.value != "" {
			args = append(args, f.flag, f.value)
		}
	}
	return append(args, o.Args...)
}

// Process is one running server. It is killed when its test ends.
type Process struct {
	options Options
	cmd     *exec.Cmd
	stderr  tail
	ended   chan struct{}
	err     error // of Wait, once ended is closed
	stopped bool  // by us: its log is of no interest
	// connections are its own, so that none outlives the process in a pool.
	connections *http.Transport
}

// Start starts a server and returns when it answers and a workspace governs, if
// one was given.
func Start(t testing.TB, o Options) *Process {
	t.Helper()
	p := Launch(t, o)
	if err := p.Ready(t.Context()); err != nil {
		t.Fatalf("parley serve does not answer: %v\n%s", err, p.Log())
	}
	return p
}

// Launch starts a server and does not wait until it answers.
func Launch(t testing.TB, o Options) *Process {
	t.Helper()
	p := &Process{options: o, ended: make(chan struct{}), connections: &http.Transport{MaxIdleConnsPerHost: 8}}
	// What a killed server left would lead to whoever has its port now.
	if err := os.Remove(p.file(fileAddress)); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	p.cmd = exec.Command(Path(t), o.arguments()...)
	p.cmd.Env = environment(o.Env)
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // Wait tells
		<-p.ended
		p.connections.CloseIdleConnections()
		if t.Failed() && !p.stopped {
			t.Logf("log of parley (process %d):\n%s", p.cmd.Process.Pid, p.Log())
		}
	})
	return p
}

func (p *Process) file(name string) string { return filepath.Join(p.options.Data, name) }

// Ready returns when the server answers that it can do its work and, if a
// workspace was given, one governs. It fails when the process ends before.
func (p *Process) Ready(ctx context.Context) error {
	return await(ctx, p.ended, func() bool {
		c, err := p.Dial()
		if err != nil || c.Health(ctx) != nil {
			return false
		}
		if p.options.Workspace == "" {
			return true
		}
		w, err := c.Workspace(ctx)
		return err == nil && w.Version > 0
	})
}

// URL is where the server answers; the process must be ready.
func (p *Process) URL() (string, error) {
	raw, err := os.ReadFile(p.file(fileAddress))
	return strings.TrimSpace(string(raw)), err
}

// Client returns a client with the administrator's token; the process must be ready.
func (p *Process) Client(t testing.TB) *client.Client {
	t.Helper()
	c, err := p.Dial()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Dial is Client for when the process may not be ready, or dead.
func (p *Process) Dial() (*client.Client, error) {
	url, err := p.URL()
	if err != nil {
		return nil, err
	}
	if url == "" {
		return nil, errors.New("the address is not written yet")
	}
	token, err := os.ReadFile(p.file(fileToken))
	if err != nil {
		return nil, err
	}
	h := &http.Client{Timeout: 30 * time.Second, Transport: p.connections}
	return client.New(url, strings.TrimSpace(string(token)), client.WithHTTPClient(h)), nil
}

// Running says whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Log is the end of what the process wrote to standard error.
func (p *Process) Log() string { return p.stderr.String() }

// Kill ends the process with SIGKILL and waits until it is gone. It returns an
// error when the process had ended by itself.
func (p *Process) Kill() error {
	p.stopped = true
	if err := p.cmd.Process.Kill(); err != nil {
		<-p.ended
		p.stopped = false
		return fmt.Errorf("the server had ended by itself: %w", errors.Join(err, p.err))
	}
	<-p.ended
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && !status.Signaled() {
		p.stopped = false
		return fmt.Errorf("the server ended by itself with exit code %d:\n%s", status.ExitStatus(), p.Log())
	}
	return nil
}

// stopWithin is how long a server may take to stop in order.
const stopWithin = 15 * time.Second

// Stop asks the process to end, with SIGTERM, and fails the test unless it does
// so with exit code 0 within 15 seconds.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("the server had ended by itself: %v\n%s", err, p.Log())
	}
	select {
	case <-p.ended:
	case <-time.After(stopWithin):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // Go's runtime then tells where everyone stands
		<-p.ended
		t.Fatalf("the server did not stop within %v", stopWithin)
	}
	if p.err != nil {
		t.Fatalf("the server did not stop well: %v\n%s", p.err, p.Log())
	}
	p.stopped = true
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailBytes = 256 << 10

func (w *tail) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, b...)
	if over := len(w.buf) - tailBytes; over > 0 {
		w.buf = append(w.buf[:0], w.buf[over:]...)
	}
	return len(b), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.buf)
}

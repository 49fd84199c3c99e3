package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a started server, ours or the bare one.
type process struct {
	cmd     *exec.Cmd
	address string // host:port
	data    string
	started time.Duration // from exec to the first good answer
	errors  bytes.Buffer
}

const writeKey = "bench-key"

// parley starts the real binary in a new data folder.
func parley(ctx context.Context, o options, extra ...string) (*process, error) {
	data, err := os.MkdirTemp(o.dir, "parley-bench-")
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, o, data)
	if err != nil || len(extra) == 0 {
		return p, err
	}
	// The workspace is applied; now with the roles asked for.
	p.data = ""
	if err := p.stop(); err != nil {
		return nil, err
	}
	return start(ctx, o, data, extra...)
}

func start(ctx context.Context, o options, data string, extra ...string) (*process, error) {
	args := append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--workspace", o.workspace}, extra...)
	p := &process{data: data, cmd: exec.CommandContext(ctx, o.binary, args...)}
	p.cmd.Stderr = &p.errors
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(began) < 30*time.Second {
		raw, err := os.ReadFile(filepath.Join(data, "address"))
		if err == nil && len(raw) > 0 {
			url := strings.TrimSpace(string(raw))
			if answers(url + "/v1/health") {
				p.started = time.Since(began)
				p.address = strings.TrimPrefix(url, "http://")
				return p, p.waitGoverned(ctx)
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil, errors.Join(fmt.Errorf("the server did not start: %s", p.errors.String()), p.stop())
}

// waitGoverned waits until the workspace is applied.
func (p *process) waitGoverned(ctx context.Context) error {
	token, err := os.ReadFile(filepath.Join(p.data, "token"))
	if err != nil {
		return err
	}
	for range 3000 {
		if err = getJSON(ctx, "http://"+p.address+"/v1/workspace", strings.TrimSpace(string(token)), &struct{}{}); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("no workspace governs: %w", err)
}

func answers(url string) bool {
	res, err := http.Get(url)
	if err != nil {
		return false
	}
	_ = res.Body.Close() // only the status counts
	return res.StatusCode == http.StatusOK
}

// bare starts this program as a server that only reads the body.
func bare(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self, "bare")}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line := make([]byte, 64)
	n, err := out.Read(line)
	p.address = strings.TrimSpace(string(line[:n]))
	return p, err
}

func (p *process) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if waited := p.cmd.Wait(); err == nil {
		err = waited
	}
	if p.data != "" {
		err = errors.Join(err, os.RemoveAll(p.data))
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // ended by our signal
	}
	return err
}

// resident is the memory the process holds, in MB.
func (p *process) resident() (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(raw), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no VmRSS line")
}

// processor is the processor time the process has used.
func (p *process) processor() (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+2:]))
	user, errU := strconv.ParseInt(fields[11], 10, 64)
	system, errS := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(errU, errS)
}

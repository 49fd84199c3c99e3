// Package binary starts the real program, as an operator does, and ends it, as
// an operator or an accident does: tests that use it see Parley from outside,
// through its command line, its API and what it leaves on disk.
package binary

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait for a program; a busy test machine gets many times
// what one alone needs.
const patience = 60 * time.Second

// poll is how often a wait looks again.
const poll = 10 * time.Millisecond

var built struct {
	sync.Once
	path string
	err  error
}

// Path names the program: PARLEY_TEST_BIN, which make test sets, or else one
// that is built once for this run of the tests.
func Path(t testing.TB) string {
	t.Helper()
	if given := os.Getenv("PARLEY_TEST_BIN"); given != "" {
		if _, err := os.Stat(given); err != nil {
			t.Fatalf("PARLEY_TEST_BIN names no program: %v; run make build", err)
		}
		return given
	}
	built.Do(func() { built.path, built.err = build() })
	if built.err != nil {
		t.Fatalf("the program cannot be built: %v", built.err)
	}
	return built.path
}

// build builds into a folder of its own; the operating system clears it.
func build() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "parley-bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "parley")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/parley")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
}

// Root is the folder of go.mod above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("there is no go.mod above the working directory")
		}
		dir = up
	}
}

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Code           int // exit code; -1 when a signal ended it
}

// Run runs one command to its end, at most for patience. env is added to the
// environment of the test, without what configures Parley there.
func Run(t testing.TB, env []string, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, Path(t), args...)
	cmd.Env = environment(env)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("parley %s: %v", strings.Join(args, " "), err)
	}
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}

// environment is that of the test without PARLEY_… of the person who runs it,
// and with what a test adds.
func environment(added []string) []string {
	var out []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PARLEY_") {
			out = append(out, e)
		}
	}
	return append(out, added...)
}

// Await returns nil once done says so, and an error when ctx ends or patience
// has run out. It looks again every few milliseconds.
func Await(ctx context.Context, done func() bool) error { return await(ctx, nil, done) }

// await is Await that gives up when a program has ended.
func await(ctx context.Context, ended <-chan struct{}, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(poll)
	defer again.Stop()
	for !done() {
		select {
		case <-ended:
			return errors.New("it has ended")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-again.C:
		}
	}
	return nil
}

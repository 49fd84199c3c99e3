package command

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"parley/client"
)

func TestServeAppliesTheFirstWorkspaceAndStops(t *testing.T) {
	data := t.TempDir()
	for _, round := range []string{"first", "second"} {
		ctx, cancel := context.WithCancel(t.Context())
		out, in := io.Pipe()
		var errs bytes.Buffer
		done := make(chan int, 1)
		go func() {
			code := Run(ctx, Process{Program: "parley", Stdout: in, Stderr: &errs, Getenv: func(string) string { return "" },
				Args: []string{"--json", "--data", data, "serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--workspace", shopDir + "/workspace"}})
			_ = in.Close() // a pipe always closes
			done <- code
		}()
		var answer serveAnswer
		if err := json.NewDecoder(out).Decode(&answer); err != nil {
			cancel()
			t.Fatalf("%s start: code %d, %s", round, <-done, errs.String())
		}
		go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the pipe
		token, err := os.ReadFile(answer.TokenFile)
		if err != nil {
			t.Fatal(err)
		}
		ws, err := client.New(answer.URL, strings.TrimSpace(string(token))).Workspace(ctx)
		if err != nil || ws.Version != 1 {
			t.Errorf("%s start: version %d, %v", round, ws.Version, err)
		}
		cancel()
		if code := <-done; code != exitOK {
			t.Errorf("%s start: code %d, %s", round, code, errs.String())
		}
	}
}

func TestServeRefusesWhatItCannotUse(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"a bad address":       {[]string{"--listen", "nowhere:99999"}, exitUnavailable},
		"a bad state address": {[]string{"--listen", "127.0.0.1:0", "--state", "mysql://x"}, exitInvalid},
		"a bad role":          {[]string{"--listen", "127.0.0.1:0", "--roles", "boss"}, exitInvalid},
		"a bad workspace":     {[]string{"--listen", "127.0.0.1:0", "--workspace", "testdata/bad"}, exitInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, t.Context(), append([]string{"--data", t.TempDir(), "serve"}, c.args...)...)
			if r.code != c.code || !strings.Contains(r.stderr, "parley: ") {
				t.Errorf("code %d, want %d: %s", r.code, c.code, r.stderr)
			}
		})
	}
}

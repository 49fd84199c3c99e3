package command

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"parley/internal/server"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const shopDir = "../../examples/shop"

// ran is one run of the command line.
type ran struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, ctx context.Context, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	code := Run(ctx, Process{Program: "parley", Args: args, Stdout: &out, Stderr: &errs, Version: "1.2.3",
		Getenv: func(name string) string { return map[string]string{"USER": "ada"}[name] }})
	return ran{code, out.String(), errs.String()}
}

var (
	moment  = regexp.MustCompile(`20[2-9]\d-\d\d-\d\d \d\d:\d\d:\d\dZ`)
	version = regexp.MustCompile(`\(go[0-9.]+, [a-z]+/[a-z0-9]+\)`)
)

// golden compares a text with its file, times of this run left out.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = moment.ReplaceAllString(got, "TIME----------------")
	got = version.ReplaceAllString(got, "(GO, PLATFORM)")
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s\nwant:\n%s", name, got, want)
	}
}

func TestUsage(t *testing.T) {
	data := t.TempDir()
	for name, args := range map[string][]string{
		"unknown command":         {"launch"},
		"unknown flag":            {"version", "--loud"},
		"missing argument":        {"validate"},
		"half a command":          {"people"},
		"no identifier":           {"--data", data, "people", "get", "ada"},
		"empty value":             {"--data", data, "people", "get", "email:"},
		"preview of nothing":      {"--data", data, "audience", "preview"},
		"replay of nothing":       {"--data", data, "quarantine", "replay"},
		"replay of too much":      {"--data", data, "quarantine", "replay", "--all", "--source", "crm"},
		"limit below one":         {"--data", data, "quarantine", "list", "--limit", "0"},
		"a log format of its own": {"serve", "--log-format", "xml"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, t.Context(), args...)
			if r.code != exitUsage || r.stdout != "" {
				t.Errorf("code %d, stdout %q", r.code, r.stdout)
			}
			if !strings.HasPrefix(r.stderr, "parley: ") || strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("not one sentence: %q", r.stderr)
			}
		})
	}
}

func TestHelpNamesEveryExitCode(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}} {
		r := run(t, t.Context(), args...)
		for _, e := range exits {
			if r.code != exitOK || !strings.Contains(strings.Join(strings.Fields(r.stdout), " "), e.meaning) {
				t.Errorf("code %d, help lacks %q", r.code, e.meaning)
			}
		}
	}
}

func TestFailuresInJSON(t *testing.T) {
	r := run(t, t.Context(), "--json", "--data", filepath.Join(t.TempDir(), "none"), "audience", "list")
	var body struct {
		Error struct{ Kind, Message string }
	}
	if err := json.Unmarshal([]byte(r.stderr), &body); err != nil || r.code != exitNotFound || body.Error.Kind != "not_found" || body.Error.Message == "" {
		t.Errorf("code %d, %q: %v", r.code, r.stderr, err)
	}
}

func TestValidate(t *testing.T) {
	r := run(t, t.Context(), "validate", filepath.Join(shopDir, "workspace"))
	if r.code != exitOK || r.stderr != "" {
		t.Fatalf("code %d, %s", r.code, r.stderr)
	}
	golden(t, "validate", r.stdout)
	r = run(t, t.Context(), "validate", "testdata/bad")
	if r.code != exitInvalid || r.stdout != "" {
		t.Errorf("code %d, stdout %q", r.code, r.stdout)
	}
	golden(t, "validate-bad", r.stderr)
	r = run(t, t.Context(), "--json", "validate", "testdata/bad")
	var answer validateAnswer
	if err := json.Unmarshal([]byte(r.stdout), &answer); err != nil || r.code != exitInvalid || answer.Valid || len(answer.Issues) == 0 || r.stderr != "" {
		t.Errorf("code %d, %q, %q: %v", r.code, r.stdout, r.stderr, err)
	}
	if r := run(t, t.Context(), "validate", t.TempDir()); r.code != exitNotFound {
		t.Errorf("an empty folder: code %d, %s", r.code, r.stderr)
	}
}

func TestPlanBeforeTheFirstApply(t *testing.T) {
	data := filepath.Join(t.TempDir(), "none")
	r := run(t, t.Context(), "--data", data, "plan", shopDir+"/workspace")
	if r.code != exitOK || !strings.Contains(r.stdout, "added   audience     lapsed\n") {
		t.Errorf("code %d, %q, %q", r.code, r.stdout, r.stderr)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Error("a plan made the data folder")
	}
}

func TestVersion(t *testing.T) {
	golden(t, "version", run(t, t.Context(), "version").stdout)
}

// steps are commands on a folder that holds the example's CRM, in order.
var steps = []struct {
	name string
	args []string
	code int
}{
	{"apply", []string{"apply", shopDir + "/workspace"}, exitOK},
	{"import", []string{"import", "crm", shopDir + "/data/crm.csv"}, exitOK},
	{"import-again", []string{"import", "crm", shopDir + "/data/crm.csv"}, exitOK},
	{"import-twice", []string{"import", "--again", "crm", shopDir + "/data/crm.csv"}, exitOK},
	{"import-nowhere", []string{"import", "billing", shopDir + "/data/crm.csv"}, exitNotFound},
	{"import-nothing", []string{"import", "crm", "testdata/none.csv"}, exitNotFound},
	{"people-get", []string{"people", "get", "user_id:12402"}, exitOK},
	{"people-get-why", []string{"people", "get", "email:Fiona.Marsh2355@mail.example", "--why"}, exitOK},
	{"people-get-nobody", []string{"people", "get", "user_id:99999"}, exitNotFound},
	{"audience-list", []string{"audience", "list"}, exitOK},
	{"audience-preview", []string{"audience", "preview", "german-speaking"}, exitOK},
	{"audience-preview-where", []string{"audience", "preview", "--where", "testdata/condition.yaml"}, exitOK},
	{"audience-preview-nobody", []string{"audience", "preview", "martians"}, exitNotFound},
	{"quarantine-replay", []string{"quarantine", "replay", "--source", "crm"}, exitOK},
	{"receipt-nowhere", []string{"receipt", "crm", "00000"}, exitNotFound},
	{"deliveries", []string{"deliveries"}, exitOK},
	{"plan", []string{"plan", shopDir + "/workspace"}, exitOK},
	{"plan-bad", []string{"plan", "testdata/bad"}, exitInvalid},
}

// TestCommands runs every command on a folder that no process uses and then
// against a running server: the answers must be the same.
func TestCommands(t *testing.T) {
	t.Run("in this process", func(t *testing.T) { runSteps(t, t.TempDir(), func() {}) })
	t.Run("through a server", func(t *testing.T) {
		data := t.TempDir()
		l, err := startLocal(t.Context(), server.Config{Data: data, Listen: "127.0.0.1:0", Getenv: func(string) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := l.stop(); err != nil {
				t.Error(err)
			}
		}()
		runSteps(t, data, func() { // an import is durable when it returns, and processed soon after
			if err := l.Idle(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
}

func runSteps(t *testing.T, data string, settled func()) {
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			r := run(t, t.Context(), append([]string{"--data", data}, s.args...)...)
			settled()
			if r.code != s.code {
				t.Fatalf("code %d, want %d: %s", r.code, s.code, r.stderr)
			}
			golden(t, s.name, r.stdout+r.stderr)
			if s.name == "apply" || strings.HasPrefix(s.name, "import") || s.code != exitOK {
				return
			}
			r = run(t, t.Context(), append([]string{"--json", "--data", data}, s.args...)...)
			if !json.Valid([]byte(r.stdout)) || r.stderr != "" {
				t.Errorf("not JSON: %q, %q", r.stdout, r.stderr)
			}
		})
	}
	r := run(t, t.Context(), "--json", "--data", data, "quarantine", "list")
	if got := strings.Count(r.stdout, `"status": "open"`); got != 9 {
		t.Errorf("%d records are held, want 9", got)
	}
	r = run(t, t.Context(), "--data", data, "receipt", "crm", "12402")
	if r.code != exitOK || !strings.Contains(r.stdout, "processed") {
		t.Errorf("receipt: code %d, %q, %q", r.code, r.stdout, r.stderr)
	}
}

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"parley/client"
	"parley/test/binary"
)

func commandLine(t *testing.T, w *world) {
	alma := w.someone("alma")
	w.send(t, identify("cli-1", alma, map[string]any{"email": alma.Email, "city": "Graz"}))
	w.settle(t)
	t.Run("a mistake in the workspace is named with file and line", func(t *testing.T) { mistake(t, w) })
	t.Run("plan shows and apply makes a change", func(t *testing.T) { planAndApply(t, w) })
	t.Run("plain answers are for people", func(t *testing.T) {
		out := w.must(t, "people", "get", "email:"+alma.Email, "--why")
		for _, want := range []string{alma.ID, "Graz", "site cli-1", "Why these identifiers are one person:", "is email:" + alma.Email + ", says site"} {
			if !strings.Contains(out, want) && !strings.Contains(out, strings.ReplaceAll(want, "email:"+alma.Email, "user_id:"+alma.ID)) {
				t.Errorf("people get --why does not say %q:\n%s", want, out)
			}
		}
		if out := w.must(t, "receipt", "site", "cli-1"); !strings.Contains(out, "processed") {
			t.Errorf("receipt: %s", out)
		}
		if out := w.must(t, "version"); !strings.HasPrefix(out, "parley ") {
			t.Errorf("version: %s", out)
		}
	})
	t.Run("--json parses everywhere", func(t *testing.T) { jsonEverywhere(t, w, alma) })
	t.Run("exit codes say what went wrong", func(t *testing.T) { exitCodes(t, w) })
	t.Run("no progress bar is drawn into a pipe", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "long.jsonl")
		line := `{"visit_id":"pipe-%","customer":"c-%","at":"2026-01-01T10:00:00Z"}` + "\n"
		var text strings.Builder
		for i := range 3000 {
			text.WriteString(strings.ReplaceAll(line, "%", string(rune('a'+i%26))+strings.Repeat("x", i/26)))
		}
		writeFile(t, path, text.String())
		r := w.cli(t, "import", "visits", path)
		if r.Code != 0 || r.Stderr != "" || !strings.Contains(r.Stdout, "3000") {
			t.Errorf("exit code %d, standard error %q, standard output %q", r.Code, r.Stderr, r.Stdout)
		}
	})
}

func mistake(t *testing.T, w *world) {
	dir := t.TempDir()
	for name, text := range w.files(t) {
		if name == "audiences.yaml" {
			text = strings.Replace(text, "atLeast: 100", "atLeats: 100", 1)
		}
		writeFile(t, filepath.Join(dir, name), text)
	}
	line := 1 + strings.Count(strings.Split(readFile(t, filepath.Join(dir, "audiences.yaml")), "atLeats")[0], "\n")
	where := regexp.MustCompile(`audiences\.yaml:(\d+): `)
	for _, args := range [][]string{{"validate", dir}, {"plan", dir}, {"apply", dir}} {
		r := w.cli(t, args...)
		found := where.FindStringSubmatch(r.Stderr)
		if r.Code != 3 || found == nil || !strings.Contains(r.Stderr, "atLeats") {
			t.Errorf("%s: exit code %d, %q", args[0], r.Code, r.Stderr)
			continue
		}
		if found[1] != jsonNumber(line) {
			t.Errorf("%s names line %s, the mistake is on line %d", args[0], found[1], line)
		}
	}
	r := w.cli(t, "validate", dir, "--json")
	var v struct {
		Valid  bool
		Issues []client.Issue
	}
	if err := json.Unmarshal([]byte(r.Stdout), &v); err != nil || r.Code != 3 || v.Valid || len(v.Issues) != 1 || v.Issues[0].Line != int64(line) {
		t.Errorf("validate --json: exit code %d, %q, %v", r.Code, r.Stdout, err)
	}
}

func jsonNumber(n int) string {
	raw, err := json.Marshal(n)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func planAndApply(t *testing.T, w *world) {
	path := filepath.Join(w.folder, "more.yaml")
	writeFile(t, path, "kind: audience\nname: from-graz\nowner: shop-marketing\nwhere:\n  trait: {name: city, op: is, value: Graz}\n")
	if out := w.must(t, "plan", w.folder); !regexp.MustCompile(`added +audience +from-graz +0 +1 +1 +0`).MatchString(out) {
		t.Errorf("plan: %s", out)
	}
	before, err := w.api.Workspace(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var applied client.WorkspaceApplied
	if err := json.Unmarshal([]byte(w.must(t, "apply", w.folder, "--author", "cli test", "--json")), &applied); err != nil {
		t.Fatal(err)
	}
	after, err := w.api.Workspace(t.Context())
	if err != nil || after.Version != applied.Version || after.Version <= before.Version || after.Author != "cli test" {
		t.Errorf("after apply: %+v, %v; applied %+v over %d", after, err, applied, before.Version)
	}
	if got := w.size(t, "from-graz"); got != 1 {
		t.Errorf("the new audience has %d members, want 1", got)
	}
	if out := w.must(t, "plan", w.folder); !strings.Contains(out, "Nothing would change.") {
		t.Errorf("plan of what governs: %s", out)
	}
}

func jsonEverywhere(t *testing.T, w *world, p someone) {
	empty := filepath.Join(t.TempDir(), "none.jsonl")
	writeFile(t, empty, `{"visit_id":"json-1","customer":"c-json"}`+"\n")
	for _, args := range [][]string{
		{"version"}, {"validate", w.folder}, {"plan", w.folder}, {"apply", w.folder},
		{"people", "get", "email:" + p.Email}, {"people", "get", "user_id:" + p.ID, "--why"},
		{"audience", "list"}, {"audience", "preview", "buyers"}, {"receipt", "site", "cli-1"},
		{"quarantine", "list"}, {"quarantine", "replay", "--source", "loyalty"},
		{"deliveries"}, {"import", "visits", empty}, {"doctor"},
	} {
		r := w.cli(t, append(args, "--json")...)
		if r.Code != 0 || !json.Valid([]byte(r.Stdout)) || r.Stderr != "" {
			t.Errorf("%v: exit code %d, standard error %q, %q", args, r.Code, r.Stderr, r.Stdout)
		}
	}
	r := w.cli(t, "people", "get", "user_id:u-nobody", "--json")
	var failed client.Failure
	if err := json.Unmarshal([]byte(r.Stderr), &failed); err != nil || failed.Error.Kind != "not_found" || failed.Error.Message == "" {
		t.Errorf("a failure with --json: %q, %v", r.Stderr, err)
	}
}

func exitCodes(t *testing.T, w *world) {
	taken := filepath.Join(t.TempDir(), "not-a-folder")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(t.TempDir(), "x.csv")
	writeFile(t, table, customersHead)
	for _, c := range []struct {
		name string
		args []string
		want int
		says string
	}{
		{"an unknown person", []string{"people", "get", "email:nobody@shop.example"}, 4, "Nobody is known"},
		{"an unknown namespace", []string{"people", "get", "shoe_size:44"}, 3, "namespace"},
		{"an unknown receipt", []string{"receipt", "site", "never-sent"}, 4, "no receipt"},
		{"an unknown audience", []string{"audience", "preview", "no-such"}, 4, "audience"},
		{"an unknown source", []string{"import", "no-such", table}, 4, "no-such"},
		{"a source that takes no rows", []string{"import", "site", table}, 3, "mapping"},
		{"a file that is not there", []string{"import", "customers", table + ".gone"}, 4, "There is no such file"},
		{"a folder without a workspace", []string{"validate", t.TempDir()}, 4, ".yaml"},
		{"a command that is not there", []string{"no-such-command"}, 2, "--help"},
		{"an argument that is missing", []string{"receipt", "site"}, 2, "--help"},
		{"a wrong token", []string{"audience", "list", "--token", "not-the-token-of-anybody"}, 6, "token"},
		{"a server that is not there", []string{"audience", "list", "--server", "http://127.0.0.1:1"}, 7, "cannot be reached"},
	} {
		r := w.cli(t, c.args...)
		if r.Code != c.want || !strings.Contains(r.Stderr, c.says) || strings.Count(r.Stderr, "\n") != 1 || r.Stdout != "" {
			t.Errorf("%s: exit code %d, want %d with %q in one line: %q %q", c.name, r.Code, c.want, c.says, r.Stderr, r.Stdout)
		}
	}
	r := binary.Run(t, w.options.Env, "audience", "list", "--data", filepath.Join(t.TempDir(), "none"))
	if r.Code != 4 || !strings.Contains(r.Stderr, "--data") {
		t.Errorf("no data folder: exit code %d, %q", r.Code, r.Stderr)
	}
	second := binary.Run(t, w.options.Env, "serve", "--data", w.options.Data, "--listen", "127.0.0.1:0")
	if second.Code != 5 || !strings.Contains(second.Stderr, "Another parley is using this data folder") {
		t.Errorf("a second server on the folder: exit code %d, %q", second.Code, second.Stderr)
	}
}

package command

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"

	"parley/internal/server"
)

func diagnose(t *testing.T, data string, args ...string) (map[string]check, int) {
	t.Helper()
	r := run(t, t.Context(), append([]string{"--json", "--data", data, "doctor"}, args...)...)
	var answer doctorAnswer
	if err := json.Unmarshal([]byte(r.stdout), &answer); err != nil {
		t.Fatalf("%q, %q: %v", r.stdout, r.stderr, err)
	}
	if r.stderr != "" || answer.Healthy != (r.code == exitOK) {
		t.Errorf("code %d, healthy %v, stderr %q", r.code, answer.Healthy, r.stderr)
	}
	out := map[string]check{}
	for _, c := range answer.Checks {
		out[c.Name] = c
		if c.Status != checkOK && c.WayOut == "" {
			t.Errorf("%s: no way out", c.Name)
		}
	}
	return out, r.code
}

func wantStatus(t *testing.T, got map[string]check, want map[string]string) {
	t.Helper()
	for name, status := range want {
		if got[name].Status != status {
			t.Errorf("%s: %+v, want %s", name, got[name], status)
		}
	}
}

func TestDoctorBeforeTheFirstStart(t *testing.T) {
	got, code := diagnose(t, filepath.Join(t.TempDir(), "none"), "--listen", "127.0.0.1:0")
	wantStatus(t, got, map[string]string{"version": checkOK, "data folder": checkWarn, "port": checkOK})
	if code != exitOK {
		t.Errorf("code %d", code)
	}
}

func TestDoctorOfAnInstallation(t *testing.T) {
	data := t.TempDir()
	if r := run(t, t.Context(), "--data", data, "apply", shopDir+"/workspace"); r.code != exitOK {
		t.Fatal(r.stderr)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	got, code := diagnose(t, data, "--listen", taken.Addr().String())
	wantStatus(t, got, map[string]string{"data folder": checkOK, "lock": checkOK, "token": checkOK, "journal": checkOK, "state": checkOK,
		"lake": checkOK, "workspace": checkOK, "secrets": checkFail, "clock": checkOK, "port": checkFail})
	if code != exitInvalid {
		t.Errorf("code %d", code)
	}
	if err := os.Chmod(server.TokenFile(data), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "state.db"), []byte("not a database, and long enough to be looked at"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _ = diagnose(t, data, "--listen", "127.0.0.1:0")
	wantStatus(t, got, map[string]string{"token": checkFail, "state": checkFail, "journal": checkOK, "port": checkOK})
}

func TestDoctorOfARunningServer(t *testing.T) {
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
	got, _ := diagnose(t, data)
	wantStatus(t, got, map[string]string{"lock": checkOK, "server": checkOK, "workspace": checkWarn})
	if _, there := got["port"]; there {
		t.Error("the running server's port was reported as taken")
	}
}

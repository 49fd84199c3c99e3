package binary

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// NATS starts an outside NATS server with JetStream, syncing every message, on a
// loopback port and in a folder of its own, and returns its nats:// address. It
// ends with the test. Without a server program the test is skipped, or fails if
// PARLEY_TEST_REQUIRE is 1.
func NATS(t testing.TB) string {
	t.Helper()
	program, err := natsProgram()
	if err != nil {
		if os.Getenv("PARLEY_TEST_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "nats.conf")
	text := fmt.Sprintf("listen: \"127.0.0.1:-1\"\nmax_payload: 8MB\nports_file_dir: %q\njetstream {\n  store_dir: %q\n  sync_interval: always\n}\n",
		dir, filepath.Join(dir, "store"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", config)
	var stderr tail
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // nothing in its folder is wanted any more
		<-ended
		if t.Failed() {
			t.Logf("log of nats-server:\n%s", stderr.String())
		}
	})
	var url string
	if err := await(t.Context(), ended, func() bool { url = natsURL(dir); return url != "" }); err != nil {
		t.Fatalf("nats-server does not answer: %v\n%s", err, stderr.String())
	}
	return url
}

func natsProgram() (string, error) {
	if given := os.Getenv("PARLEY_TEST_NATS_SERVER"); given != "" {
		_, err := os.Stat(given)
		return given, err
	}
	if root, err := Root(); err == nil {
		installed := filepath.Join(root, ".tools", "bin", "nats-server")
		if _, err := os.Stat(installed); err == nil {
			return installed, nil
		}
	}
	if found, err := exec.LookPath("nats-server"); err == nil {
		return found, nil
	}
	return "", errors.New("no nats-server: run scripts/setup.sh test, or set PARLEY_TEST_NATS_SERVER")
}

// natsURL reads the address from the file that the server writes once it listens.
func natsURL(dir string) string {
	files, err := filepath.Glob(filepath.Join(dir, "*.ports"))
	if err != nil || len(files) == 0 {
		return ""
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		return ""
	}
	var ports struct {
		NATS []string `json:"nats"`
	}
	if json.Unmarshal(raw, &ports) != nil || len(ports.NATS) == 0 {
		return ""
	}
	return ports.NATS[0]
}

package binary_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"parley/client"
	"parley/test/binary"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const smallest = `
kind: team
name: it
side: it
---
{kind: DataContract, apiVersion: v3.1.0, id: web, name: web, version: 1.0.0, status: active, schema: [{name: A, properties: [{name: sku, logicalType: string}]}]}
---
{kind: source, name: web, owner: it, type: http, contract: web, writeKey: k-web}
---
kind: identity
name: people
owner: it
namespaces: [{name: user_id, unique: true, priority: 1}]
`

func workspace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(smallest), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// drive sends one event through a server and returns when it is processed.
func drive(t *testing.T, p *binary.Process, id string) {
	t.Helper()
	c := p.Client(t)
	if err := c.Track(t.Context(), "k-web", client.Message{"messageId": id, "event": "A", "userId": "u"}); err != nil {
		t.Fatal(err)
	}
	err := binary.Await(t.Context(), func() bool {
		receipt, err := c.Receipt(t.Context(), "web", id)
		return err == nil && receipt.Outcome == "processed"
	})
	if err != nil {
		t.Fatalf("event %s is not processed: %v", id, err)
	}
}

func TestStartKillAndStop(t *testing.T) {
	o := binary.Options{Data: t.TempDir(), Workspace: workspace(t)}
	p := binary.Start(t, o)
	drive(t, p, "1")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if p.Running() {
		t.Error("a killed process runs")
	}
	if p.Kill() == nil {
		t.Error("killing the dead went unnoticed")
	}
	again := binary.Start(t, o)
	if _, err := again.Client(t).Receipt(t.Context(), "web", "1"); err != nil {
		t.Errorf("what was processed before the kill: %v", err)
	}
	drive(t, again, "2")
	again.Stop(t)
}

func TestOutsideNATS(t *testing.T) {
	url := binary.NATS(t)
	p := binary.Start(t, binary.Options{Data: t.TempDir(), Workspace: workspace(t), Journal: url})
	drive(t, p, "1")
	p.Stop(t)
}

func TestAServerThatCannotStartIsTold(t *testing.T) {
	p := binary.Launch(t, binary.Options{Data: t.TempDir(), State: "mysql://x"})
	if err := p.Ready(t.Context()); err == nil || !strings.Contains(p.Log(), "postgres://") {
		t.Errorf("ready: %v, log %q", err, p.Log())
	}
}

func TestRun(t *testing.T) {
	if r := binary.Run(t, nil, "version"); r.Code != 0 || r.Stdout == "" {
		t.Errorf("%+v", r)
	}
	if r := binary.Run(t, nil, "no-such-command"); r.Code != 2 || !strings.Contains(r.Stderr, "--help") {
		t.Errorf("%+v", r)
	}
}

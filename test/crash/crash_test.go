// Package crash ends the real program at random instants, and takes its disk
// away, and compares what is there afterwards with a run that nothing disturbed.
package crash

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/internal/state/statetest"
	"parley/test/binary"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// install is a place where Parley runs, with the other ends of its destinations.
type install struct {
	options  binary.Options
	receiver *receiver
}

// newInstall is a fresh installation under the workspace of testdata.
func newInstall(t *testing.T, o binary.Options) *install {
	t.Helper()
	r := newReceiver(t)
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	o.Workspace = workspaceFor(t, r.url)
	o.Env = append(o.Env, "CRASH_SECRET="+secret)
	return &install{options: o, receiver: r}
}

// workspaceFor copies testdata with the receiver's address in it.
func workspaceFor(t *testing.T, url string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"in.yaml", "out.yaml"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "workspace", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(string(raw), "${SINK}", url)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// seed is random, or that of PARLEY_TEST_SEED to repeat a run. The instants of
// the kills differ in any case.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if given := os.Getenv("PARLEY_TEST_SEED"); given != "" {
		var err error
		if n, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d (PARLEY_TEST_SEED repeats it)", n)
	return n
}

// plan is the size of a crash test.
type plan struct{ kills, users, each, files int }

func TestI3KilledAtAnyInstantEmbedded(t *testing.T) {
	killed(t, binary.Options{}, plan{kills: 56, users: 300, each: 40, files: 12})
}

func TestI3KilledAtAnyInstantPostgresAndNATS(t *testing.T) {
	killed(t, binary.Options{State: statetest.Postgres(t), Journal: binary.NATS(t)}, plan{kills: 10, users: 120, each: 25, files: 4})
}

// killed compares a run with kills, of what o says, with an undisturbed run of
// the same input, all embedded.
func killed(t *testing.T, o binary.Options, size plan) {
	n := seed(t)
	in := newInput(n, time.Now(), size.users, size.each, size.files)
	disturbed := newInstall(t, o)
	got := disturbed.run(t, in, size.kills, rand.New(rand.NewPCG(n, 2)))
	if !disturbed.receiver.once("hurry") {
		t.Error("no membership ended by itself during the kills")
	}
	want := newInstall(t, binary.Options{}).run(t, in, 0, nil)
	if strings.HasPrefix(want["audience cooled"], "0 ") || len(want["list mail hurry"]) > 0 || want["list mail again"] == "" ||
		want["list files leave-alone"] == "" || want["list files win-back"] == "" || want["refused thanks: no consent for email_marketing"] == "" {
		t.Errorf("the undisturbed run does not show what it is for: %.3000s", text(want))
	}
	compare(t, got, want)
}

// run drives the input through the installation with a number of kills in
// between and draws the picture of the result.
func (i *install) run(t *testing.T, in *input, kills int, random *rand.Rand) picture {
	t.Helper()
	began := time.Now()
	p := binary.Start(t, i.options)
	l := startLoad(t, in, p, i.options.Data)
	for k := range kills {
		l.allow(k+1, kills+1)
		i.kill(t, p, random)
		p = binary.Launch(t, i.options)
		l.current.Store(p)
	}
	if err := p.Ready(t.Context()); err != nil {
		t.Fatalf("after %d kills: %v\n%s", kills, err, p.Log())
	}
	l.allow(1, 1)
	l.wait()
	t.Logf("%d requests of %d events in %v: %d kills, %d requests sent again, %d imports of %d files",
		len(in.requests), in.users, time.Since(began).Round(time.Millisecond), kills, l.resent.Load(), l.imported.Load(), len(in.files))
	c := p.Client(t)
	settle(t, c, in)
	pic := look(t, c, in)
	pic.received(t, i.receiver, i.options.Data)
	p.Stop(t)
	i.receiver.check(t)
	if i.options.Journal == "" {
		i.finishLake(t, l.files[0])
	}
	pic["lake"] = inLake(t, i.options.Data, in)
	return pic
}

// finishLake imports a known file without a server, which returns once the lake
// has everything.
func (i *install) finishLake(t *testing.T, file string) {
	t.Helper()
	r := binary.Run(t, i.options.Env, "import", "--data", i.options.Data, "crm", file)
	if r.Code != 0 {
		t.Fatalf("import without a server: %+v", r)
	}
}

// kill ends the process at a random instant: mostly under load, sometimes while
// it starts and repairs what the kill before has left.
func (i *install) kill(t *testing.T, p *binary.Process, random *rand.Rand) {
	t.Helper()
	if random.IntN(4) > 0 {
		if err := p.Ready(t.Context()); err != nil {
			t.Fatalf("the server does not come back after a kill: %v\n%s", err, p.Log())
		}
	}
	delay := time.Duration(random.Int64N(int64(400 * time.Millisecond)))
	select {
	case <-time.After(delay):
	case <-p.Ended():
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

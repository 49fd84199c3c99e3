package e2e

import (
	"testing"

	"go.uber.org/goleak"

	"parley/internal/state/statetest"
	"parley/test/binary"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEmbedded(t *testing.T) {
	suite(t, binary.Options{})
}

func TestPostgresAndOutsideNATS(t *testing.T) {
	suite(t, binary.Options{Journal: binary.NATS(t), State: statetest.Postgres(t)})
}

// suite runs every scenario against one server. The last ones look back at what
// all before them did.
func suite(t *testing.T, o binary.Options) {
	w := newWorld(t, o)
	for _, s := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"the stack is the one asked for", stack},
		{"every endpoint takes events that become people with provenance", everyEndpoint},
		{"the same event again counts once", sameEventAgain},
		{"files come in once however often they are imported", filesComeInOnce},
		{"a changed row is an update", changedRow},
		{"JSON Lines and Parquet come in", otherFormats},
		{"a file in a watched folder is imported and put aside", watchedFolder},
		{"a record that breaks its contract waits until the contract is mended", quarantineAndReplay},
		{"people enter and leave audiences by what they do", enteringAndLeaving},
		{"people leave an audience because time has passed", leavingByTime},
		{"an audience is previewed before it is agreed", preview},
		{"only who agreed is handed over", defaultDeny},
		{"a withdrawn consent takes the person off the lists", withdrawal},
		{"buyers are suppressed without a newsletter consent", suppression},
		{"handed-over files match their manifests", handedOverFiles},
		{"a refused member is a dead letter with its reason", deadLetter},
		{"a hanging destination delays no other", hangingDestination},
		{"the API lets in only who has a token", tokens},
		{"forms need not ask what is known", asking},
		{"the OpenAPI document is valid and true", openAPI},
		{"the command line answers with sentences, JSON and exit codes", commandLine},
		{"bad bodies are refused with a sentence", badBodies},
		{"bad events do not cost their batch anything", badEvents},
		{"bad requests of the API are refused with a sentence", badRequests},
		{"bad files are refused or their good rows come in", badFiles},
		{"health and metrics are served", metrics},
		{"everything accepted is accounted for", balanced},
		{"after a restart every answer is the same", restart},
		{"I12 no personal value stands in the log", silentLog},
	} {
		if !w.server.Running() {
			t.Fatalf("the server is gone; %q cannot run", s.name)
		}
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

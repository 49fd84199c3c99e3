package pipeline_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// Each history runs a pipeline on a database of its own; 40 of them a law keep
// the package under a minute with the race detector. -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

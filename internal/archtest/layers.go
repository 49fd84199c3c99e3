package archtest

import (
	"slices"
	"strings"
)

// layer is where a package stands in DESIGN §5.
type layer string

const (
	foundation layer = "foundation" // event, fault, lifecycle
	noun       layer = "noun"       // types, rules and algorithms
	adapter    layer = "adapter"    // a noun's sub-package that touches the world
	port       layer = "port"       // journal, state, lake and what drivers share
	driver     layer = "driver"     // a port's sub-package
	movement   layer = "movement"   // collect, importer, pipeline, api
	root       layer = "root"       // server
	checking   layer = "checking"   // *test packages, test/, bench/
	program    layer = "program"    // cmd/ with its commands and the demo, scripts/
	other      layer = "other"
)

var (
	foundations = []string{"event", "fault", "lifecycle"}
	// nouns in their order: each may import those before it.
	nouns = []string{
		"suggest", "contract", "source", "consent", "identity", "linkage", "profile", "audience", "person", "ask", "destination", "delivery",
		"experiment", "ledger", "usecase", "audit", "auth", "workspace", "catalog", "proposal",
	}
	ports     = []string{"journal", "state", "lake"}
	movements = []string{"collect", "importer", "pipeline", "api"}
	// shared are sub-packages of a port that its drivers have in common.
	shared = []string{"migration"}
)

// drivers says which third-party libraries a driver may import; everything else
// is another driver's business.
var drivers = map[string][]string{
	"internal/journal/natsjournal": {"github.com/nats-io"},
	"internal/state/sqlitestate":   {"github.com/mattn/go-sqlite3", "github.com/pressly/goose"},
	"internal/state/pgstate":       {"github.com/jackc/pgx", "github.com/pressly/goose"},
	"internal/lake/duckdblake":     {"github.com/duckdb"},
}

// owned libraries are imported below one folder only.
var owned = []struct{ library, folder string }{
	{"github.com/nats-io", "internal/journal/natsjournal"},
	{"github.com/jackc/pgx", "internal/state/pgstate"},
	{"github.com/mattn/go-sqlite3", "internal/state/sqlitestate"},
	{"github.com/duckdb", "internal/lake/duckdblake"},
	{"github.com/goccy/go-yaml", "internal/workspace"},
	{"gopkg.in/yaml.v3", "internal/workspace"},
	{"sigs.k8s.io/yaml", "internal/workspace"},
	{"go.yaml.in/yaml", "internal/workspace"},
}

// layerOf places a folder.
func layerOf(dir string) layer {
	parts := strings.Split(dir, "/")
	switch {
	case parts[0] == "cmd" || parts[0] == "scripts" || dir == "internal/command" || dir == "internal/demo":
		return program
	case parts[0] == "test" || parts[0] == "bench" || isTestPackage(dir):
		return checking
	case parts[0] != "internal" || len(parts) < 2:
		return other
	}
	top, below := parts[1], len(parts) > 2
	switch {
	case slices.Contains(foundations, top):
		return foundation
	case slices.Contains(nouns, top) && below:
		return adapter
	case slices.Contains(nouns, top):
		return noun
	case slices.Contains(ports, top) && below && !slices.Contains(shared, parts[2]):
		return driver
	case slices.Contains(ports, top):
		return port
	case slices.Contains(movements, top):
		return movement
	case top == "server":
		return root
	case top == "command" || top == "demo":
		return program
	}
	return other
}

// isTestPackage says whether a folder holds what only tests use, such as the
// conformance suite journaltest.
func isTestPackage(dir string) bool {
	base := dir[strings.LastIndex(dir, "/")+1:]
	return strings.HasSuffix(base, "test") && base != "test"
}

// isConnector says whether a folder holds a destination's connector.
func isConnector(dir string) bool {
	return strings.HasPrefix(dir, "internal/destination/") && !isTestPackage(dir)
}

// domain is the folder under internal that a package belongs to.
func domain(dir string) string {
	parts := strings.Split(dir, "/")
	if parts[0] != "internal" || len(parts) < 2 {
		return parts[0]
	}
	return parts[1]
}

// checksOnly says whether a file exists for tests alone, so that it may reach
// for what production code may not.
func checksOnly(p *Package, f *File) bool { return f.Test || layerOf(p.Dir) == checking }

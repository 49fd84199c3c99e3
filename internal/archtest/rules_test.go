package archtest

import (
	"strings"
	"testing"
	"testing/fstest"
)

// source is a Go file that imports what is named.
func source(pkg string, imports ...string) string {
	var b strings.Builder
	b.WriteString("package " + pkg + "\n")
	for _, im := range imports {
		b.WriteString("import _ \"" + im + "\"\n")
	}
	return b.String()
}

func tree(t *testing.T, files map[string]string) *Tree {
	t.Helper()
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	loaded, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// fake is one tiny tree that a rule allows or refuses.
type fake struct {
	rule  string
	name  string
	file  string
	text  string
	broke bool
}

var importFakes = []fake{
	{"FoundationIsStandardLibraryOnly", "standard library", "internal/event/a.go", source("event", "time"), false},
	{"FoundationIsStandardLibraryOnly", "one another", "internal/event/a.go", source("event", "parley/internal/fault"), false},
	{"FoundationIsStandardLibraryOnly", "third party", "internal/event/a.go", source("event", "github.com/tidwall/gjson"), true},
	{"FoundationIsStandardLibraryOnly", "a noun", "internal/fault/a.go", source("fault", "parley/internal/consent"), true},
	{"FoundationIsStandardLibraryOnly", "a test may", "internal/event/a_test.go", source("event", "pgregory.net/rapid"), false},

	{"NounsArePure", "parsing an address", "internal/audience/a.go", source("audience", "net/url"), false},
	{"NounsArePure", "a library of values", "internal/identity/a.go", source("identity", "golang.org/x/text/unicode/norm"), false},
	{"NounsArePure", "HTTP", "internal/audience/a.go", source("audience", "net/http"), true},
	{"NounsArePure", "SQL driver interface", "internal/audience/a.go", source("audience", "database/sql/driver"), true},
	{"NounsArePure", "randomness", "internal/audience/a.go", source("audience", "math/rand/v2"), true},
	{"NounsArePure", "a port", "internal/profile/a.go", source("profile", "parley/internal/state"), true},
	{"NounsArePure", "a driver's library", "internal/profile/a.go", source("profile", "github.com/jackc/pgx/v5"), true},
	{"NounsArePure", "its own adapter", "internal/source/a.go", source("source", "parley/internal/source/table"), true},
	{"NounsArePure", "an adapter may", "internal/destination/webhook/a.go", source("webhook", "net/http"), false},
	{"NounsArePure", "a test may", "internal/audience/a_test.go", source("audience", "math/rand"), false},

	{"NounsHaveAnOrder", "forward", "internal/delivery/a.go", source("delivery", "parley/internal/destination"), false},
	{"NounsHaveAnOrder", "back", "internal/destination/a.go", source("destination", "parley/internal/delivery"), true},

	{"LibrariesHaveOneOwner", "owner", "internal/workspace/a.go", source("workspace", "github.com/goccy/go-yaml/parser"), false},
	{"LibrariesHaveOneOwner", "YAML elsewhere", "internal/contract/a.go", source("contract", "github.com/goccy/go-yaml"), true},
	{"LibrariesHaveOneOwner", "nats elsewhere", "internal/pipeline/a.go", source("pipeline", "github.com/nats-io/nats.go/jetstream"), true},
	{"LibrariesHaveOneOwner", "pgx elsewhere", "internal/state/a.go", source("state", "github.com/jackc/pgx/v5/stdlib"), true},
	{"LibrariesHaveOneOwner", "sqlite elsewhere", "internal/state/pgstate/a.go", source("pgstate", "github.com/mattn/go-sqlite3"), true},
	{"LibrariesHaveOneOwner", "duckdb elsewhere", "internal/server/a.go", source("server", "github.com/duckdb/duckdb-go/v2"), true},
	{"LibrariesHaveOneOwner", "a check of raw files may", "test/e2e/a.go", source("e2e", "github.com/duckdb/duckdb-go/v2"), false},

	{"DriversImportTheirPortAndTheirLibrary", "its own", "internal/state/pgstate/a.go", source("pgstate", "parley/internal/state", "parley/internal/state/migration", "parley/internal/fault", "github.com/jackc/pgx/v5"), false},
	{"DriversImportTheirPortAndTheirLibrary", "another driver", "internal/state/pgstate/a.go", source("pgstate", "parley/internal/state/sqlitestate"), true},
	{"DriversImportTheirPortAndTheirLibrary", "a second library", "internal/lake/duckdblake/a.go", source("duckdblake", "github.com/tidwall/gjson"), true},
	{"DriversImportTheirPortAndTheirLibrary", "movement", "internal/lake/duckdblake/a.go", source("duckdblake", "parley/internal/pipeline"), true},
	{"DriversImportTheirPortAndTheirLibrary", "an unlisted driver", "internal/lake/chlake/a.go", source("chlake", "github.com/ClickHouse/ch-go"), true},

	{"PortsKnowNoDriver", "nouns", "internal/state/a.go", source("state", "parley/internal/consent", "parley/internal/journal"), false},
	{"PortsKnowNoDriver", "a driver", "internal/state/a.go", source("state", "parley/internal/state/pgstate"), true},
	{"PortsKnowNoDriver", "movement", "internal/lake/a.go", source("lake", "parley/internal/pipeline"), true},

	{"MovementKeepsApart", "ports", "internal/pipeline/a.go", source("pipeline", "parley/internal/state", "parley/internal/journal"), false},
	{"MovementKeepsApart", "its own parts", "internal/api/a.go", source("api", "parley/internal/api/page"), false},
	{"MovementKeepsApart", "pipeline to api", "internal/pipeline/a.go", source("pipeline", "parley/internal/api"), true},
	{"MovementKeepsApart", "api to collect", "internal/api/a.go", source("api", "parley/internal/collect"), true},
	{"MovementKeepsApart", "a driver", "internal/api/a.go", source("api", "parley/internal/state/pgstate"), true},
	{"MovementKeepsApart", "SQL", "internal/api/a.go", source("api", "database/sql"), true},

	{"OnlyTheServerWires", "server", "internal/server/a.go", source("server", "parley/internal/destination/webhook", "parley/internal/journal/natsjournal"), false},
	{"OnlyTheServerWires", "a connector elsewhere", "internal/delivery/dispatch/a.go", source("dispatch", "parley/internal/destination/webhook"), true},
	{"OnlyTheServerWires", "a driver in a command", "cmd/parley/a.go", source("main", "parley/internal/state/sqlitestate"), true},
	{"OnlyTheServerWires", "a test may", "internal/pipeline/a_test.go", source("pipeline", "parley/internal/state/sqlitestate"), false},
	{"OnlyTheServerWires", "migration is no driver", "internal/demo/a.go", source("demo", "parley/internal/state/migration"), false},

	{"OnlyProgramsStartTheServer", "cmd", "cmd/parley/main.go", source("main", "parley/internal/server"), false},
	{"OnlyProgramsStartTheServer", "test", "test/crash/a_test.go", source("crash", "parley/internal/server"), false},
	{"OnlyProgramsStartTheServer", "the API", "internal/api/a.go", source("api", "parley/internal/server"), true},

	{"TestPackagesStayInTests", "a test", "internal/state/pgstate/a_test.go", source("pgstate", "parley/internal/state/statetest"), false},
	{"TestPackagesStayInTests", "another test package", "internal/lake/laketest/a.go", source("laketest", "parley/internal/journal/journaltest"), false},
	{"TestPackagesStayInTests", "production", "internal/state/a.go", source("state", "parley/internal/state/statetest"), true},
}

var codeFakes = []fake{
	{"NounsReadNoClockAndStartNothing", "time as a value", "internal/audience/a.go", "package audience\nimport \"time\"\nfunc F(now time.Time) time.Time { return now.Add(time.Hour) }\n", false},
	{"NounsReadNoClockAndStartNothing", "the clock", "internal/audience/a.go", "package audience\nimport \"time\"\nvar F = time.Now\n", true},
	{"NounsReadNoClockAndStartNothing", "the clock by another name", "internal/audience/a.go", "package audience\nimport clock \"time\"\nfunc F(t clock.Time) clock.Duration { return clock.Since(t) }\n", true},
	{"NounsReadNoClockAndStartNothing", "the clock with a dot", "internal/audience/a.go", "package audience\nimport . \"time\"\nvar F = Now\n", true},
	{"NounsReadNoClockAndStartNothing", "a goroutine", "internal/audience/a.go", "package audience\nfunc F() { go F() }\n", true},
	{"NounsReadNoClockAndStartNothing", "an adapter may", "internal/delivery/dispatch/a.go", "package dispatch\nfunc F() { go F() }\n", false},

	{"NamesSayWhatIsInside", "a noun", "internal/audience/a.go", "package audience\n", false},
	{"NamesSayWhatIsInside", "a folder", "internal/util/a.go", "package strong\n", true},
	{"NamesSayWhatIsInside", "a folder above", "internal/common/word/a.go", "package word\n", true},
	{"NamesSayWhatIsInside", "a clause", "internal/audience/a.go", "package helpers\n", true},

	{"FilesStayShort", "500 lines", "internal/api/a.go", "package api\n" + strings.Repeat("\n", 499), false},
	{"FilesStayShort", "501 lines without a reason", "internal/api/a.go", "package api\n" + strings.Repeat("\n", 500), true},
	{"FilesStayShort", "generated", "internal/api/a.go", "// Code generated by us. DO NOT EDIT.\n\npackage api\n" + strings.Repeat("\n", 900), false},

	{"FunctionsStayShort", "120 lines", "internal/api/a.go", "package api\nfunc F() {\n" + strings.Repeat("\n", 118) + "}\n", false},
	{"FunctionsStayShort", "121 lines", "internal/api/a.go", "package api\nfunc F() {\n" + strings.Repeat("\n", 119) + "}\n", true},

	{"PackagesStayNarrow", "12", "internal/collect/a.go", source("collect", numbered(12)...), false},
	{"PackagesStayNarrow", "13", "internal/collect/a.go", source("collect", numbered(13)...), true},
	{"PackagesStayNarrow", "the server", "internal/server/a.go", source("server", numbered(13)...), false},
	{"PackagesStayNarrow", "a test's imports do not count", "internal/collect/a_test.go", source("collect", numbered(13)...), false},

	{"TestsDoNotSleep", "waits", "internal/api/a_test.go", "package api\nimport \"time\"\nvar D = time.Second\n", false},
	{"TestsDoNotSleep", "sleeps", "internal/api/a_test.go", "package api\nimport \"time\"\nfunc F() { time.Sleep(1) }\n", true},
	{"TestsDoNotSleep", "a conformance suite sleeps", "internal/journal/journaltest/a.go", "package journaltest\nimport \"time\"\nfunc F() { time.Sleep(1) }\n", true},

	{"OnlyProgramsPrint", "a program", "cmd/parley/a.go", "package main\nimport \"fmt\"\nfunc F() { fmt.Println() }\n", false},
	{"OnlyProgramsPrint", "to a writer", "internal/api/a.go", "package api\nimport \"fmt\"\nvar F = fmt.Fprintln\n", false},
	{"OnlyProgramsPrint", "a library", "internal/api/a.go", "package api\nimport \"fmt\"\nfunc F() { fmt.Printf(\"x\") }\n", true},
	{"OnlyProgramsPrint", "the builtin", "internal/api/a.go", "package api\nfunc F() { println() }\n", true},
	{"OnlyProgramsPrint", "an example", "internal/api/a_test.go", "package api\nimport \"fmt\"\nfunc ExampleF() { fmt.Println() }\n", false},
}

func numbered(n int) []string {
	var names []string
	for i := range n {
		names = append(names, Module+"/internal/part"+string(rune('a'+i)))
	}
	return names
}

// TestEveryRuleCanFail holds each rule to trees that it must allow and refuse.
func TestEveryRuleCanFail(t *testing.T) {
	rules := map[string]Rule{}
	for _, r := range Rules() {
		rules[r.Name] = r
	}
	refused := map[string]bool{}
	for _, c := range append(importFakes, codeFakes...) {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			rule, ok := rules[c.rule]
			if !ok {
				t.Fatalf("there is no rule %s", c.rule)
			}
			found := rule.Check(tree(t, map[string]string{c.file: c.text}))
			if (len(found) > 0) != c.broke {
				t.Fatalf("found %v, want broken %v", found, c.broke)
			}
			for _, f := range found {
				if !strings.HasPrefix(f.Where, "internal/") && !strings.HasPrefix(f.Where, "cmd/") {
					t.Errorf("the finding does not say where: %+v", f)
				}
				if !strings.HasSuffix(rule.Message(f), rule.Reason) {
					t.Errorf("the message gives no reason: %s", rule.Message(f))
				}
			}
		})
		refused[c.rule] = refused[c.rule] || c.broke
	}
	for name := range rules {
		if !refused[name] {
			t.Errorf("no fake tree breaks %s; add one", name)
		}
	}
}

func TestLoadLeavesOutOtherPeoplesFolders(t *testing.T) {
	loaded := tree(t, map[string]string{
		"a.go":                          "package parley\n",
		"a_test.go":                     "package parley_test\n",
		"testdata/broken.go":            "this is no Go",
		"web/node_modules/x/x.go":       "package x\n",
		".tools/x.go":                   "package x\n",
		"internal/event/_scratch.go":    "this is no Go",
		"internal/event/event_linux.go": "//go:build linux\n\npackage event\n",
	})
	var dirs []string
	for _, p := range loaded.Packages {
		dirs = append(dirs, p.Dir+" "+p.Name)
	}
	if got, want := strings.Join(dirs, ", "), ". parley, internal/event event"; got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

func TestLoadNamesTheFileThatDoesNotParse(t *testing.T) {
	_, err := Load(fstest.MapFS{"internal/event/a.go": {Data: []byte("package")}})
	if err == nil || !strings.Contains(err.Error(), "internal/event/a.go") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

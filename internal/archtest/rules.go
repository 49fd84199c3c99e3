package archtest

import "fmt"

// Finding is one place that breaks a rule.
type Finding struct {
	Where string // file:line, or a folder
	What  string
}

// Rule is one line of DESIGN §5.
type Rule struct {
	Name   string
	Reason string
	Check  func(*Tree) []Finding
}

// Message is what a person reads who broke the rule.
func (r Rule) Message(f Finding) string { return fmt.Sprintf("%s %s: %s", f.Where, f.What, r.Reason) }

// Rules are all rules, in the order of DESIGN §5.
func Rules() []Rule {
	return []Rule{
		{"FoundationIsStandardLibraryOnly",
			"everyone imports event, fault and lifecycle, so they may import only the standard library and one another",
			checkFoundation},
		{"NounsArePure",
			"a noun is types, rules and algorithms that any stage can replay; storage, network, YAML and randomness belong to ports, adapters and the workspace",
			checkNounImports},
		{"NounsReadNoClockAndStartNothing",
			"the same journal must give the same result (I4), so a noun takes the time as a value and leaves goroutines to its caller",
			checkNounCalls},
		{"NounsHaveAnOrder",
			"a noun imports only nouns before it in the list of layers.go, so that there is one direction to read them in",
			checkNounOrder},
		{"LibrariesHaveOneOwner",
			"a storage engine or YAML behind one folder can be exchanged; spread out it cannot",
			checkOwnedLibraries},
		{"DriversImportTheirPortAndTheirLibrary",
			"a driver imports its port, nouns and its one third-party library, so that drivers stay exchangeable",
			checkDriverImports},
		{"PortsKnowNoDriver",
			"callers hold the port; if it knew its drivers they would all be linked and none exchangeable",
			checkPortImports},
		{"MovementKeepsApart",
			"collect, pipeline and api meet only in the journal and in state, and speak to ports; wiring is the server's",
			checkMovement},
		{"OnlyTheServerWires",
			"drivers and connectors are chosen in one place, internal/server",
			checkWiring},
		{"OnlyProgramsStartTheServer",
			"internal/server imports everything; whoever imports it does so too",
			checkServerImporters},
		{"TestPackagesStayInTests",
			"a *test package is for tests and other *test packages; add an exception with its reason if production really needs it",
			checkTestPackages},
		{"NamesSayWhatIsInside",
			"a package is named for what it holds; util, common, misc, helpers, base, manager and types say nothing",
			checkNames},
		{"FilesStayShort",
			"aim at 300 lines; above 500 give the reason in exceptions.go, above 800 split the file",
			checkFileSizes},
		{"FunctionsStayShort",
			"a function above 120 lines hides its steps; give them names, or put a state table into exceptions.go",
			checkFunctionSizes},
		{"PackagesStayNarrow",
			"a package that imports more than 12 of ours knows too much; split it, or give the reason in exceptions.go",
			checkWidth},
		{"TestsDoNotSleep",
			"a test that sleeps is slow or flaky or both; move a lifecycle.Manual clock or wait for the event itself",
			checkSleeps},
		{"OnlyProgramsPrint",
			"a library that prints cannot be piped or tested; return the text or log with slog",
			checkPrints},
	}
}

// walk calls visit for every file.
func walk(t *Tree, visit func(p *Package, f *File)) {
	for _, p := range t.Packages {
		for _, f := range p.Files {
			visit(p, f)
		}
	}
}

// badImports lists the imports that a predicate refuses.
func badImports(t *Tree, bad func(p *Package, f *File, imported string) bool) []Finding {
	var found []Finding
	walk(t, func(p *Package, f *File) {
		for _, im := range f.Imports {
			if bad(p, f, im.Path) {
				found = append(found, Finding{fmt.Sprintf("%s:%d", f.Path, im.Line), "imports " + im.Path})
			}
		}
	})
	return found
}

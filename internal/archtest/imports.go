package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// impure packages give an answer that the arguments do not determine, or reach
// out of the process.
var impure = []string{
	"database/sql", "net", "net/http", "net/rpc", "net/smtp", "os/exec", "os/signal", "syscall", "plugin",
	"crypto/rand", "math/rand", "math/rand/v2",
	"github.com/nats-io", "github.com/jackc/pgx", "github.com/mattn/go-sqlite3", "github.com/duckdb",
	"github.com/pressly/goose", "github.com/danielgtaylor/huma", "github.com/alecthomas/kong",
	"github.com/prometheus", "go.opentelemetry.io", "github.com/failsafe-go", "github.com/vbauerster/mpb",
	"gocloud.dev", "github.com/twmb/franz-go", "github.com/pkg/sftp",
}

// pureNet are the packages below net that only parse.
var pureNet = []string{"net/url", "net/netip", "net/mail", "net/textproto"}

func checkFoundation(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		if layerOf(p.Dir) != foundation || f.Test || standard(imported) {
			return false
		}
		dir, isOurs := ours(imported)
		return !isOurs || layerOf(dir) != foundation
	})
}

func checkNounImports(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		if layerOf(p.Dir) != noun || f.Test {
			return false
		}
		if dir, isOurs := ours(imported); isOurs {
			l := layerOf(dir)
			return l != foundation && l != noun
		}
		if slices.Contains(pureNet, imported) {
			return false
		}
		return slices.ContainsFunc(impure, func(prefix string) bool { return within(imported, prefix) })
	})
}

func checkNounOrder(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		dir, isOurs := ours(imported)
		if !isOurs || f.Test || layerOf(p.Dir) != noun || layerOf(dir) != noun {
			return false
		}
		return slices.Index(nouns, domain(dir)) >= slices.Index(nouns, domain(p.Dir))
	})
}

func checkOwnedLibraries(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		if checksOnly(p, f) {
			return false
		}
		for _, o := range owned {
			if within(imported, o.library) && !within(p.Dir, o.folder) {
				return true
			}
		}
		return false
	})
}

func checkDriverImports(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		if layerOf(p.Dir) != driver || f.Test || standard(imported) {
			return false
		}
		if dir, isOurs := ours(imported); isOurs {
			switch layerOf(dir) {
			case foundation, noun, port:
				return false
			}
			return !within(dir, p.Dir) // a driver may have parts of its own
		}
		for folder, libraries := range drivers {
			if within(p.Dir, folder) {
				return !slices.ContainsFunc(libraries, func(l string) bool { return within(imported, l) })
			}
		}
		return true
	})
}

func checkPortImports(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		dir, isOurs := ours(imported)
		if !isOurs || layerOf(p.Dir) != port || f.Test {
			return false
		}
		switch layerOf(dir) {
		case foundation, noun, port:
			return false
		}
		return true
	})
}

func checkMovement(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		if layerOf(p.Dir) != movement || f.Test {
			return false
		}
		dir, isOurs := ours(imported)
		if !isOurs {
			return within(imported, "database/sql")
		}
		switch layerOf(dir) {
		case driver, root:
			return true
		case movement:
			return domain(dir) != domain(p.Dir)
		}
		return false
	})
}

func checkWiring(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		dir, isOurs := ours(imported)
		if !isOurs || checksOnly(p, f) || layerOf(p.Dir) == root {
			return false
		}
		inside := layerOf(dir) == driver || isConnector(dir)
		// A driver or connector may be split into folders of its own.
		own := within(dir, p.Dir) && layerOf(p.Dir) == layerOf(dir)
		return inside && !own
	})
}

func checkServerImporters(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		dir, isOurs := ours(imported)
		if !isOurs || layerOf(dir) != root || checksOnly(p, f) {
			return false
		}
		return layerOf(p.Dir) != root && layerOf(p.Dir) != program
	})
}

func checkTestPackages(t *Tree) []Finding {
	return badImports(t, func(p *Package, f *File, imported string) bool {
		dir, isOurs := ours(imported)
		if !isOurs || !isTestPackage(dir) || checksOnly(p, f) {
			return false
		}
		return testImports[p.Dir+" -> "+dir] == ""
	})
}

func checkWidth(t *Tree) []Finding {
	const most = 12
	var found []Finding
	for _, p := range t.Packages {
		if layerOf(p.Dir) == checking || wideImporters[p.Dir] != "" {
			continue
		}
		if names := ourImports(p); len(names) > most {
			found = append(found, Finding{p.Dir, fmt.Sprintf("imports %d of our packages (%s)", len(names), strings.Join(names, " "))})
		}
	}
	return found
}

// ourImports lists the packages of ours that a package's production code imports.
func ourImports(p *Package) []string {
	var names []string
	for _, f := range p.Files {
		if f.Test {
			continue
		}
		for _, im := range f.Imports {
			if dir, isOurs := ours(im.Path); isOurs && !slices.Contains(names, dir) {
				names = append(names, dir)
			}
		}
	}
	slices.Sort(names)
	return names
}

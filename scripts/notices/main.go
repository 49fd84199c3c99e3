// Command notices writes THIRD_PARTY_NOTICES.md: every module linked into a
// program, its licence, and the full texts that the licences ask to be handed on.
//
// It reads the module cache that the build itself uses, always for linux/amd64
// with cgo, so that every machine writes the same file. A module without a
// licence text, with an unknown one or with a copyleft one is an error: then a
// person has to decide.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed go_license.txt
var goLicence string

func main() {
	out := flag.String("out", "THIRD_PARTY_NOTICES.md", "file to write")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(out string, patterns []string) error {
	packages, err := list(patterns)
	if err != nil {
		return err
	}
	modules, err := collect(packages)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	render(&b, modules)
	return os.WriteFile(out, b.Bytes(), 0o644)
}

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path, Version, Dir string }
	}
}

func list(patterns []string) ([]pkg, error) {
	args := append([]string{"list", "-deps", "-json=ImportPath,Dir,Standard,Module"}, patterns...)
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	var packages []pkg
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

// module is one row of the notices.
type module struct {
	Path, Version string
	Licences      []string // SPDX names, sorted
	Texts         []string // sorted by where they were found
}

// remarks tell what a module carries beside its own code.
var remarks = map[string]string{
	"github.com/mattn/go-sqlite3": "contains SQLite, which its authors have put into the public domain",
	"github.com/duckdb/duckdb-go-bindings/lib/linux-amd64": "contains DuckDB, MIT licence, © Stichting DuckDB Foundation, " +
		"with the permissively licensed libraries that its sources list under third_party",
}

func collect(packages []pkg) ([]module, error) {
	files := map[string][]string{} // path@version → licence files
	for _, p := range packages {
		if p.Standard || p.Module == nil || p.Module.Main {
			continue
		}
		dir, name := p.Module.Dir, p.Module.Path+"@"+p.Module.Version
		if r := p.Module.Replace; r != nil {
			dir, name = r.Dir, r.Path+"@"+r.Version
		}
		found, err := licenceFiles(p.Dir, dir)
		if err != nil {
			return nil, err
		}
		files[name] = append(files[name], found...)
	}
	modules := []module{{
		Path: "Go standard library and runtime", Licences: detect(goLicence), Texts: []string{tidy(goLicence)},
	}}
	for _, name := range sortedKeys(files) {
		m, err := read(name, files[name])
		if err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
	slices.SortFunc(modules[1:], func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return modules, nil
}

func read(name string, files []string) (module, error) {
	at := strings.LastIndex(name, "@")
	m := module{Path: name[:at], Version: name[at+1:]}
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		text, err := os.ReadFile(file)
		if err != nil {
			return m, err
		}
		m.Licences = append(m.Licences, detect(string(text))...)
		if t := tidy(string(text)); !slices.Contains(m.Texts, t) {
			m.Texts = append(m.Texts, t)
		}
	}
	slices.Sort(m.Licences)
	m.Licences = slices.Compact(m.Licences)
	if len(m.Licences) == 0 {
		return m, fmt.Errorf("%s: no licence text that is known here; look at it, then teach licence.go", name)
	}
	for _, l := range m.Licences {
		if slices.Contains(copyleft, l) {
			return m, fmt.Errorf("%s: %s cannot be linked into an Apache-2.0 binary without a decision", name, l)
		}
	}
	return m, nil
}

var licenceName = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice|unlicense|copyright)([-._][-._a-z0-9]*)?$`)

// licenceFiles lists the licence files from a package's folder up to its
// module's: parts taken from elsewhere keep theirs beside them.
func licenceFiles(dir, top string) ([]string, error) {
	var found []string
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && licenceName.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
				found = append(found, filepath.Join(dir, e.Name()))
			}
		}
		if dir == top || len(dir) <= len(top) {
			return found, nil
		}
		dir = filepath.Dir(dir)
	}
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

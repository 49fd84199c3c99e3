// Package archtest holds the import rules and size limits of DESIGN §5 as tests,
// each with its reason as failure message.
//
// It reads the sources themselves, under every build tag, and not what the go
// command would build here, so that no rule depends on the machine. A rule is a
// function from the Tree to its Findings; Rules lists them, layers.go says which
// package belongs to which layer, and exceptions.go what is allowed all the
// same, and why.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the module path that every import of ours starts with.
const Module = "parley"

// Tree is every Go package below a root, sorted by folder.
type Tree struct {
	Packages []*Package
	fset     *token.FileSet
}

// Package is one folder with Go files. Test files of an external test package
// (package x_test) belong to the folder of x.
type Package struct {
	Dir   string // slash-separated, relative to the root; "." for the root
	Name  string // of the package clause, without _test
	Files []*File
}

// File is one parsed Go file.
type File struct {
	Path    string // relative to the root
	Test    bool   // ends in _test.go
	Lines   int
	Imports []Import
	AST     *ast.File
}

// Import is one import line.
type Import struct {
	Path string
	Name string // how the file calls it; "_" or "." as written
	Line int
}

// Load parses every Go file of a tree. Folders that the go command does not
// look into (testdata, hidden ones) and those of other tools are left out.
func Load(root fs.FS) (*Tree, error) {
	t := &Tree{fset: token.NewFileSet()}
	byDir := map[string]*Package{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && skipped(d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasPrefix(d.Name(), "_") {
			return nil
		}
		f, err := t.parse(root, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		p := byDir[dir]
		if p == nil {
			p = &Package{Dir: dir}
			byDir[dir] = p
			t.Packages = append(t.Packages, p)
		}
		if p.Name == "" || !f.Test {
			p.Name = strings.TrimSuffix(f.AST.Name.Name, "_test")
		}
		p.Files = append(p.Files, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("archtest: %w", err)
	}
	slices.SortFunc(t.Packages, func(a, b *Package) int { return strings.Compare(a.Dir, b.Dir) })
	return t, nil
}

func skipped(dir string) bool {
	return dir == "testdata" || dir == "node_modules" || dir == "vendor" ||
		strings.HasPrefix(dir, ".") || strings.HasPrefix(dir, "_")
}

func (t *Tree) parse(root fs.FS, name string) (*File, error) {
	src, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(t.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &File{
		Path:  name,
		Test:  strings.HasSuffix(name, "_test.go"),
		Lines: strings.Count(string(src), "\n"),
		AST:   parsed,
	}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		called := importName(imported)
		if spec.Name != nil {
			called = spec.Name.Name
		}
		f.Imports = append(f.Imports, Import{Path: imported, Name: called, Line: t.line(spec)})
	}
	return f, nil
}

func (t *Tree) line(n ast.Node) int { return t.fset.Position(n.Pos()).Line }

// length is the number of lines a node covers.
func (t *Tree) length(n ast.Node) int {
	return t.fset.Position(n.End()).Line - t.fset.Position(n.Pos()).Line + 1
}

// importName guesses the package's name as the go command's users do: the last
// element, or the one before it for a major version.
func importName(importPath string) string {
	base := path.Base(importPath)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(importPath))
	}
	return base
}

// ours returns the folder of one of our packages, and whether it is one.
func ours(importPath string) (dir string, ok bool) {
	if importPath == Module {
		return ".", true
	}
	return strings.CutPrefix(importPath, Module+"/")
}

// standard says whether an import is of Go's standard library.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	_, isOurs := ours(importPath)
	return !isOurs && !strings.Contains(first, ".")
}

// within says whether a path is prefix or lies below it.
func within(name, prefix string) bool {
	return name == prefix || strings.HasPrefix(name, prefix+"/")
}

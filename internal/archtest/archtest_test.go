package archtest

import (
	"go/ast"
	"os"
	"path/filepath"
	"testing"
)

// repository loads the module that this test belongs to.
func repository(t *testing.T) *Tree {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	tree, err := Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestTheTreeKeepsItsRules is DESIGN §5 applied to this repository.
func TestTheTreeKeepsItsRules(t *testing.T) {
	tree := repository(t)
	if len(tree.Packages) < 10 {
		t.Fatalf("only %d packages found; the rules were applied to nothing", len(tree.Packages))
	}
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			for _, f := range rule.Check(tree) {
				t.Error(rule.Message(f))
			}
		})
	}
}

func TestNoExceptionIsStale(t *testing.T) {
	tree := repository(t)
	used := map[string]bool{}
	walk(tree, func(p *Package, f *File) {
		if f.Lines > fileAim {
			used[f.Path] = true
		}
		for _, im := range f.Imports {
			if dir, isOurs := ours(im.Path); isOurs && !checksOnly(p, f) {
				used[p.Dir+" -> "+dir] = true
			}
		}
		for _, decl := range f.AST.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && tree.length(fn) > functionLimit {
				used[f.Path+" "+fn.Name.Name] = true
			}
		}
	})
	for _, list := range []map[string]string{testImports, longFiles, longFunctions} {
		for entry, reason := range list {
			if !used[entry] {
				t.Errorf("the exception for %q is not needed any more; remove it", entry)
			}
			if len(reason) < 10 {
				t.Errorf("the exception for %q gives no reason", entry)
			}
		}
	}
}

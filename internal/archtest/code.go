package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

const (
	fileAim       = 500 // lines; above it a file needs a reason
	fileLimit     = 800
	functionLimit = 120
)

// clockCalls are the functions of package time that read the machine's clock.
var clockCalls = []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}

var emptyNames = []string{
	"util", "utils", "common", "misc", "helper", "helpers", "base", "manager", "managers", "types",
}

func checkNounCalls(t *Tree) []Finding {
	var found []Finding
	walk(t, func(p *Package, f *File) {
		if layerOf(p.Dir) != noun || f.Test {
			return
		}
		found = append(found, calls(t, f, "time", clockCalls)...)
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				found = append(found, Finding{fmt.Sprintf("%s:%d", f.Path, t.line(g)), "starts a goroutine"})
			}
			return true
		})
	})
	return found
}

// checkSleeps leaves benchmarks alone: they measure other processes by the wall clock.
func checkSleeps(t *Tree) []Finding {
	var found []Finding
	walk(t, func(p *Package, f *File) {
		if checksOnly(p, f) && !strings.HasPrefix(p.Dir, "bench") {
			found = append(found, calls(t, f, "time", []string{"Sleep"})...)
		}
	})
	return found
}

// checkPrints leaves test files alone: examples state what they expect by
// printing, and the child process of a crash test reports to its parent so.
func checkPrints(t *Tree) []Finding {
	var found []Finding
	walk(t, func(p *Package, f *File) {
		if p.Name == "main" || f.Test {
			return
		}
		found = append(found, calls(t, f, "fmt", []string{"Print", "Printf", "Println"})...)
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if id, ok := call.Fun.(*ast.Ident); ok && (id.Name == "print" || id.Name == "println") {
				found = append(found, Finding{fmt.Sprintf("%s:%d", f.Path, t.line(call)), "calls the builtin " + id.Name})
			}
			return true
		})
	})
	return found
}

// calls lists where a file mentions one of a standard package's functions,
// whatever name the file gives that package.
func calls(t *Tree, f *File, pkg string, functions []string) []Finding {
	local := ""
	for _, im := range f.Imports {
		if im.Path == pkg {
			local = im.Name
		}
	}
	if local == "" || local == "_" {
		return nil
	}
	if local == "." {
		return []Finding{{f.Path, "imports " + pkg + " with a dot, which hides what it calls"}}
	}
	var found []Finding
	ast.Inspect(f.AST, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains(functions, sel.Sel.Name) {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == local {
			found = append(found, Finding{fmt.Sprintf("%s:%d", f.Path, t.line(sel)), "uses " + pkg + "." + sel.Sel.Name})
		}
		return true
	})
	return found
}

func checkNames(t *Tree) []Finding {
	var found []Finding
	for _, p := range t.Packages {
		for _, part := range append(strings.Split(p.Dir, "/"), p.Name) {
			if slices.Contains(emptyNames, part) {
				found = append(found, Finding{p.Dir, "is named " + part})
				break
			}
		}
	}
	return found
}

func checkFileSizes(t *Tree) []Finding {
	var found []Finding
	walk(t, func(p *Package, f *File) {
		if ast.IsGenerated(f.AST) || f.Lines <= fileAim || (f.Lines <= fileLimit && longFiles[f.Path] != "") {
			return
		}
		found = append(found, Finding{f.Path, fmt.Sprintf("has %d lines", f.Lines)})
	})
	return found
}

func checkFunctionSizes(t *Tree) []Finding {
	var found []Finding
	walk(t, func(p *Package, f *File) {
		if ast.IsGenerated(f.AST) {
			return
		}
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || t.length(fn) <= functionLimit || longFunctions[f.Path+" "+fn.Name.Name] != "" {
				continue
			}
			where := fmt.Sprintf("%s:%d", f.Path, t.line(fn))
			found = append(found, Finding{where, fmt.Sprintf("func %s has %d lines", fn.Name.Name, t.length(fn))})
		}
	})
	return found
}

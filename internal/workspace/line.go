package workspace

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// lineOf returns the line of a dotted path such as where.all[1].event within a
// document; of its deepest part that exists; of a key of that name anywhere.
func lineOf(node ast.Node, path string) int {
	if node == nil {
		return 0
	}
	line := node.GetToken().Position.Line
	if path == "" {
		return line
	}
	current, matched := node, false
	for _, step := range strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '[' || c == ']' }) {
		next, at := child(current, step)
		if next == nil {
			break
		}
		current, line, matched = next, at, true
	}
	if !matched {
		if at := find(node, path); at > 0 {
			return at
		}
	}
	return line
}

// child returns a node's field or element, and the line it begins on.
func child(node ast.Node, step string) (ast.Node, int) {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if v.Key.GetToken().Value == step {
				return v.Value, v.Key.GetToken().Position.Line
			}
		}
	case *ast.MappingValueNode:
		if n.Key.GetToken().Value == step {
			return n.Value, n.Key.GetToken().Position.Line
		}
	case *ast.SequenceNode:
		i, err := strconv.Atoi(step)
		if err == nil && i >= 0 && i < len(n.Values) {
			return n.Values[i], n.Values[i].GetToken().Position.Line
		}
	}
	return nil, 0
}

// find returns the line of the first key named key anywhere below node.
func find(node ast.Node, key string) int {
	f := &finder{key: key}
	ast.Walk(f, node)
	return f.line
}

type finder struct {
	key  string
	line int
}

// Visit implements ast.Visitor.
func (f *finder) Visit(n ast.Node) ast.Visitor {
	if v, ok := n.(*ast.MappingValueNode); ok && f.line == 0 && v.Key.GetToken().Value == f.key {
		f.line = v.Key.GetToken().Position.Line
	}
	return f
}

type aliasFinder struct{ found bool }

// Visit implements ast.Visitor.
func (a *aliasFinder) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.AliasNode, *ast.AnchorNode:
		a.found = true
	}
	return a
}

func hasAlias(node ast.Node) bool {
	var a aliasFinder
	ast.Walk(&a, node)
	return a.found
}

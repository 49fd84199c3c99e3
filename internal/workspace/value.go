package workspace

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// form is what a value of a document is.
type form uint8

const (
	null form = iota // nothing written, or null
	truth
	number
	text
	list
	group
)

var formNames = [...]string{"nothing", "true or false", "a number", "a text", "a list", "a group of fields"}

func (f form) String() string { return formNames[f] }

// value is a document as written, with the line of everything. Numbers are kept
// as their digits, so that no digit is lost on the way to JSON.
type value struct {
	form   form
	line   int
	text   string // of truth, number and text
	items  []value
	fields []field // sorted by name
}

type field struct {
	name  string
	line  int
	value value
}

// builder turns nodes into values and notes what is not allowed on the way.
type builder struct{ mistakes []mistake }

func (b *builder) wrong(line int, path, message string) value {
	b.mistakes = append(b.mistakes, mistake{line, path, message})
	return value{line: line}
}

// jsonNumber is the grammar of RFC 8259, section 6.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func (b *builder) value(n ast.Node, path string) value {
	line := lineOfNode(n)
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return value{line: line}
	case *ast.BoolNode:
		return value{form: truth, line: line, text: strconv.FormatBool(n.Value)}
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return b.number(n.GetToken().Value, line, path)
	case *ast.StringNode:
		// The library takes numbers beyond 64 bits for texts.
		if n.Token.Type == token.StringType && jsonNumber.MatchString(n.Value) {
			return b.number(n.Value, line, path)
		}
		return b.text(n.Value, line, path)
	case *ast.LiteralNode:
		return b.text(n.Value.Value, line, path)
	case *ast.SequenceNode:
		v := value{form: list, line: line}
		for i, item := range n.Values {
			v.items = append(v.items, b.value(item, path+"["+strconv.Itoa(i)+"]"))
		}
		return v
	case *ast.MappingNode:
		return b.group(n.Values, line, path)
	case *ast.MappingValueNode:
		return b.group([]*ast.MappingValueNode{n}, line, path)
	case *ast.AnchorNode, *ast.AliasNode:
		return b.wrong(line, path, "Anchors and aliases (& and *) are not used here; write the value out, or put it in quotes if it is a text.")
	case *ast.TagNode:
		return b.wrong(line, path, "Tags (!) are not used here; remove the tag, or put the value in quotes if it is a text.")
	}
	return b.wrong(line, path, "This form of YAML is not used here; write fields, lists, texts and numbers.")
}

func (b *builder) number(digits string, line int, path string) value {
	if !jsonNumber.MatchString(digits) {
		return b.wrong(line, path, "Write a number in plain digits such as 7, -3 or 0.5; put it in quotes if it is a text.")
	}
	return value{form: number, line: line, text: digits}
}

func (b *builder) text(s string, line int, path string) value {
	if strings.ContainsFunc(s, isControl) {
		return b.wrong(line, path, "The text holds an invisible control character; remove it.")
	}
	return value{form: text, line: line, text: s}
}

func (b *builder) group(nodes []*ast.MappingValueNode, line int, path string) value {
	v := value{form: group, line: line}
	seen := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		at := lineOfNode(n.Key)
		name, ok := keyText(n.Key)
		if !ok {
			b.wrong(at, path, "A field is named by a plain text here, and << is not used; write name: value.")
			continue
		}
		below := name
		if path != "" {
			below = path + "." + name
		}
		if seen[name] {
			b.wrong(at, below, "The field is written twice; keep one.")
			continue
		}
		seen[name] = true
		v.fields = append(v.fields, field{name, at, b.value(n.Value, below)})
	}
	slices.SortFunc(v.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return v
}

func keyText(key ast.MapKeyNode) (string, bool) {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value, !strings.ContainsFunc(k.Value, isControl)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return k.GetToken().Value, true
	}
	return "", false
}

func lineOfNode(n ast.Node) int {
	switch m := n.(type) {
	case nil:
		return 0
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return lineOfNode(m.Values[0])
		}
	case *ast.MappingValueNode:
		return lineOfNode(m.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// appendJSON writes the value as JSON, fields sorted, so that the order in which
// they were written does not matter (I4).
func (v value) appendJSON(out []byte) []byte {
	switch v.form {
	case truth, number:
		return append(out, v.text...)
	case text:
		return appendText(out, v.text)
	case list:
		out = append(out, '[')
		for i, item := range v.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = item.appendJSON(out)
		}
		return append(out, ']')
	case group:
		out = append(out, '{')
		for i, f := range v.fields {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendText(out, f.name), ':')
			out = f.value.appendJSON(out)
		}
		return append(out, '}')
	}
	return append(out, "null"...)
}

func appendText(out []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return append(out, `""`...)
	}
	return append(out, quoted...)
}

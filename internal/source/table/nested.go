package table

import (
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// node is one node of a Parquet schema, ready to put values together from the
// columns they are shredded into (Dremel's repetition and definition levels).
type node struct {
	name               string
	optional, repeated bool
	list, mapping      bool                             // the LIST and MAP conventions of Parquet
	convert            func(parquet.Value) (any, error) // of a leaf
	fields             []*node
	leaves             int
}

// level is how many repeated and how many optional or repeated nodes lie above.
type level struct{ repetition, definition int }

func newNode(field parquet.Field) *node {
	n := &node{name: field.Name(), optional: field.Optional(), repeated: field.Repeated()}
	if field.Leaf() {
		n.convert, n.leaves = converter(field.Type()), 1
		return n
	}
	for _, child := range field.Fields() {
		c := newNode(child)
		n.fields = append(n.fields, c)
		n.leaves += c.leaves
	}
	wrapped := len(n.fields) == 1 && n.fields[0].repeated && n.fields[0].convert == nil
	if logical := field.Type().LogicalType(); wrapped && logical != nil {
		switch logical.Value.(type) {
		case *format.ListType:
			n.list = len(n.fields[0].fields) == 1
		case *format.MapType:
			n.mapping = len(n.fields[0].fields) == 2
		}
	}
	return n
}

// build makes the node's JSON value from the values of its leaves in one row.
func (n *node) build(cells [][]parquet.Value, at level) (any, error) {
	if len(cells) == 0 || len(cells[0]) == 0 {
		return nil, nil
	}
	switch {
	case n.optional:
		at.definition++
		if cells[0][0].DefinitionLevel() < at.definition {
			return nil, nil
		}
	case n.repeated:
		at.definition++
		at.repetition++
		return n.elements(cells, at)
	}
	return n.required(cells, at)
}

// elements splits the cells of a repeated node where its repetition level
// begins a new element.
func (n *node) elements(cells [][]parquet.Value, at level) (any, error) {
	out := []any{}
	if cells[0][0].DefinitionLevel() < at.definition {
		return out, nil
	}
	part := make([][]parquet.Value, len(cells))
	rest := append([][]parquet.Value(nil), cells...)
	for len(rest[0]) > 0 {
		for i, values := range rest {
			end := min(1, len(values))
			for end < len(values) && values[end].RepetitionLevel() > at.repetition {
				end++
			}
			part[i], rest[i] = values[:end], values[end:]
		}
		v, err := n.required(part, at)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (n *node) required(cells [][]parquet.Value, at level) (any, error) {
	if n.convert != nil {
		if len(cells[0]) == 0 || cells[0][0].IsNull() {
			return nil, nil
		}
		return n.convert(cells[0][0])
	}
	object := make(map[string]any, len(n.fields))
	from := 0
	for _, field := range n.fields {
		v, err := field.build(cells[from:from+field.leaves], at)
		if err != nil {
			return nil, err
		}
		object[field.name] = v
		from += field.leaves
	}
	switch {
	case n.list:
		return n.unwrapList(object), nil
	case n.mapping:
		return n.unwrapMap(object), nil
	}
	return object, nil
}

// unwrapList turns {"list":[{"element":x}]} into [x].
func (n *node) unwrapList(object map[string]any) any {
	inner := n.fields[0]
	list, _ := object[inner.name].([]any)
	for i, item := range list {
		if element, ok := item.(map[string]any); ok {
			list[i] = element[inner.fields[0].name]
		}
	}
	return list
}

// unwrapMap turns {"key_value":[{"key":k,"value":v}]} into {k: v}; keys that are
// no texts stay a list of pairs.
func (n *node) unwrapMap(object map[string]any) any {
	inner := n.fields[0]
	list, _ := object[inner.name].([]any)
	out := make(map[string]any, len(list))
	for _, item := range list {
		pair, _ := item.(map[string]any)
		key, ok := pair[inner.fields[0].name].(string)
		if !ok {
			return list
		}
		out[key] = pair[inner.fields[1].name]
	}
	return out
}

package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"sort"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/fault"
)

//go:embed docs.html
var docsText string

var docsPage = template.Must(template.New("docs").Parse(docsText))

// docs is what the page at /docs shows: the OpenAPI document for readers. It is
// one page without scripts or links to other hosts, so it works offline.
type docs struct {
	Title, Description string
	Tags               []docsTag
	Schemas            []docsSchema
}

type docsTag struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description string
	Open                                   bool
	Parameters                             []docsField
	Request, Response                      docsType
}

type docsSchema struct {
	Name   string
	Fields []docsField
}

type docsField struct {
	Name, In, Description string
	Type                  docsType
	Required              bool
}

// docsType is a type's text around the name of a schema to link to.
type docsType struct{ Before, Schema, After string }

func renderDocs(o *huma.OpenAPI) ([]byte, error) {
	var out bytes.Buffer
	if err := docsPage.Execute(&out, describe(o)); err != nil {
		return nil, fault.Wrap("api.docs", err)
	}
	return out.Bytes(), nil
}

func describe(o *huma.OpenAPI) docs {
	d := docs{Title: o.Info.Title, Description: o.Info.Description}
	byTag := map[string][]docsOperation{}
	for _, path := range names(o.Paths) {
		item := o.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put} {
			if op != nil {
				byTag[op.Tags[0]] = append(byTag[op.Tags[0]], describeOperation(path, op))
			}
		}
	}
	for _, tag := range names(byTag) {
		d.Tags = append(d.Tags, docsTag{tag, byTag[tag]})
	}
	schemas := o.Components.Schemas.Map()
	for _, name := range names(schemas) {
		d.Schemas = append(d.Schemas, docsSchema{name, fieldsOf(schemas[name])})
	}
	return d
}

func describeOperation(path string, op *huma.Operation) docsOperation {
	out := docsOperation{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary,
		Description: strings.TrimSpace(op.Description), Open: len(op.Security) == 0}
	for _, p := range op.Parameters {
		out.Parameters = append(out.Parameters, docsField{p.Name, p.In, p.Description, typeOf(p.Schema), p.Required})
	}
	if op.RequestBody != nil {
		out.Request = contentOf(op.RequestBody.Content)
	}
	if r := op.Responses["200"]; r != nil {
		out.Response = contentOf(r.Content)
	}
	return out
}

// contentOf names the schema of JSON, or the media type of anything else.
func contentOf(content map[string]*huma.MediaType) docsType {
	if m := content["application/json"]; m != nil {
		return typeOf(m.Schema)
	}
	return docsType{Before: strings.Join(names(content), " or ")}
}

func fieldsOf(s *huma.Schema) []docsField {
	required := map[string]bool{}
	for _, name := range s.Required {
		required[name] = true
	}
	var out []docsField
	for name, p := range s.Properties {
		out = append(out, docsField{Name: name, Description: p.Description, Type: typeOf(p), Required: required[name]})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func typeOf(s *huma.Schema) docsType {
	switch {
	case s == nil:
		return docsType{}
	case s.Ref != "":
		return docsType{Schema: s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]}
	case s.Type == "array":
		t := typeOf(s.Items)
		return docsType{"list of " + t.Before, t.Schema, t.After}
	case s.Type == "object":
		if inner, ok := s.AdditionalProperties.(*huma.Schema); ok {
			t := typeOf(inner)
			return docsType{"map of text to " + t.Before, t.Schema, t.After}
		}
		return docsType{Before: "object"}
	case len(s.Enum) > 0:
		return docsType{Before: strings.Trim(strings.ReplaceAll(fmt.Sprint(s.Enum), " ", " | "), "[]")}
	case s.Format != "":
		return docsType{Before: s.Type + " (" + s.Format + ")"}
	case s.Type == "":
		return docsType{Before: "any"}
	}
	return docsType{Before: s.Type}
}

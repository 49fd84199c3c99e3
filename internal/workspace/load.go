package workspace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"parley/internal/ask"
	"parley/internal/audience"
	"parley/internal/consent"
	"parley/internal/contract"
	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/fault"
	"parley/internal/profile"
	"parley/internal/source"
)

// Limits on what is read, so that a hostile document ends in a sentence.
const (
	maxFile  = 1 << 20
	maxDepth = 100
)

// Issue is one mistake, where it stands, and the way out.
type Issue struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // from 1; 0: the file as a whole
	Object  string `json:"object,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
}

// String is the sentence shown to people.
func (i Issue) String() string {
	where := i.File
	if i.Line > 0 {
		where = fmt.Sprintf("%s:%d", i.File, i.Line)
	}
	if i.Object != "" {
		where += ": " + i.Object
	}
	if i.Path != "" {
		where += ": " + i.Path
	}
	return where + ": " + i.Message
}

// Load reads every .yaml and .yml file below the root of fsys, in name order.
func Load(fsys fs.FS) (*Workspace, []Issue, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := path.Ext(p); ext != ".yaml" && ext != ".yml" {
			return nil
		}
		files[p], err = fs.ReadFile(fsys, p)
		return err
	})
	if err != nil {
		return nil, nil, fault.WrapAs(fault.NotFound, "workspace.load", err, "The workspace folder cannot be read; check the path.")
	}
	if len(files) == 0 {
		return nil, nil, fault.New(fault.NotFound, "workspace.load", "There is no .yaml file in the workspace folder; examples/shop/workspace shows what one looks like.")
	}
	w, issues := Parse(files)
	return w, issues, nil
}

// Parse reads workspace documents from files (name to content), checks each and
// all together, and returns every mistake in the order of the files. The
// workspace is usable only when there is none.
func Parse(files map[string][]byte) (*Workspace, []Issue) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	r := &reader{w: &Workspace{}, at: map[string]place{}}
	for _, name := range names {
		r.file(name, files[name])
	}
	r.w.sort()
	if len(r.issues) == 0 {
		r.references()
	}
	return r.w, r.issues
}

// place remembers where an object stands, for later findings.
type place struct {
	file string
	node ast.Node
}

type reader struct {
	w      *Workspace
	issues []Issue
	at     map[string]place // "kind name" → place
}

func (r *reader) fail(file string, line int, object, path, format string, args ...any) {
	r.issues = append(r.issues, Issue{File: file, Line: line, Object: object, Path: path, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) file(name string, data []byte) {
	if len(data) > maxFile {
		r.fail(name, 0, "", "", "The file is larger than 1 MiB; split it.")
		return
	}
	if line := tooDeep(data); line > 0 {
		r.fail(name, line, "", "", "The document is nested more than %d levels deep; flatten it.", maxDepth)
		return
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		line, sentence := yamlError(err)
		r.fail(name, line, "", "", "This is not valid YAML: %s.", sentence)
		return
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			r.document(name, doc.Body)
		}
	}
}

// yamlError takes line and first sentence from the parser's error, without the
// source excerpt, which could hold a secret (I12).
func yamlError(err error) (int, string) {
	var y yaml.Error
	if errors.As(err, &y) {
		line := 0
		if t := y.GetToken(); t != nil && t.Position != nil {
			line = t.Position.Line
		}
		return line, y.GetMessage()
	}
	return 0, "it cannot be parsed"
}

// tooDeep returns the first line whose nesting exceeds the limit, counting
// brackets and block markers; it may count brackets in strings too.
func tooDeep(data []byte) int {
	depth := 0
	for i, line := range bytes.Split(data, []byte{'\n'}) {
		rest := bytes.TrimLeft(line, " -?\t:")
		if len(line)-len(rest) > 4*maxDepth || bytes.Count(line[:len(line)-len(rest)], []byte("- ")) > maxDepth {
			return i + 1
		}
		for _, c := range rest {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
			if depth > maxDepth {
				return i + 1
			}
		}
	}
	return 0
}

func (r *reader) document(file string, body ast.Node) {
	line := body.GetToken().Position.Line
	if hasAlias(body) {
		r.fail(file, line, "", "", "Anchors and aliases (& and *) are not used here; write the value out.")
		return
	}
	var fields map[string]any
	if err := yaml.NodeToValue(body, &fields); err != nil || fields == nil {
		_, sentence := yamlError(err)
		r.fail(file, line, "", "", "A document is a list of fields, beginning with kind: (%s).", sentence)
		return
	}
	kind, _ := fields["kind"].(string)
	name, _ := fields["name"].(string)
	if kind == "" {
		r.fail(file, line, "", "kind", "Say what the document describes, e.g. kind: audience.")
		return
	}
	if name == "" {
		r.fail(file, line, kind, "name", "Give the %s a name.", kind)
		return
	}
	object := kind + " " + name
	if first, twice := r.at[object]; twice {
		r.fail(file, line, object, "name", "The name is taken: it stands in %s too; choose another.", first.file)
		return
	}
	r.at[object] = place{file, body}
	if kind != "DataContract" {
		delete(fields, "kind")
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		r.fail(file, line, object, "", "The document holds a value that JSON cannot express; write numbers and texts only.")
		return
	}
	r.decode(kind, object, raw)
}

func (r *reader) decode(kind, object string, raw []byte) {
	w := r.w
	switch kind {
	case "team":
		add(r, object, raw, &w.Teams, (*Team).validate)
	case "term":
		add(r, object, raw, &w.Terms, (*Term).validate)
	case "source":
		add(r, object, raw, &w.Sources, func(s *source.Spec) []fault.Problem { return s.Validate() })
	case "DataContract":
		add(r, object, raw, &w.Contracts, func(s *contract.Spec) []fault.Problem { return s.Validate() })
	case "trait":
		add(r, object, raw, &w.Traits, func(s *profile.TraitSpec) []fault.Problem { return s.Validate() })
	case "purpose":
		add(r, object, raw, &w.Purposes, func(s *consent.Purpose) []fault.Problem { return s.Validate() })
	case "audience":
		add(r, object, raw, &w.Audiences, func(s *audience.Spec) []fault.Problem { return s.Validate() })
	case "destination":
		add(r, object, raw, &w.Destinations, func(s *destination.Spec) []fault.Problem { return s.Validate() })
	case "activation":
		add(r, object, raw, &w.Activations, func(s *delivery.Activation) []fault.Problem { return s.Validate() })
	case "form":
		add(r, object, raw, &w.Forms, func(s *ask.Form) []fault.Problem { return s.Validate() })
	case "identity":
		if w.Identity.Name != "" {
			r.problem(object, fault.Problem{Path: "kind", Message: "There is one identity document in a workspace; merge the two."})
			return
		}
		if r.strict(object, raw, &w.Identity) {
			r.problems(object, w.Identity.Validate())
		}
	default:
		r.problem(object, fault.Problem{Path: "kind", Message: "There is no kind " + fmt.Sprintf("%q", kind) + "; use one of " + strings.Join(kinds, ", ") + "."})
	}
}

var kinds = []string{"team", "term", "source", "DataContract", "identity", "trait", "purpose", "audience", "destination", "activation", "form"}

func add[T any](r *reader, object string, raw []byte, list *[]T, validate func(*T) []fault.Problem) {
	var spec T
	if !r.strict(object, raw, &spec) {
		return
	}
	r.problems(object, validate(&spec))
	*list = append(*list, spec)
}

// strict decodes and refuses unknown fields.
func (r *reader) strict(object string, raw []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		return true
	}
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType):
		r.problem(object, fault.Problem{Path: wrongType.Field, Message: "This should be " + article(wrongType.Type.Kind().String()) + ", not " + article(wrongType.Value) + "."})
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		field := strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
		r.problem(object, fault.Problem{Path: field, Message: "There is no such field here; check its spelling and indentation."})
	default:
		r.problem(object, fault.Problem{Message: fault.Message(fault.WrapAs(fault.Invalid, "workspace.decode", err, "%s.", strings.TrimPrefix(err.Error(), "json: ")))})
	}
	return false
}

// plain names for the types of Go and JSON.
var plain = map[string]string{
	"slice": "a list", "array": "a list", "struct": "a group of fields", "map": "a group of fields", "object": "a group of fields",
	"bool": "true or false", "int": "a whole number", "int64": "a whole number", "float64": "a number", "string": "a text",
}

func article(word string) string {
	if p, ok := plain[word]; ok {
		return p
	}
	return "a " + word
}

func (r *reader) problems(object string, list []fault.Problem) {
	for _, p := range list {
		r.problem(object, p)
	}
}

func (r *reader) problem(object string, p fault.Problem) {
	at := r.at[object]
	r.fail(at.file, lineOf(at.node, p.Path), object, p.Path, "%s", p.Message)
}

func (t *Team) validate() []fault.Problem {
	if t.Side != IT && t.Side != Marketing && t.Side != Shared {
		return []fault.Problem{{Path: "side", Message: "A team is on the side it, marketing or shared."}}
	}
	return nil
}

func (t *Term) validate() []fault.Problem {
	if t.Definition == "" {
		return []fault.Problem{{Path: "definition", Message: "Say in one or two sentences what the term means."}}
	}
	return nil
}

package workspace

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"parley/internal/fault"
)

// Issue is one mistake, where it stands, and the way out.
type Issue struct {
	File    string `json:"file"` // empty: the workspace as a whole
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
	var parts []string
	for _, p := range []string{where, i.Object, i.Path, i.Message} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ": ")
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
// all together, and returns every mistake in the order of files and lines. The
// workspace is usable only when there is none; then Compile succeeds.
func Parse(files map[string][]byte) (*Workspace, []Issue) {
	r := &reader{w: &Workspace{}, at: map[string]document{}, names: map[string][]string{}, reported: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		r.file(name, files[name])
	}
	r.w.sort()
	// What an unreadable document declares is not known, and missing it
	// everywhere would bury the one mistake that matters.
	if !r.unreadable {
		r.references()
	}
	if len(r.issues) == 0 {
		if _, err := r.w.Compile(0); err != nil {
			r.fail(Issue{Message: fault.Message(err)})
		}
	}
	slices.SortStableFunc(r.issues, func(a, b Issue) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return r.w, r.issues
}

// document is one object as it was written, for later findings.
type document struct {
	file string
	root value
}

type reader struct {
	w          *Workspace
	issues     []Issue
	at         map[string]document // by object: "kind name"
	names      map[string][]string // declared names by kind, even of objects with mistakes
	reported   map[string]bool     // "object path": one finding a place is enough
	unreadable bool                // some document's kind or name is not known
}

func (r *reader) fail(i Issue) { r.issues = append(r.issues, i) }

// illegible is fail for what hides a document from all others.
func (r *reader) illegible(i Issue) {
	r.unreadable = true
	r.fail(i)
}

// problem reports a mistake within an object, once a place.
func (r *reader) problem(object, path, format string, args ...any) {
	key := object + " " + path
	if r.reported[key] {
		return
	}
	r.reported[key] = true
	at := r.at[object]
	r.fail(Issue{File: at.file, Line: at.root.lineOf(path), Object: object, Path: path, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) problems(object string, list []fault.Problem) {
	for _, p := range list {
		r.problem(object, p.Path, "%s", p.Message)
	}
}

// file reads all documents of one file.
func (r *reader) file(name string, data []byte) {
	documents, wrong := parse(data)
	if wrong != nil {
		r.illegible(Issue{File: name, Line: wrong.line, Message: wrong.message})
		return
	}
	for _, root := range documents {
		r.document(name, root)
	}
}

// document files one document under its kind and name and decodes it.
func (r *reader) document(file string, root parsed) {
	if root.form != group {
		r.illegible(Issue{File: file, Line: root.line, Message: "A document is made of fields such as kind: audience, one a line; this is " + root.form.String() + "."})
		return
	}
	kind, ok := r.heading(file, root.value, "", "kind", "Say what the document describes, such as kind: audience; there is "+strings.Join(kinds, ", ")+".")
	if !ok {
		return
	}
	if !slices.Contains(kinds, kind) {
		r.illegible(Issue{File: file, Line: root.lineOf("kind"), Path: "kind", Message: unknown("kind", kind, kinds)})
		return
	}
	name, ok := r.heading(file, root.value, kind, "name", "Give the "+kind+" a name; others refer to it by that name.")
	if !ok {
		return
	}
	object := kind + " " + name
	if first, twice := r.at[object]; twice {
		r.fail(Issue{File: file, Line: root.lineOf("name"), Object: object, Path: "name",
			Message: fmt.Sprintf("The name is taken, see %s:%d; choose another, or remove one of the two.", first.file, first.root.lineOf("name"))})
		return
	}
	r.at[object] = document{file, root.value}
	r.names[kind] = append(r.names[kind], name)
	if wrong := wrongName(kind, name); wrong != "" {
		r.problem(object, "name", "%s", wrong)
	}
	for _, m := range root.mistakes {
		r.reported[object+" "+m.path] = true
		r.fail(Issue{File: file, Line: m.line, Object: object, Path: m.path, Message: m.message})
	}
	if len(root.mistakes) == 0 {
		r.decode(kind, object, root.value)
	}
}

// heading returns a text field that every document has.
func (r *reader) heading(file string, root value, object, field, missing string) (string, bool) {
	v, _ := root.child(field)
	switch {
	case v.form == text && strings.TrimSpace(v.text) != "":
		return v.text, true
	case v.form != null && v.form != text:
		missing = fmt.Sprintf("This should be a text, not %s; put it in quotes if it is meant.", v.form)
	}
	r.illegible(Issue{File: file, Line: root.lineOf(field), Object: object, Path: field, Message: missing})
	return "", false
}

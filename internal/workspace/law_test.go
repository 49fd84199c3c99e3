package workspace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func canonical(t interface{ Fatal(...any) }, w *Workspace) []byte {
	body, err := w.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestI4CanonicalFormIsAFixedPoint(t *testing.T) {
	w, _ := example(t)
	first := canonical(t, w)
	decoded, err := Decode(first)
	if err != nil {
		t.Fatal(err)
	}
	if second := canonical(t, decoded); !bytes.Equal(first, second) {
		t.Errorf("decoding changed the canonical form:\n%s\n%s", first, second)
	}
	if changed, err := Diff(w, decoded); err != nil || len(changed) > 0 {
		t.Errorf("decoding changed %v (%v)", changed, err)
	}
}

// TestI4OrderOfWritingDoesNotMatter deals the example's documents into files
// anew, with their fields in another order.
func TestI4OrderOfWritingDoesNotMatter(t *testing.T) {
	w, files := example(t)
	want := canonical(t, w)
	var documents []value
	for _, name := range slices.Sorted(maps.Keys(files)) {
		found, wrong := parse(files[name])
		if wrong != nil {
			t.Fatal(wrong)
		}
		for _, d := range found {
			documents = append(documents, d.value)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		dealt := map[string][]byte{}
		for _, d := range rapid.Permutation(documents).Draw(t, "order") {
			name := rapid.SampledFrom([]string{"a.yaml", "b/c.yml", "z.yaml"}).Draw(t, "file")
			turned := reversed(d, rapid.Bool().Draw(t, "reversed"))
			dealt[name] = append(append(dealt[name], "---\n"...), turned.appendJSON(nil)...)
			dealt[name] = append(dealt[name], '\n')
		}
		again, issues := Parse(dealt)
		if len(issues) > 0 {
			t.Fatalf("%s", issues[0])
		}
		if got := canonical(t, again); !bytes.Equal(got, want) {
			t.Fatal("the order of writing changed the canonical form")
		}
	})
}

func reversed(v value, turn bool) value {
	v.fields, v.items = slices.Clone(v.fields), slices.Clone(v.items)
	for i := range v.fields {
		v.fields[i].value = reversed(v.fields[i].value, turn)
	}
	for i := range v.items {
		v.items[i] = reversed(v.items[i], turn)
	}
	if turn {
		slices.Reverse(v.fields)
	}
	return v
}

// TestDiffListsExactlyWhatChanged removes, adds and changes objects of the
// example and remembers which.
func TestDiffListsExactlyWhatChanged(t *testing.T) {
	from, _ := example(t)
	body := canonical(t, from)
	rapid.Check(t, func(t *rapid.T) {
		to, err := Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		mutate(t, want, "team", &to.Teams, teamName, func(x *Team, s string) { x.Title += s }, func(n string) Team { return Team{Name: n} })
		mutate(t, want, "source", &to.Sources, sourceName, nil, nil)
		mutate(t, want, "contract", &to.Contracts, contractName, nil, nil)
		mutate(t, want, "audience", &to.Audiences, audienceName, nil, nil)
		mutate(t, want, "form", &to.Forms, formName, nil, nil)
		mutate(t, want, "activation", &to.Activations, activationName, nil, nil)
		if rapid.Bool().Draw(t, "identity") {
			to.Identity.Namespaces = to.Identity.Namespaces[1:]
			want["identity people changed"] = true
		}
		changed, err := Diff(from, to)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, d := range changed {
			got[d.Kind+" "+d.Name+" "+d.What] = true
		}
		if !maps.Equal(got, want) || len(changed) != len(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if !slices.IsSortedFunc(changed, func(a, b Difference) int { return strings.Compare(a.Kind+"\x00"+a.Name, b.Kind+"\x00"+b.Name) }) {
			t.Fatalf("not sorted: %v", changed)
		}
		if same, err := Diff(to, to); err != nil || len(same) > 0 {
			t.Fatalf("a workspace differs from itself in %v (%v)", same, err)
		}
	})
}

// mutate keeps, removes or changes each object of a list, and adds one at times.
// Without change, the owner is set by reflection.
func mutate[T any](t *rapid.T, want map[string]bool, kind string, list *[]T, name func(T) string, change func(*T, string), fresh func(string) T) {
	var out []T
	for _, x := range *list {
		switch rapid.IntRange(0, 5).Draw(t, kind+" "+name(x)) {
		case 0:
			want[kind+" "+name(x)+" removed"] = true
			continue
		case 1:
			want[kind+" "+name(x)+" changed"] = true
			if change != nil {
				change(&x, "!")
			} else {
				for _, f := range []string{"Owner", "Version"} {
					if field := reflect.ValueOf(&x).Elem().FieldByName(f); field.IsValid() {
						field.SetString(field.String() + "!")
					}
				}
			}
		}
		out = append(out, x)
	}
	if fresh != nil && rapid.Bool().Draw(t, "add "+kind) {
		out = append(out, fresh("new-one"))
		want[kind+" new-one added"] = true
	}
	*list = out
}

// FuzzParse: whatever is uploaded ends in a workspace that compiles or in
// issues that say where, never in a panic, and always the same.
func FuzzParse(f *testing.F) {
	entries, err := os.ReadDir(exampleFolder)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(exampleFolder + "/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, m := range mistakes(f) {
		f.Add([]byte(m.yaml))
	}
	f.Add([]byte(base))
	page := blocksOfTheReference(f)
	for _, name := range slices.Sorted(maps.Keys(page)) {
		f.Add(page[name])
	}
	f.Add(bytes.Join(slices.Collect(maps.Values(page)), []byte("\n---\n"))) // the order is no matter
	for _, seed := range []string{
		"", "---\n---\n...\n", "%YAML 1.2\n---\nkind: team", "? ", ":", "- - -", "{", "}", "[", "&a [*a]", "<<: *x", "!!binary x", "\xef\xbb\xbfkind: team",
		"kind: audience\nname: a\nowner: it\nwhere: {trait: {name: email, op: gt, value: 1e999999999}}",
		"kind: DataContract\napiVersion: v3.1.0\nid: a\nname: a\nversion: '1'\nstatus: active\nschema:\n- name: r\n  properties:\n  - name: x\n    logicalType: number\n    logicalTypeOptions: {minimum: 1e999999999, multipleOf: 1e-999999999}\n",
		"kind: DataContract\nname: a\nschema: [{name: r, properties: [{name: x, NAME: y}]}]\n",
		"kind: source\nname: a\nowner: it\ntype: file\ncontract: web\nobject: Order\nmapping: {key: [a], identifiers: {email: {column: a, type: string}}, properties: {'': x, a.b[0]: c}}",
		"{kind: identity, name: people, namespaces: [{name: a}, {name: a}]}",
		strings.Repeat("a: ", 100), strings.Repeat("- ", 1000), strings.Repeat("[", 1000), strings.Repeat("? ", 1000), strings.Repeat("!a ", 500), strings.Repeat("a:\n ", 50),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := map[string][]byte{"case.yaml": data}
		if !bytes.Contains(data, []byte("identity")) { // a part, not a whole
			files["base.yaml"] = []byte(base)
		}
		w, issues := Parse(files)
		again, sameIssues := Parse(files)
		if fmt.Sprint(issues) != fmt.Sprint(sameIssues) {
			t.Fatalf("two readings differ:\n%v\n%v", issues, sameIssues)
		}
		lines := bytes.Count(data, []byte{'\n'}) + 1
		for _, i := range issues {
			if i.Message == "" || i.File == "" && i.Path != "identity" || i.File == "case.yaml" && (i.Line < 0 || i.Line > lines) {
				t.Errorf("an issue says too little: %#v", i)
			}
		}
		if len(issues) > 0 {
			return
		}
		first := canonical(t, w)
		if !json.Valid(first) || !bytes.Equal(first, canonical(t, again)) {
			t.Fatalf("two readings differ: %s", first)
		}
		decoded, err := Decode(first)
		if err != nil {
			t.Fatal(err)
		}
		if second := canonical(t, decoded); !bytes.Equal(first, second) {
			t.Fatalf("decoding changed the canonical form:\n%s\n%s", first, second)
		}
		if _, err := decoded.Compile(1); err != nil {
			t.Fatalf("a workspace without issues does not compile: %v", err)
		}
	})
}

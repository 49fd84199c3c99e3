package workspace

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parley/internal/ask"
	"parley/internal/audience"
	"parley/internal/consent"
	"parley/internal/contract"
	"parley/internal/delivery"
	"parley/internal/destination"
	"parley/internal/identity"
	"parley/internal/profile"
	"parley/internal/source"
)

// sections are the headings of docs/workspace.md that list the fields of a type.
var sections = map[string]reflect.Type{
	"team": reflect.TypeFor[Team](), "term": reflect.TypeFor[Term](), "DataContract": reflect.TypeFor[contract.Spec](),
	"source": reflect.TypeFor[source.Spec](), "identity": reflect.TypeFor[identity.Rules](), "trait": reflect.TypeFor[profile.TraitSpec](),
	"purpose": reflect.TypeFor[consent.Purpose](), "audience": reflect.TypeFor[audience.Spec](),
	"destination": reflect.TypeFor[destination.Spec](), "activation": reflect.TypeFor[delivery.Activation](), "form": reflect.TypeFor[ask.Form](),
	"The audience language": reflect.TypeFor[audience.Condition](),
}

// pathsOf lists the fields of a type as the reference writes them: a.b, list[].a
// and map.NAME.a. Of a type that occurs again only the shallowest place is
// listed, and conditions not at all within an audience: they have their section.
func pathsOf(root reflect.Type) map[string]bool {
	type place struct {
		reflect.Type
		path string
	}
	out, listed := map[string]bool{}, map[reflect.Type]bool{}
	for queue := []place{{root, ""}}; len(queue) > 0; queue = queue[1:] {
		t, prefix := elementOf(queue[0].Type, queue[0].path)
		if t.Kind() != reflect.Struct || t == instant || listed[t] || prefix != "" && t == reflect.TypeFor[audience.Condition]() {
			continue
		}
		listed[t] = true
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			at := strings.TrimPrefix(prefix+"."+name, ".")
			out[at] = true
			queue = append(queue, place{t.Field(i).Type, at})
		}
	}
	return out
}

// elementOf goes through pointers, lists and maps to what they hold.
func elementOf(t reflect.Type, path string) (reflect.Type, string) {
	switch {
	case t == anyJSON || t == kept:
		return t, path
	case t.Kind() == reflect.Pointer:
		return elementOf(t.Elem(), path)
	case t.Kind() == reflect.Slice:
		return elementOf(t.Elem(), path+"[]")
	case t.Kind() == reflect.Map:
		return elementOf(t.Elem(), path+".NAME")
	}
	return t, path
}

func readReference(t testing.TB) string {
	t.Helper()
	body, err := os.ReadFile("../../docs/workspace.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// row is a line of a table, whose first cell names one or more fields.
var (
	row  = regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|")
	word = regexp.MustCompile("`([^`]+)`")
)

func TestTheReferenceListsExactlyTheFieldsThereAre(t *testing.T) {
	found := map[string]string{}
	for _, part := range strings.Split(readReference(t), "\n## ")[1:] {
		title, body, _ := strings.Cut(part, "\n")
		found[strings.Trim(title, "`")] = body
	}
	for _, kind := range kinds {
		if sections[kind] == nil {
			t.Errorf("the kind %s has no section to be checked", kind)
		}
	}
	for _, title := range slices.Sorted(maps.Keys(sections)) {
		t.Run(title, func(t *testing.T) {
			want, got := pathsOf(sections[title]), map[string]bool{}
			for _, m := range row.FindAllStringSubmatch(found[title], -1) {
				for _, name := range word.FindAllStringSubmatch(m[1], -1) {
					got[name[1]] = true
				}
			}
			for _, path := range slices.Sorted(maps.Keys(want)) {
				if !got[path] && path != "kind" {
					t.Errorf("the reference lacks `%s`", path)
				}
			}
			for _, path := range slices.Sorted(maps.Keys(got)) {
				if !want[path] {
					t.Errorf("the reference has `%s`, which does not exist", path)
				}
			}
		})
	}
}

// blocksOfTheReference are the YAML blocks of the page. Empty lines before each
// make the lines of issues those of the page.
func blocksOfTheReference(t testing.TB) map[string][]byte {
	page := readReference(t)
	files := map[string][]byte{}
	for _, b := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatchIndex(page, -1) {
		above := strings.Count(page[:b[2]], "\n")
		files[fmt.Sprintf("docs/workspace.md from line %03d", above+1)] = []byte(strings.Repeat("\n", above) + page[b[2]:b[3]])
	}
	return files
}

func TestTheReferencesExamplesAreOneWorkspace(t *testing.T) {
	w, issues := Parse(blocksOfTheReference(t))
	for _, i := range issues {
		t.Error(i)
	}
	used := map[string]bool{}
	for _, a := range w.Audiences {
		conditionsUsed(a.Where, used)
	}
	known, _ := fieldsOf(reflect.TypeFor[audience.Condition]())
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if !used[name] {
			t.Errorf("no example uses the condition %s", name)
		}
	}
}

func conditionsUsed(c audience.Condition, used map[string]bool) {
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			used[name] = true
		}
	}
	for _, sub := range append(slices.Clone(c.All), c.Any...) {
		conditionsUsed(sub, used)
	}
	if c.Not != nil {
		conditionsUsed(*c.Not, used)
	}
}

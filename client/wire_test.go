package client

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// wireTypes are the roots; every other type is a field of one of them.
var wireTypes = []any{
	Failure{}, Person{}, PersonDisclosures{}, AskRequest{}, AskAnswer{}, AudienceList{}, Members{}, PreviewRequest{}, Preview{},
	Receipt{}, QuarantinePage{}, ReplayRequest{}, ReplayResult{}, Workspace{}, WorkspaceFiles{}, WorkspaceIssues{},
	WorkspacePlan{}, WorkspaceApply{}, WorkspaceApplied{}, DeliveryList{}, DeadLetters{}, RetryRequest{}, RetryResult{},
	Completeness{}, BookVerdict{}, Status{}, Destination{}, Health{}, Import{}, ImportReport{}, RowsResult{},
}

// TestWireTypesAreTheDocuments compares every type with the schema of its name
// in the committed OpenAPI document, field by field.
func TestWireTypesAreTheDocuments(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "internal", "api", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]json.RawMessage `json:"properties"`
				Required   []string                   `json:"required"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	found := map[string]reflect.Type{}
	for _, v := range wireTypes {
		collect(reflect.TypeOf(v), found)
	}
	for name, schema := range document.Components.Schemas {
		typ, ok := found[name]
		if !ok {
			t.Errorf("the client has no type %s", name)
			continue
		}
		fields := map[string]bool{} // name → always sent
		for i := range typ.NumField() {
			tag, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			fields[tag] = options == ""
		}
		for property := range schema.Properties {
			always, ok := fields[property]
			if !ok {
				t.Errorf("%s lacks %s", name, property)
				continue
			}
			if required := slices.Contains(schema.Required, property); required != always {
				t.Errorf("%s.%s: required is %v in the document", name, property, required)
			}
			delete(fields, property)
		}
		for field := range fields {
			t.Errorf("%s has %s, which the document does not know", name, field)
		}
		delete(found, name)
	}
	for name := range found {
		t.Errorf("the document has no schema %s", name)
	}
}

func collect(t reflect.Type, into map[string]reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collect(t.Elem(), into)
	case reflect.Struct:
		if t.PkgPath() != reflect.TypeFor[Person]().PkgPath() || into[t.Name()] != nil {
			return
		}
		into[t.Name()] = t
		for i := range t.NumField() {
			collect(t.Field(i).Type, into)
		}
	}
}

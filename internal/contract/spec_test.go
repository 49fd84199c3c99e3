package contract

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"parley/internal/fault"
)

func TestUnknownFieldsOfTheStandardAreKept(t *testing.T) {
	var s Spec
	if err := json.Unmarshal([]byte(orderContract), &s); err != nil {
		t.Fatal(err)
	}
	if s.Owner() != "data" {
		t.Errorf("owner %q", s.Owner())
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	_ = json.Unmarshal([]byte(orderContract), &want)
	_ = json.Unmarshal(b, &got)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the document changed on its way:\n%s", b)
	}
}

func TestNotEnforcedNamesWhatIsOnlyKept(t *testing.T) {
	var s Spec
	_ = json.Unmarshal([]byte(orderContract), &s)
	want := []string{"schema[0].quality[1]", "schema[0].properties[7].quality[1]"}
	if got := s.NotEnforced(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestValidateNamesPathAndCompileRefuses(t *testing.T) {
	head := `"apiVersion":"v3.1.0","kind":"DataContract","id":"i","version":"1","status":"active","name":"n"`
	property := func(p string) string { return `{` + head + `,"schema":[{"name":"o","properties":[` + p + `]}]}` }
	for name, tc := range map[string]struct{ doc, path string }{
		"old standard":        {`{"apiVersion":"v2.2.2","kind":"DataContract","id":"i","version":"1","status":"a","name":"n","schema":[{"name":"o"}]}`, "apiVersion"},
		"no schema":           {`{` + head + `}`, "schema"},
		"misspelt at the top": {`{` + head + `,"schema":[{"name":"o"}],"slaProps":1}`, "slaProps"},
		"policy":              {`{` + head + `,"schema":[{"name":"o"}],"customProperties":[{"property":"unplanned","value":"drop"}]}`, "customProperties[0].value"},
		"object twice":        {`{` + head + `,"schema":[{"name":"o"},{"name":"p","physicalName":"o"}]}`, "schema[1].name"},
		"misspelt":            {property(`{"name":"a","requird":true}`), "schema[0].properties[0].requird"},
		"type":                {property(`{"name":"a","logicalType":"text"}`), "schema[0].properties[0].logicalType"},
		"name":                {property(`{"logicalType":"string"}`), "schema[0].properties[0].name"},
		"twice":               {property(`{"name":"a"},{"name":"a"}`), "schema[0].properties[1].name"},
		"option of another":   {property(`{"name":"a","logicalType":"string","logicalTypeOptions":{"minimum":1}}`), "schema[0].properties[0].logicalTypeOptions.minimum"},
		"look-ahead":          {property(`{"name":"a","logicalType":"string","logicalTypeOptions":{"pattern":"(?=x)"}}`), "schema[0].properties[0].logicalTypeOptions.pattern"},
		"text limit":          {property(`{"name":"a","logicalType":"integer","logicalTypeOptions":{"minimum":"1"}}`), "schema[0].properties[0].logicalTypeOptions.minimum"},
		"multiple of nothing": {property(`{"name":"a","logicalType":"integer","logicalTypeOptions":{"multipleOf":0}}`), "schema[0].properties[0].logicalTypeOptions.multipleOf"},
		"nothing fits":        {property(`{"name":"a","logicalType":"string","logicalTypeOptions":{"minLength":3,"maxLength":2}}`), "schema[0].properties[0].logicalTypeOptions.minLength"},
		"format":              {property(`{"name":"a","logicalType":"string","logicalTypeOptions":{"format":"mail"}}`), "schema[0].properties[0].logicalTypeOptions.format"},
		"date format":         {property(`{"name":"a","logicalType":"date","logicalTypeOptions":{"format":"YYYY-DDD"}}`), "schema[0].properties[0].logicalTypeOptions.format"},
		"metric":              {property(`{"name":"a","quality":[{"metric":"invalid","mustBe":0}]}`), "schema[0].properties[0].quality[0].metric"},
		"no arguments":        {property(`{"name":"a","quality":[{"metric":"invalidValues","mustBe":0}]}`), "schema[0].properties[0].quality[0].arguments"},
		"items of text":       {property(`{"name":"a","logicalType":"string","items":{"logicalType":"string"}}`), "schema[0].properties[0].items"},
		"nested":              {property(`{"name":"a","logicalType":"object","properties":[{"name":"b","logicalType":"x"}]}`), "schema[0].properties[0].properties[0].logicalType"},
	} {
		t.Run(name, func(t *testing.T) {
			var s Spec
			if err := json.Unmarshal([]byte(tc.doc), &s); err != nil {
				t.Fatal(err)
			}
			problems := s.Validate()
			if len(problems) != 1 || problems[0].Path != tc.path {
				t.Errorf("got %v, want one at %s", problems, tc.path)
			}
			if _, err := s.Compile(); fault.KindOf(err) != fault.Invalid || err == nil {
				t.Errorf("compile: %v", err)
			}
		})
	}
}

func TestDeepDocumentIsRefused(t *testing.T) {
	doc := `{"schema":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`
	var s Spec
	if err := json.Unmarshal([]byte(doc), &s); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestStandardExamplesOfFormats(t *testing.T) {
	for pattern, value := range map[string]string{
		"yyyy-MM-dd": "2024-07-10", "yyyy-MM-ddTHH:mm:ssZ": "2024-03-10T14:22:35Z", "yyyy-MM-dd'T'HH:mm:ssXXX": "2024-03-10T14:22:35+10:00",
		"HH:mm:ss": "08:30:00", "dd MMM yyyy": "01 Dec 2010", "yyyy-MM-dd HH:mm:ss.SSS": "2024-01-01 00:00:00.123", "yyyyMMddZ": "20240101+0200",
	} {
		layouts, ok := jdkLayouts(pattern)
		if !ok {
			t.Errorf("%s not read", pattern)
			continue
		}
		if _, ok := parseTemporal(layouts, value); !ok {
			t.Errorf("%s refuses %s (%v)", pattern, value, layouts)
		}
	}
}

package source

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"parley/internal/fault"
)

func TestColumnUnmarshal(t *testing.T) {
	var m Mapping
	raw := `{"properties":{"a":"A","b":{"column":"B","type":"integer","trimSuffix":".0"}}}`
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		t.Fatal(err)
	}
	want := map[string]Column{"a": {Column: "A"}, "b": {Column: "B", Type: "integer", TrimSuffix: ".0"}}
	if !reflect.DeepEqual(m.Properties, want) {
		t.Errorf("got %+v", m.Properties)
	}
	for _, bad := range []string{`{"column":"B","typ":"integer"}`, `3`, `["B"]`} {
		var c Column
		if err := json.Unmarshal([]byte(bad), &c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func goodFile() Spec {
	return Spec{Name: "orders", Owner: "shop", Kind: File, Contract: "orders", Object: "order", Mapping: &Mapping{}}
}

func TestValidateAcceptsGoodDocuments(t *testing.T) {
	file := goodFile()
	file.Delimiter, file.Watch = ";", "in/orders"
	file.Mapping = &Mapping{
		Key:         []string{"id"},
		Events:      []EventCase{{Name: "Cancelled", When: Match{Column: "id", Matches: "^C"}}},
		Time:        &TimeColumn{Column: "at", Formats: []string{"2006-01-02 15:04:05", "02.01.06", "unix", "unix_ms", "rfc3339"}, Zone: "Europe/London"},
		Identifiers: map[string]Column{"email": {Column: "mail"}},
		Traits:      map[string]Column{"born": {Column: "born", Type: "date", Formats: []string{"02/01/2006"}}},
		Consents:    map[string]ConsentColumn{"ads": {Column: "ads", Granted: []string{"1"}, Denied: []string{"0", ""}}},
	}
	for _, s := range []Spec{file, {Name: "web", Owner: "shop", Kind: HTTP, Contract: "web", WriteKey: "k"}} {
		if got := s.Validate(); len(got) != 0 {
			t.Errorf("%s: %v", s.Name, got)
		}
	}
	if _, err := file.Mapping.Compile(); err != nil {
		t.Error(err)
	}
}

func TestValidateFindsEachMistake(t *testing.T) {
	for _, c := range []struct {
		path   string
		change func(*Spec)
	}{
		{"name", func(s *Spec) { s.Name = "Orders!" }},
		{"owner", func(s *Spec) { s.Owner = " " }},
		{"contract", func(s *Spec) { s.Contract = "" }},
		{"type", func(s *Spec) { s.Kind = "ftp" }},
		{"writeKey", func(s *Spec) { s.WriteKey = "k" }},
		{"object", func(s *Spec) { s.Object = "" }},
		{"format", func(s *Spec) { s.Format = "xlsx" }},
		{"delimiter", func(s *Spec) { s.Delimiter = ";;" }},
		{"delimiter", func(s *Spec) { s.Delimiter = "\"" }},
		{"delimiter", func(s *Spec) { s.Delimiter, s.Format = ";", "jsonl" }},
		{"watch", func(s *Spec) { s.Watch = "../in" }},
		{"watch", func(s *Spec) { s.Watch = "/in" }},
		{"mapping", func(s *Spec) { s.Mapping = nil }},
		{"mapping.key[1]", func(s *Spec) { s.Mapping.Key = []string{"a", "a"} }},
		{"mapping.key[0]", func(s *Spec) { s.Mapping.Key = []string{""} }},
		{"mapping.events[0].name", func(s *Spec) { s.Mapping.Events = []EventCase{{When: Match{"a", "x"}}} }},
		{"mapping.events[0].when.column", func(s *Spec) { s.Mapping.Events = []EventCase{{"n", Match{"", "x"}}} }},
		{"mapping.events[0].when.matches", func(s *Spec) { s.Mapping.Events = []EventCase{{"n", Match{"a", ""}}} }},
		{"mapping.events[0].when.matches", func(s *Spec) { s.Mapping.Events = []EventCase{{"n", Match{"a", "("}}} }},
		{"mapping.time.column", func(s *Spec) { s.Mapping.Time = &TimeColumn{} }},
		{"mapping.time.zone", func(s *Spec) { s.Mapping.Time = &TimeColumn{Column: "a", Zone: "Mars/Olympus"} }},
		{"mapping.time.zone", func(s *Spec) { s.Mapping.Time = &TimeColumn{Column: "a", Zone: "Local"} }},
		{"mapping.time.formats[0]", func(s *Spec) { s.Mapping.Time = &TimeColumn{Column: "a", Formats: []string{"YYYY-MM-DD"}} }},
		{"mapping.time.formats[0]", func(s *Spec) { s.Mapping.Time = &TimeColumn{Column: "a", Formats: []string{"15:04"}} }},
		{"mapping.time.formats[1]", func(s *Spec) { s.Mapping.Time = &TimeColumn{Column: "a", Formats: []string{"unix", ""}} }},
		{"mapping.identifiers.email.column", func(s *Spec) { s.Mapping.Identifiers = map[string]Column{"email": {}} }},
		{"mapping.traits.x.type", func(s *Spec) { s.Mapping.Traits = map[string]Column{"x": {Column: "a", Type: "int"}} }},
		{"mapping.properties.x.formats", func(s *Spec) {
			s.Mapping.Properties = map[string]Column{"x": {Column: "a", Formats: []string{"unix"}}}
		}},
		{"mapping.consents.ads", func(s *Spec) { s.Mapping.Consents = map[string]ConsentColumn{"ads": {Column: "a"}} }},
		{"mapping.consents.ads.granted[0]", func(s *Spec) {
			s.Mapping.Consents = map[string]ConsentColumn{"ads": {"a", []string{"1"}, []string{"1"}}}
		}},
		{"mapping.consents.ads.granted[0]", func(s *Spec) {
			s.Mapping.Consents = map[string]ConsentColumn{"ads": {"a", []string{""}, nil}}
		}},
	} {
		t.Run(c.path, func(t *testing.T) {
			s := goodFile()
			c.change(&s)
			got := s.Validate()
			if len(got) != 1 || got[0].Path != c.path || !strings.HasSuffix(got[0].Message, ".") {
				t.Errorf("got %v", got)
			}
			if strings.HasPrefix(c.path, "mapping.") {
				if _, err := s.Mapping.Compile(); fault.KindOf(err) != fault.Invalid {
					t.Errorf("Compile accepts what Validate refuses: %v", err)
				}
			}
		})
	}
}

func TestValidateHTTP(t *testing.T) {
	s := Spec{Name: "web", Owner: "o", Kind: HTTP, Contract: "c", Object: "o", Format: "csv", Delimiter: ";", Watch: "w", Mapping: &Mapping{}}
	var paths []string
	for _, p := range s.Validate() {
		paths = append(paths, p.Path)
	}
	want := []string{"writeKey", "object", "format", "delimiter", "watch", "mapping"}
	if !reflect.DeepEqual(paths, want) {
		t.Errorf("got %v, want %v", paths, want)
	}
}

func TestCompileNeedsAMapping(t *testing.T) {
	var m *Mapping
	if _, err := m.Compile(); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}

package ask

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	now  = time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)
	form = Form{Name: "checkout", Owner: "shop", Purpose: "order", Fields: []Field{
		{Name: "email", From: "identifier.email"},
		{Name: "street", From: "trait.street", MaxAge: "365d"},
		{Name: "size", From: "trait.size"},
	}}
)

func holding(values map[string]Value) Known { return Known{Now: now, Values: values} }

func TestDecide(t *testing.T) {
	email := Value{Value: "ada@example.org", Source: "crm", Time: now.AddDate(-5, 0, 0)}
	street := func(age time.Duration) Value { return Value{Value: "Main St 1", Source: "shop", Time: now.Add(-age)} }
	year := 365 * 24 * time.Hour
	for name, tc := range map[string]struct {
		fields  []string
		values  map[string]Value
		allowed bool
		known   []string
		ask     []string
	}{
		"all fields":              {nil, map[string]Value{"identifier.email": email}, true, []string{"email"}, []string{"street", "size"}},
		"only those requested":    {[]string{"size", "email"}, map[string]Value{"identifier.email": email}, true, []string{"email"}, []string{"size"}},
		"repeated":                {[]string{"email", "email", "size", "size"}, map[string]Value{"identifier.email": email}, true, []string{"email"}, []string{"size"}},
		"not of this form":        {[]string{"iban"}, map[string]Value{"trait.iban": email}, true, nil, []string{"iban"}},
		"not allowed":             {nil, map[string]Value{"identifier.email": email}, false, nil, []string{"email", "street", "size"}},
		"just fresh":              {[]string{"street"}, map[string]Value{"trait.street": street(year)}, true, []string{"street"}, nil},
		"just stale":              {[]string{"street"}, map[string]Value{"trait.street": street(year + 1)}, true, nil, []string{"street"}},
		"unknown age":             {[]string{"street"}, map[string]Value{"trait.street": {Value: "x"}}, true, nil, []string{"street"}},
		"unknown age is fine":     {[]string{"size"}, map[string]Value{"trait.size": {Value: "x"}}, true, []string{"size"}, nil},
		"empty and null are none": {nil, map[string]Value{"identifier.email": {Value: ""}, "trait.size": {}}, true, nil, []string{"email", "street", "size"}},
		"false is a value":        {[]string{"size"}, map[string]Value{"trait.size": {Value: false}}, true, []string{"size"}, nil},
		"a list is a value":       {[]string{"size"}, map[string]Value{"trait.size": {Value: []any{"s"}}}, true, []string{"size"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := Decide(form, tc.fields, holding(tc.values), tc.allowed)
			if len(got.Known) != len(tc.known) || got.Avoided != len(tc.known) {
				t.Errorf("known %v, avoided %d, want %v", got.Known, got.Avoided, tc.known)
			}
			for _, f := range tc.known {
				from := map[string]string{"email": "identifier.email", "street": "trait.street", "size": "trait.size"}[f]
				if !reflect.DeepEqual(got.Known[f], KnownField(tc.values[from])) {
					t.Errorf("%s: got %v", f, got.Known[f])
				}
			}
			if len(got.Ask)+len(tc.ask) > 0 && !reflect.DeepEqual(got.Ask, tc.ask) {
				t.Errorf("ask %v, want %v", got.Ask, tc.ask)
			}
		})
	}
}

func TestI6WhoMayNotBeUsedLooksLikeAStranger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOf(rapid.SampledFrom([]string{"identifier.email", "trait.street", "trait.size"}),
			rapid.Custom(func(t *rapid.T) Value { return Value{Value: rapid.String().Draw(t, "v"), Time: now} })).Draw(t, "values")
		fields := rapid.SliceOf(rapid.SampledFrom([]string{"email", "street", "size", "iban"})).Draw(t, "fields")
		got, stranger := Decide(form, fields, holding(values), false), Decide(form, fields, holding(nil), true)
		if !reflect.DeepEqual(got, stranger) {
			t.Fatalf("got %v, a stranger gets %v", got, stranger)
		}
	})
}

func TestValidate(t *testing.T) {
	if problems := form.Validate(); len(problems) != 0 {
		t.Fatalf("a good form has %v", problems)
	}
	for path, spoil := range map[string]func(*Form){
		"name":             func(f *Form) { f.Name = " " },
		"owner":            func(f *Form) { f.Owner = "" },
		"purpose":          func(f *Form) { f.Purpose = "" },
		"fields":           func(f *Form) { f.Fields = nil },
		"fields[0].name":   func(f *Form) { f.Fields[0].Name = "e mail" },
		"fields[1].name":   func(f *Form) { f.Fields[1].Name = "email" },
		"fields[2].from":   func(f *Form) { f.Fields[2].From = "size" },
		"fields[1].maxAge": func(f *Form) { f.Fields[1].MaxAge = "1y" },
	} {
		t.Run(path, func(t *testing.T) {
			f := form
			f.Fields = append([]Field{}, form.Fields...)
			spoil(&f)
			if problems := f.Validate(); len(problems) != 1 || problems[0].Path != path {
				t.Errorf("got %v", problems)
			}
		})
	}
}

func TestParseAge(t *testing.T) {
	for s, want := range map[string]time.Duration{"90m": 90 * time.Minute, "12h": 12 * time.Hour, "2w": 14 * 24 * time.Hour, "365d": 8760 * time.Hour} {
		if got, ok := parseAge(s); !ok || got != want {
			t.Errorf("%s: %v %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "d", "0d", "-1d", "+1d", "1.5d", "7", "1y", "99999999999d", "4294967295w", "é"} {
		if _, ok := parseAge(s); ok {
			t.Errorf("%q was accepted", s)
		}
	}
}

func FuzzParseAge(f *testing.F) {
	f.Add("365d")
	f.Add("4294967295w")
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := parseAge(s); ok && d <= 0 {
			t.Errorf("%q gives %v", s, d)
		}
	})
}

package consent

import (
	"strings"
	"testing"
)

func TestPurposeValidate(t *testing.T) {
	for name, c := range map[string]struct {
		in   Purpose
		want string // paths, comma separated
	}{
		"good consent":      {Purpose{Name: "ads", Owner: "legal", Basis: Consent}, ""},
		"good ground":       {Purpose{Name: "billing", Owner: "legal", Basis: Contract, Ground: "the sale"}, ""},
		"empty":             {Purpose{}, "name,owner,basis"},
		"unknown basis":     {Purpose{Name: "a", Owner: "b", Basis: "because"}, "basis"},
		"ground missing":    {Purpose{Name: "a", Owner: "b", Basis: LegitimateInterest}, "ground"},
		"ground only blank": {Purpose{Name: "a", Owner: "b", Basis: LegalObligation, Ground: "  "}, "ground"},
	} {
		t.Run(name, func(t *testing.T) {
			var paths []string
			for _, p := range c.in.Validate() {
				paths = append(paths, p.Path)
				if !strings.HasSuffix(p.Message, ".") {
					t.Errorf("message is not a sentence: %q", p.Message)
				}
			}
			if got := strings.Join(paths, ","); got != c.want {
				t.Errorf("problems at %q, want %q", got, c.want)
			}
		})
	}
}

func TestI6DefaultDeny(t *testing.T) {
	with := func(b Basis, ground string) *Purpose {
		return &Purpose{Name: "ads", Owner: "o", Basis: b, Ground: ground}
	}
	here := []string{"service", "ads"}
	for name, c := range map[string]struct {
		p       *Purpose
		stand   Stand
		serves  []string
		allowed bool
		ground  string
	}{
		"no purpose":                  {nil, Granted, here, false, ""},
		"nameless purpose":            {&Purpose{Basis: Consent}, Granted, []string{""}, false, ""},
		"destination serves nothing":  {with(Consent, ""), Granted, nil, false, ""},
		"destination serves another":  {with(Consent, ""), Granted, []string{"service"}, false, ""},
		"consent granted":             {with(Consent, ""), Granted, here, true, "consent"},
		"consent unknown":             {with(Consent, ""), Unknown, here, false, ""},
		"consent denied":              {with(Consent, ""), Denied, here, false, ""},
		"consent nonsense stand":      {with(Consent, ""), "maybe", here, false, ""},
		"interest unknown":            {with(LegitimateInterest, "g"), Unknown, here, true, "legitimate_interest: g"},
		"interest granted":            {with(LegitimateInterest, "g"), Granted, here, true, "legitimate_interest: g"},
		"interest objected":           {with(LegitimateInterest, "g"), Denied, here, false, ""},
		"interest nonsense stand":     {with(LegitimateInterest, "g"), "conflict", here, false, ""},
		"interest without ground":     {with(LegitimateInterest, " "), Unknown, here, false, ""},
		"contract despite denial":     {with(Contract, "g"), Denied, here, true, "contract: g"},
		"contract without ground":     {with(Contract, ""), Granted, here, false, ""},
		"obligation":                  {with(LegalObligation, "g"), Unknown, here, true, "legal_obligation: g"},
		"no basis":                    {with("", "g"), Granted, here, false, ""},
		"unknown basis with a ground": {with("vital", "g"), Granted, here, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Decide(c.p, c.stand, c.serves)
			if got.Allowed != c.allowed || got.Ground != c.ground {
				t.Fatalf("got %+v", got)
			}
			if got.Allowed == (got.Reason != "") {
				t.Errorf("a refusal, and only a refusal, has a reason: %+v", got)
			}
		})
	}
}

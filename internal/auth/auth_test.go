package auth

import (
	"testing"

	"parley/internal/fault"
)

const admin, ask = "admin-token-of-32-characters-abc", "ask-token-of-32-characters-abcde"

func TestRole(t *testing.T) {
	both, err := NewTokens(admin, ask)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := NewTokens(admin, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		tokens *Tokens
		token  string
		role   Role
		ok     bool
	}{
		{"admin", both, admin, Admin, true},
		{"ask", both, ask, Ask, true},
		{"unknown", both, "another-token-of-32-characters-a", "", false},
		{"beginning of one", both, admin[:20], "", false},
		{"empty", both, "", "", false},
		{"empty when no ask token is set", alone, "", "", false},
		{"ask when none is set", alone, ask, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			role, ok := c.tokens.Role(c.token)
			if role != c.role || ok != c.ok {
				t.Errorf("got %q %v, want %q %v", role, ok, c.role, c.ok)
			}
		})
	}
}

func TestNewTokensRefuses(t *testing.T) {
	for name, c := range map[string][2]string{
		"no admin token": {"", ask}, "short admin token": {"short", ask}, "short ask token": {admin, "short"}, "one for both": {admin, admin},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewTokens(c[0], c[1]); fault.KindOf(err) != fault.Invalid || err == nil {
				t.Errorf("got %v, want an invalid error", err)
			}
		})
	}
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer  abc ": "abc", "Basic abc": "", "abc": "", "": "", "Bearer": "",
	} {
		if got := Bearer(header); got != want {
			t.Errorf("Bearer(%q) = %q, want %q", header, got, want)
		}
	}
}

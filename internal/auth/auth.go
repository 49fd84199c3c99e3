// Package auth decides who may call the API: bearer tokens, each with a role.
// Tokens are held and compared as SHA-256 sums in constant time, so neither the
// memory of the process nor the time of an answer tells one (I12). Making and
// storing tokens is the work of the package tokenfile.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"parley/internal/fault"
)

// Role is what the bearer of a token may do.
type Role string

// The roles.
const (
	// Admin may call everything.
	Admin Role = "admin"
	// Ask may call the ask API and read one person: it is for the company's own
	// web servers, which must not be able to change anything.
	Ask Role = "ask"
)

// MinLength is the shortest token that is accepted, in bytes: shorter ones can be guessed.
const MinLength = 16

// Tokens knows every token. It is immutable and safe for concurrent use.
type Tokens struct {
	list []entry
}

type entry struct {
	role Role
	sum  [sha256.Size]byte
}

// NewTokens takes the token of each role; an empty ask token admits nobody to
// that role. A token below MinLength, or one for both roles, is Invalid.
func NewTokens(admin, ask string) (*Tokens, error) {
	if len(admin) < MinLength || ask != "" && len(ask) < MinLength {
		return nil, fault.New(fault.Invalid, "auth.tokens", "A token needs at least %d characters; delete the file and a new one is made.", MinLength)
	}
	if admin == ask {
		return nil, fault.New(fault.Invalid, "auth.tokens", "The admin token and the ask token are the same; give the web servers one of their own.")
	}
	t := &Tokens{list: []entry{{Admin, sha256.Sum256([]byte(admin))}}}
	if ask != "" {
		t.list = append(t.list, entry{Ask, sha256.Sum256([]byte(ask))})
	}
	return t, nil
}

// Role returns the role of a token, and false for one that nobody was given.
// Every token is compared, so the time taken does not depend on which one fits.
func (t *Tokens) Role(token string) (Role, bool) {
	sum := sha256.Sum256([]byte(token))
	var role Role
	found := false
	for i := range t.list {
		if subtle.ConstantTimeCompare(sum[:], t.list[i].sum[:]) == 1 {
			role, found = t.list[i].role, true
		}
	}
	return role, found
}

// Bearer returns the token of an Authorization header, empty if it has none.
func Bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

package suggest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	known := []string{"owner", "title", "atLeast", "atMost", "recent-buyers"}
	for _, c := range []struct{ name, word, want string }{
		{"a letter missing", "owne", "owner"},
		{"a letter too many", "ownerr", "owner"},
		{"two letters exchanged", "onwer", "owner"},
		{"case aside", "atleast", "atLeast"},
		{"the first of equals", "at", ""},
		{"plural", "recent-buyer", "recent-buyers"},
		{"nothing alike", "zzzzz", ""},
		{"nothing written", "", ""},
		{"too long to be a slip", strings.Repeat("owner", 20), ""},
		{"the word itself", "title", "title"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Nearest(c.word, known); got != c.want {
				t.Errorf("Nearest(%q) = %q, want %q", c.word, got, c.want)
			}
		})
	}
	if got := Nearest("ab", []string{"ac", "ad"}); got != "ac" {
		t.Errorf("of equals %q was chosen, want the first", got)
	}
}

// TestDistanceIsAMetric holds it to what a distance must be.
func TestDistanceIsAMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,6}`)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		ab := distance(a, b)
		switch {
		case (ab == 0) != (a == b):
			t.Fatalf("distance(%q, %q) = %d", a, b, ab)
		case ab != distance(b, a):
			t.Fatalf("distance(%q, %q) depends on the side", a, b)
		case distance(a, c) > ab+distance(b, c):
			t.Fatalf("the way from %q to %q is longer than over %q", a, c, b)
		case ab > max(len(a), len(b)):
			t.Fatalf("distance(%q, %q) = %d", a, b, ab)
		}
	})
}

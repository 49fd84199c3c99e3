package workspace

import (
	"sort"

	"parley/internal/consent"
	"parley/internal/contract"
	"parley/internal/profile"
)

func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = name(x)
	}
	return out
}

func nameOfContract(c contract.Spec) string { return c.Name }

func (r *reader) traitNames() []string {
	return names(r.w.Traits, func(x profile.TraitSpec) string { return x.Name })
}

func (r *reader) purposeNames() []string {
	return names(r.w.Purposes, func(x consent.Purpose) string { return x.Name })
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// nearest returns the name of a list within edit distance 2 of s, "" if none.
func nearest(s string, list []string) string {
	best, at := "", 3
	for _, x := range list {
		if d := distance(s, x); d < at {
			best, at = x, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two texts, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

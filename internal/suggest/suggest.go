// Package suggest finds what somebody may have meant: the known word closest to
// one that is not known, so that a mistake is answered with its correction.
package suggest

import "strings"

// longest is the longest word, in bytes, that is compared; longer ones are no
// typing mistakes, and comparing them would cost time for nothing.
const longest = 64

// Nearest returns the known word with the fewest edits (insert, delete or
// replace one byte, case aside), the first of equals, or "" when more than half
// of the word would have to change. It depends on the order of known alone.
func Nearest(word string, known []string) string {
	if word == "" || len(word) > longest {
		return ""
	}
	best, fewest := "", max(1, len(word)/2)+1
	for _, k := range known {
		if len(k) > 2*longest {
			continue
		}
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < fewest {
			best, fewest = k, d
		}
	}
	return best
}

// distance is the edit distance of Levenshtein (1965), in bytes, row by row.
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
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

package audience

import (
	"fmt"
	"strconv"
	"strings"
)

// quote shows a word of the document in a message, shortened.
func quote(word string) string {
	const longest = 40
	if runes := []rune(word); len(runes) > longest {
		word = string(runes[:longest]) + "…"
	}
	return strconv.Quote(word)
}

// unknown is the sentence for a word that is none of the known ones.
func unknown(what, word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("%s is no %s; did you mean %s?", quote(word), what, best)
	}
	return fmt.Sprintf("%s is no %s; use one of %s.", quote(word), what, strings.Join(known, ", "))
}

// unknownOperator is unknown for operators, which have well-known other names.
func unknownOperator(word string) string {
	plain := strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(word))
	if op, ok := operatorWords[plain]; ok {
		return fmt.Sprintf("%s is no operator; did you mean %s?", quote(word), op)
	}
	return unknown("operator", word, operatorNames)
}

// nearest returns the known word with the fewest edits, the first of equals, or
// "" when more than half of the word would have to change.
func nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	best, fewest := "", max(1, len(word)/2)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < fewest {
			best, fewest = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
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

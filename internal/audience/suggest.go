package audience

import (
	"fmt"
	"strconv"
	"strings"

	"parley/internal/suggest"
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
	if best := suggest.Nearest(word, known); best != "" {
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

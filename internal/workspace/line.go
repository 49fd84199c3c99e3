package workspace

import (
	"strconv"
	"strings"
)

// child returns a field, nothing and false if there is none.
func (v value) child(name string) (value, bool) {
	for _, f := range v.fields {
		if f.name == name {
			return f.value, true
		}
	}
	return value{}, false
}

// lineOf returns the line of a dotted path such as where.all[1].event within a
// document, or of its deepest part that exists.
func (v value) lineOf(path string) int {
	line := v.line
	for path != "" {
		next, at, rest := v.step(path)
		if at == 0 {
			return line
		}
		v, line, path = next, at, rest
	}
	return line
}

// step follows the first part of a path. Names may hold dots and brackets
// themselves, so the longest name that fits is taken.
func (v value) step(path string) (next value, line int, rest string) {
	if index, after, ok := strings.Cut(strings.TrimPrefix(path, "["), "]"); ok && strings.HasPrefix(path, "[") {
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= len(v.items) {
			return value{}, 0, ""
		}
		return v.items[i], v.items[i].line, strings.TrimPrefix(after, ".")
	}
	longest := -1
	for _, f := range v.fields {
		after, ok := strings.CutPrefix(path, f.name)
		fits := ok && (after == "" || after[0] == '.' || after[0] == '[')
		if fits && len(f.name) > longest {
			longest, next, line, rest = len(f.name), f.value, f.line, strings.TrimPrefix(after, ".")
		}
	}
	return next, line, rest
}

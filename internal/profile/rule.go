package profile

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

func (s *TraitSpec) rule() Rule {
	if s.Rule == "" {
		return Latest
	}
	return s.Rule
}

// add folds one entry in and keeps what the rule still needs. Whatever the order
// in which entries come, and however often, the result must be the same:
// everything this package promises rests on that.
func add(spec *TraitSpec, entries []entry, e entry) []entry {
	switch spec.rule() {
	case MostFrequent:
		return top(entries, e, MaxCounted, sameEvent)
	case Union:
		return top(entries, e, MaxValues, sameValue)
	}
	if len(entries) == 0 {
		return append(entries, e)
	}
	if spec.better(&e, &entries[0]) {
		entries[0] = e
	}
	return entries[:1]
}

// better compares by a total order, whose maximum does not depend on sequence.
func (s *TraitSpec) better(a, b *entry) bool {
	switch s.rule() {
	case Earliest:
		return byTime(a, b) < 0
	case Longest:
		return cmp.Or(cmp.Compare(a.length(), b.length()), byTime(a, b)) > 0
	case Priority:
		return cmp.Or(cmp.Compare(s.rank(b.source), s.rank(a.source)), byTime(a, b)) > 0
	}
	return byTime(a, b) > 0
}

// byTime is the total order that settles every tie; greater is later.
func byTime(a, b *entry) int {
	return cmp.Or(
		cmp.Compare(a.micros, b.micros),
		strings.Compare(a.source, b.source),
		strings.Compare(a.id, b.id),
		strings.Compare(a.raw, b.raw),
	)
}

// top keeps the n latest entries, latest first, and of those that are the same
// only the latest. It merges exactly: an entry falls out only when n others are
// later, and those can only be replaced by entries that are later still.
func top(entries []entry, e entry, n int, same func(a, b *entry) bool) []entry {
	i := slices.IndexFunc(entries, func(k entry) bool { return same(&k, &e) })
	if i >= 0 {
		if byTime(&entries[i], &e) >= 0 {
			return entries
		}
		entries = slices.Delete(entries, i, i+1)
	}
	at, _ := slices.BinarySearchFunc(entries, e, func(a, b entry) int { return byTime(&b, &a) })
	if at == n {
		return entries
	}
	entries = slices.Insert(entries, at, e)
	return entries[:min(n, len(entries))]
}

// sameEvent: an event is counted once, and a row that was updated counts with
// its latest version (the id of a record event is the row's key).
func sameEvent(a, b *entry) bool { return a.source == b.source && a.id == b.id }

func sameValue(a, b *entry) bool { return a.raw == b.raw }

// rank is the place of a source in the order of preference, 0 the best.
func (s *TraitSpec) rank(source string) int {
	if i := slices.Index(s.Sources, source); i >= 0 {
		return i
	}
	return len(s.Sources)
}

// length counts the characters of a text, or of the JSON of anything else.
func (e *entry) length() int {
	if text, ok := parse(e.raw).(string); ok {
		return utf8.RuneCountInString(text)
	}
	return utf8.RuneCountInString(e.raw)
}

// mostFrequent returns the latest entry of the value that occurs most often.
// Entries are sorted latest first, so the first value to reach the highest count
// in that order is the one seen last.
func mostFrequent(entries []entry) entry {
	counts := make(map[string]int, len(entries))
	for i := range entries {
		counts[entries[i].raw]++
	}
	most := 0
	for i := range entries {
		if counts[entries[i].raw] > counts[entries[most].raw] {
			most = i
		}
	}
	return entries[most]
}

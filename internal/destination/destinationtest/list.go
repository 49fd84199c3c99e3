package destinationtest

import (
	"encoding/json"
	"fmt"
	"maps"

	"parley/internal/destination"
)

// Entry is one member as a destination holds it.
type Entry struct {
	Version int64             `json:"version"`
	Fields  map[string]string `json:"fields"`
}

// lists is what a destination holds: per activation the people on the list,
// and the last version heard of each, so that an old change cannot undo a new
// one. Its owner holds the lock.
type lists struct {
	on    map[string]map[string]Entry
	heard map[string]map[string]int64
}

// apply carries out one change. It returns false for a version older than
// what is known, which is then left aside.
func (l *lists) apply(activation string, m destination.Member) bool {
	if l.on == nil {
		l.on, l.heard = map[string]map[string]Entry{}, map[string]map[string]int64{}
	}
	if l.on[activation] == nil {
		l.on[activation], l.heard[activation] = map[string]Entry{}, map[string]int64{}
	}
	if m.Version < l.heard[activation][m.Person] {
		return false
	}
	l.heard[activation][m.Person] = m.Version
	if m.Action == destination.Add {
		l.on[activation][m.Person] = Entry{Version: m.Version, Fields: maps.Clone(m.Fields)}
	} else {
		delete(l.on[activation], m.Person)
	}
	return true
}

func (l *lists) list(activation string) map[string]Entry {
	out := make(map[string]Entry, len(l.on[activation]))
	for p, e := range l.on[activation] {
		out[p] = Entry{Version: e.Version, Fields: maps.Clone(e.Fields)}
	}
	return out
}

func (l *lists) text() string {
	b, err := json.Marshal([]any{l.on, l.heard})
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}

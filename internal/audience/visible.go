package audience

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// Visibility says which part of a history can still matter: for every event
// name the properties that are looked at and for how long. What is not in it
// may be forgotten without changing any answer, now or later (I8). The zero
// value sees nothing. It never changes.
type Visibility struct {
	events map[string]sight
}

// sight is what is seen of the events of one name.
type sight struct {
	properties []string      // dotted, sorted, none within another
	longest    time.Duration // 0: for ever
}

// See is the visibility of the events of one name for a rolling window, or for
// ever when window is 0; others than audiences use it to keep what they need.
func See(event string, properties []string, window time.Duration) Visibility {
	return Visibility{events: map[string]sight{event: {properties: outermost(properties), longest: max(window, 0)}}}
}

// Merge sees what either sees.
func (v Visibility) Merge(other Visibility) Visibility {
	events := make(map[string]sight, len(v.events)+len(other.events))
	for name, s := range v.events {
		events[name] = s
	}
	for name, s := range other.events {
		if known, ok := events[name]; ok {
			s = known.merge(s)
		}
		events[name] = s
	}
	return Visibility{events: events}
}

func (s sight) merge(other sight) sight {
	merged := sight{properties: outermost(append(slices.Clone(s.properties), other.properties...))}
	if s.longest > 0 && other.longest > 0 {
		merged.longest = max(s.longest, other.longest)
	}
	return merged
}

// outermost sorts paths and drops those within another: whoever keeps address
// keeps address.city too.
func outermost(paths []string) []string {
	sorted := slices.Clone(paths)
	sort.Slice(sorted, func(i, j int) bool {
		return len(sorted[i]) < len(sorted[j]) || len(sorted[i]) == len(sorted[j]) && sorted[i] < sorted[j]
	})
	var kept []string
	for _, path := range sorted {
		inside := func(outer string) bool { return path == outer || strings.HasPrefix(path, outer+".") }
		if !slices.ContainsFunc(kept, inside) {
			kept = append(kept, path)
		}
	}
	sort.Strings(kept)
	return kept
}

// Events lists the names of the events that are seen, sorted.
func (v Visibility) Events() []string {
	names := make([]string, 0, len(v.events))
	for name := range v.events {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Of tells what is seen of one event name: dotted properties, sorted, and the
// longest rolling window; forever means that no age is too old. ok is false
// when such events are not seen at all.
func (v Visibility) Of(event string) (properties []string, longest time.Duration, forever, ok bool) {
	s, ok := v.events[event]
	return slices.Clone(s.properties), s.longest, ok && s.longest == 0, ok
}

// Keep returns the part of an event that can still matter at now or later, or
// false when none can. It leaves o and its properties as they are. An event in
// the future is kept, since it will be seen when its time comes.
func (v Visibility) Keep(o Occurrence, now time.Time) (Occurrence, bool) {
	s, ok := v.events[o.Name]
	if !ok {
		return Occurrence{}, false
	}
	// Only where every condition has a rolling window can an event grow too old:
	// a fixed window looks back at the same days for ever.
	if s.longest > 0 && o.Time.Before(now.Add(-s.longest)) {
		return Occurrence{}, false
	}
	o.Properties = s.trim(o.Properties)
	return o, true
}

// trim copies the visible properties, nil when there are none.
func (s sight) trim(properties map[string]any) map[string]any {
	var kept map[string]any
	for _, path := range s.properties {
		value := lookup(properties, path)
		if value == nil { // null counts as missing
			continue
		}
		if kept == nil {
			kept = make(map[string]any, len(s.properties))
		}
		put(kept, path, value)
	}
	return kept
}

// put sets a value at a dotted path in maps that trim made itself; since no
// visible path lies within another, it never writes into the caller's maps.
func put(object map[string]any, path string, value any) {
	for {
		head, rest, nested := strings.Cut(path, ".")
		if !nested {
			object[path] = value
			return
		}
		inner, ok := object[head].(map[string]any)
		if !ok {
			inner = make(map[string]any)
			object[head] = inner
		}
		object, path = inner, rest
	}
}

func visibilityOf(audiences []*Compiled) Visibility {
	v := Visibility{events: make(map[string]sight)}
	for _, c := range audiences {
		c.root.each(func(n *node) {
			if n.event == nil {
				return
			}
			s := n.event.sight()
			if known, ok := v.events[n.event.name]; ok {
				s = known.merge(s)
			}
			v.events[n.event.name] = s
		})
	}
	return v
}

func (e *eventTest) sight() sight {
	var paths []string
	for i := range e.where {
		paths = append(paths, e.where[i].property)
	}
	if e.property != "" {
		paths = append(paths, e.property)
	}
	return sight{properties: outermost(paths), longest: e.window.last}
}

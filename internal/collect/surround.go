package collect

import (
	"strings"

	"github.com/tidwall/gjson"
)

// member is one name and its value as JSON text. The name is as it reads, so
// that two spellings of one name are equal.
type member struct{ name, value string }

// shared is an object that stands around the events of a batch and belongs to
// each of them.
type shared struct {
	raw     string // "" for none
	members []sharedMember
}

type sharedMember struct {
	name string // as it reads
	pair string // name and value as JSON text
}

// around is what stands around the events of a batch. Segment's Go SDK names
// its library only there.
type around struct {
	context, integrations shared
}

func (a *around) some() bool { return a.context.raw != "" || a.integrations.raw != "" }

func newAround(f *fields) around {
	return around{context: newShared(f.context), integrations: newShared(f.integrations)}
}

// newShared takes an object with at least one member; anything else is nothing.
func newShared(v gjson.Result) shared {
	if !v.IsObject() {
		return shared{}
	}
	var s shared
	last := map[string]int{}
	v.ForEach(func(key, value gjson.Result) bool {
		m := sharedMember{name: key.Str, pair: key.Raw + ":" + value.Raw}
		if i, again := last[m.name]; again {
			s.members[i] = m
			return true
		}
		last[m.name] = len(s.members)
		s.members = append(s.members, m)
		return true
	})
	if len(s.members) > 0 {
		s.raw = v.Raw
	}
	return s
}

// surround writes what stands around a batch into an event that lacks it. What
// the event says itself wins, name by name.
func (s *split) surround(event string) []byte {
	var set [2]member
	n := 0
	if raw, changed := s.around.context.under(s.item.context); changed {
		set[n] = member{"context", raw}
		n++
	}
	if raw, changed := s.around.integrations.under(s.item.integrations); changed {
		set[n] = member{"integrations", raw}
		n++
	}
	if n == 0 {
		return bytesOf(event)
	}
	return s.rewrite(event, set[:n])
}

// under returns an event's own object with the shared members that it lacks,
// and whether that changes it. A value that is no object is left for the
// pipeline to judge.
func (sh *shared) under(own gjson.Result) (string, bool) {
	if sh.raw == "" {
		return "", false
	}
	if !present(own) {
		return sh.raw, true
	}
	if !own.IsObject() {
		return "", false
	}
	has := make(map[string]struct{}, 8)
	own.ForEach(func(key, _ gjson.Result) bool {
		has[key.Str] = struct{}{}
		return true
	})
	var b strings.Builder
	b.WriteByte('{')
	for i := range sh.members {
		if _, ok := has[sh.members[i].name]; ok {
			continue
		}
		b.WriteString(sh.members[i].pair)
		b.WriteByte(',')
	}
	if b.Len() == 1 {
		return "", false
	}
	if len(has) == 0 {
		return sh.raw, true
	}
	b.WriteString(own.Raw[1:])
	return b.String(), true
}

// rewrite returns an object with members set, each in place of all of its name.
// It has them first and changes nothing else but blanks between members.
func (s *split) rewrite(object string, set []member) []byte {
	start := len(s.merged)
	b := append(s.merged, '{')
	for _, m := range set {
		b = append(b, '"')
		b = append(b, m.name...)
		b = append(b, `":`...)
		b = append(b, m.value...)
		b = append(b, ',')
	}
	gjson.Result{Type: gjson.JSON, Raw: object}.ForEach(func(key, value gjson.Result) bool {
		for _, m := range set {
			if m.name == key.Str {
				return true
			}
		}
		b = append(b, key.Raw...)
		b = append(b, ':')
		b = append(b, value.Raw...)
		b = append(b, ',')
		return true
	})
	b[len(b)-1] = '}'
	s.merged = b
	return b[start:len(b):len(b)]
}

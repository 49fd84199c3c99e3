package collect

import "github.com/tidwall/gjson"

// member is one name and its value as JSON text. The name is as it reads, so
// that two spellings of one name are equal.
type member struct{ name, value string }

// shared is an object that stands around the events of a batch and belongs to
// each of them.
type shared struct {
	raw   string         // "" for none
	pairs []string       // name and value of each member as JSON text
	index map[string]int // of a member's name as it reads, in pairs
	had   []bool         // which of them the event at hand has itself
}

// around is what stands around the events of a batch. Segment's Go SDK names
// its library only there.
type around struct {
	context, integrations shared
	objects               []byte // holds what was merged for the event at hand
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
	s := shared{index: map[string]int{}}
	v.ForEach(func(key, value gjson.Result) bool {
		pair := key.Raw + ":" + value.Raw
		if i, again := s.index[key.Str]; again {
			s.pairs[i] = pair
			return true
		}
		s.index[key.Str] = len(s.pairs)
		s.pairs = append(s.pairs, pair)
		return true
	})
	if len(s.pairs) > 0 {
		s.raw = v.Raw
		s.had = make([]bool, len(s.pairs))
	}
	return s
}

// surround writes what stands around a batch into an event that lacks it. What
// the event says itself wins, name by name.
func (s *split) surround(event string) []byte {
	a := &s.around
	a.objects = a.objects[:0]
	var set [2]member
	n := 0
	if raw, changed := a.under(&a.context, s.item.context); changed {
		set[n] = member{"context", raw}
		n++
	}
	if raw, changed := a.under(&a.integrations, s.item.integrations); changed {
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
// pipeline to judge. The text is good until the next event.
func (a *around) under(sh *shared, own gjson.Result) (text string, changed bool) {
	if sh.raw == "" {
		return "", false
	}
	if !present(own) {
		return sh.raw, true
	}
	if !own.IsObject() {
		return "", false
	}
	clear(sh.had)
	empty := true
	lacks := len(sh.pairs)
	own.ForEach(func(key, _ gjson.Result) bool {
		empty = false
		if i, ok := sh.index[key.Str]; ok && !sh.had[i] {
			sh.had[i] = true
			lacks--
		}
		return true
	})
	if empty || lacks == 0 {
		return sh.raw, empty
	}
	start := len(a.objects)
	b := append(a.objects, '{')
	for i, pair := range sh.pairs {
		if !sh.had[i] {
			b = append(b, pair...)
			b = append(b, ',')
		}
	}
	b = append(b, own.Raw[1:]...)
	a.objects = b
	return textOf(b[start:]), true
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

package workspace

import (
	"fmt"
	"slices"
	"strings"

	"parley/internal/audience"
)

// reference is one audience mentioned in another, and where.
type reference struct{ path, to string }

// audiences checks what conditions refer to, and that no audience depends on itself.
func (r *reader) audiences() {
	mentions := map[string][]reference{}
	for _, a := range r.w.Audiences {
		object := "audience " + a.Name
		r.owner(object, a.Owner)
		c := conditions{r, object, nil}
		c.visit("where", a.Where)
		mentions[a.Name] = c.mentions
	}
	circles := circleFinder{r: r, mentions: mentions, finished: map[string]bool{}}
	for _, a := range r.w.Audiences {
		circles.visit(a.Name)
	}
}

// conditions walks the tree of one audience.
type conditions struct {
	r        *reader
	object   string
	mentions []reference
}

func (v *conditions) visit(path string, c audience.Condition) {
	for i, sub := range c.All {
		v.visit(fmt.Sprintf("%s.all[%d]", path, i), sub)
	}
	for i, sub := range c.Any {
		v.visit(fmt.Sprintf("%s.any[%d]", path, i), sub)
	}
	if c.Not != nil {
		v.visit(path+".not", *c.Not)
	}
	if c.Trait != nil {
		v.r.exists(v.object, path+".trait.name", "trait", c.Trait.Name)
	}
	if c.Consent != nil {
		v.r.exists(v.object, path+".consent.purpose", "purpose", c.Consent.Purpose)
	}
	if c.Identified != "" {
		v.r.namespace(v.object, path+".identified", c.Identified)
	}
	if c.Audience != "" {
		v.r.exists(v.object, path+".audience", "audience", c.Audience)
		v.mentions = append(v.mentions, reference{path + ".audience", c.Audience})
	}
}

// circleFinder walks the references depth first and reports the one that closes a circle.
type circleFinder struct {
	r        *reader
	mentions map[string][]reference
	trail    []string
	finished map[string]bool
}

func (f *circleFinder) visit(name string) {
	if f.finished[name] {
		return
	}
	f.trail = append(f.trail, name)
	for _, m := range f.mentions[name] {
		if from := slices.Index(f.trail, m.to); from >= 0 {
			circle := append(slices.Clone(f.trail[from:]), m.to)
			f.r.problem("audience "+name, m.path, "Audiences refer to each other in a circle: %s; remove one of the references.", strings.Join(circle, " → "))
			continue
		}
		f.visit(m.to)
	}
	f.trail = f.trail[:len(f.trail)-1]
	f.finished[name] = true
}

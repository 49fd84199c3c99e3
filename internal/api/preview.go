package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"parley/internal/audience"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/person"
	"parley/internal/state"
	"parley/internal/workspace"
)

// PreviewRequest names an audience of the workspace, gives a condition, or both:
// then the condition is compared with the members that the audience has now.
type PreviewRequest struct {
	Name  string          `json:"name,omitempty"`
	Where json.RawMessage `json:"where,omitempty" doc:"A condition of the audience language."`
}

// Preview is what a condition would mean for the people there are.
type Preview struct {
	Description string         `json:"description" doc:"The condition in plain words."`
	At          time.Time      `json:"at" doc:"Journal time of the evaluation."`
	Size        int64          `json:"size"`
	People      int64          `json:"people" doc:"Everybody."`
	Share       float64        `json:"share" doc:"Size by people, 0 to 1."`
	Sample      []int64        `json:"sample" doc:"Up to ten members."`
	Entering    Movement       `json:"entering" doc:"Members that the audience of this name does not have now."`
	Leaving     Movement       `json:"leaving" doc:"Members that it would lose."`
	Blocks      []PreviewBlock `json:"blocks" doc:"What each part that must hold lets through by itself."`
	Notes       []string       `json:"notes" doc:"Why the numbers may be too low: what present data does not hold."`
}

// Movement is people who enter or leave.
type Movement struct {
	Count  int64   `json:"count"`
	Sample []int64 `json:"sample" doc:"Up to ten of them."`
}

// PreviewBlock is one part of the condition.
type PreviewBlock struct {
	Condition string `json:"condition"`
	Size      int64  `json:"size"`
}

type previewInput struct{ Body PreviewRequest }

const (
	previewPage   = 1000
	previewSample = 10
	// unnamed is what a condition without an audience is called in messages.
	unnamed = "(preview)"
)

func (m *Movement) add(person int64) {
	m.Count++
	if len(m.Sample) < previewSample {
		m.Sample = append(m.Sample, person)
	}
}

func (s *service) preview(ctx context.Context, in *previewInput) (Preview, error) {
	ws, err := s.current("api.preview")
	if err != nil {
		return Preview{}, err
	}
	spec, err := previewed(ws, in.Body)
	if err != nil {
		return Preview{}, err
	}
	t, err := newTarget(ws.Workspace.Audiences, spec)
	if err != nil {
		return Preview{}, err
	}
	err = s.Store.View(ctx, func(tx *state.Tx) error { return scan(ctx, tx, ws.Person, []*target{t}) })
	t.preview.Notes = unseen(ws, spec.Where)
	return t.preview, err
}

// previewed returns the audience that a request means.
func previewed(ws *workspace.Compiled, in PreviewRequest) (audience.Spec, error) {
	if len(in.Where) == 0 {
		for _, spec := range ws.Workspace.Audiences {
			if spec.Name == in.Name {
				return spec, nil
			}
		}
		return audience.Spec{}, unknownAudience(ws, in.Name)
	}
	where, err := audience.ParseCondition(in.Where)
	if err != nil {
		return audience.Spec{}, err
	}
	if problems := where.Validate("where"); len(problems) > 0 {
		return audience.Spec{}, fault.New(fault.Invalid, "api.preview", "%s: %s", problems[0].Path, problems[0].Message)
	}
	spec := audience.Spec{Name: in.Name, Owner: unnamed, Where: where}
	if spec.Name == "" {
		spec.Name = unnamed
	}
	return spec, nil
}

// target is one audience being previewed.
type target struct {
	name    string
	whole   *audience.Compiled
	blocks  []*audience.Compiled
	preview Preview
}

// newTarget compiles an audience among the others, and each of its top-level
// parts as an audience of its own.
func newTarget(others []audience.Spec, spec audience.Spec) (*target, error) {
	specs := []audience.Spec{spec}
	for _, other := range others {
		if other.Name != spec.Name {
			specs = append(specs, other)
		}
	}
	t := &target{name: spec.Name, preview: Preview{Description: audience.Describe(spec.Where), Sample: []int64{},
		Entering: Movement{Sample: []int64{}}, Leaving: Movement{Sample: []int64{}}, Blocks: []PreviewBlock{}, Notes: []string{}}}
	for i, part := range spec.Where.All {
		specs = append(specs, audience.Spec{Name: block(i), Owner: spec.Owner, Where: part})
		t.preview.Blocks = append(t.preview.Blocks, PreviewBlock{Condition: audience.Describe(part)})
	}
	set, err := audience.Compile(specs)
	if err != nil {
		return nil, err
	}
	t.whole, _ = set.Audience(spec.Name)
	for i := range spec.Where.All {
		c, _ := set.Audience(block(i))
		t.blocks = append(t.blocks, c)
	}
	return t, nil
}

func block(i int) string { return fmt.Sprintf("%s part %d", unnamed, i+1) }

// scan evaluates targets over everybody with the reference evaluator, which is
// the definition of what an audience means (I8), at journal time.
func scan(ctx context.Context, tx *state.Tx, rules person.Rules, targets []*target) error {
	progress, err := tx.Progress(ctx)
	if err != nil {
		return err
	}
	var people, after int64
	for {
		page, err := tx.PeopleAfter(ctx, after, previewPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		if err := scanPage(ctx, tx, rules, progress.Clock, page, targets); err != nil {
			return err
		}
		people += int64(len(page))
		after = page[len(page)-1].ID
	}
	for _, t := range targets {
		t.preview.At, t.preview.People = progress.Clock, people
		if people > 0 {
			t.preview.Share = float64(t.preview.Size) / float64(people)
		}
	}
	return nil
}

func scanPage(ctx context.Context, tx *state.Tx, rules person.Rules, now time.Time, page []state.Person, targets []*target) error {
	ids := make([]int64, len(page))
	for i, p := range page {
		ids[i] = p.ID
	}
	nodes, err := tx.IdentifiersOf(ctx, ids)
	if err != nil {
		return err
	}
	identifiers := map[int64][]event.Identifier{}
	for _, n := range nodes {
		identifiers[n.Person] = append(identifiers[n.Person], n.Identifier)
	}
	for _, p := range page {
		doc, err := person.Decode(p.Doc)
		if err != nil {
			return err
		}
		subject := doc.Subject(rules, identifiers[p.ID])
		for _, t := range targets {
			t.judge(p.ID, doc, subject, now)
		}
	}
	return nil
}

func (t *target) judge(id int64, doc *person.Document, subject *audience.Subject, now time.Time) {
	is := audience.Evaluate(t.whole, subject, now)
	_, was := doc.Since[t.name]
	if is {
		t.preview.Size++
		if len(t.preview.Sample) < previewSample {
			t.preview.Sample = append(t.preview.Sample, id)
		}
	}
	switch {
	case is && !was:
		t.preview.Entering.add(id)
	case was && !is:
		t.preview.Leaving.add(id)
	}
	for i, c := range t.blocks {
		if audience.Evaluate(c, subject, now) {
			t.preview.Blocks[i].Size++
		}
	}
}

// unseen says what a condition looks at that the governing workspace does not
// keep of people, so that present data cannot show it.
func unseen(ws *workspace.Compiled, where audience.Condition) []string {
	notes := []string{}
	var walk func(c *audience.Condition)
	walk = func(c *audience.Condition) {
		for i := range c.All {
			walk(&c.All[i])
		}
		for i := range c.Any {
			walk(&c.Any[i])
		}
		if c.Not != nil {
			walk(c.Not)
		}
		for _, e := range []*audience.EventTest{c.Event, c.DidNot} {
			if e != nil {
				notes = append(notes, unseenEvent(ws.Person.Visible, e)...)
			}
		}
		if c.Trait != nil && ws.Person.Traits.Lookup(c.Trait.Name) == nil {
			notes = append(notes, fmt.Sprintf("The governing workspace does not declare the trait %q, so nobody has it yet.", c.Trait.Name))
		}
	}
	walk(&where)
	slices.Sort(notes)
	return slices.Compact(notes)
}

func unseenEvent(kept audience.Visibility, e *audience.EventTest) []string {
	wanted := []string{}
	for _, p := range e.Where {
		wanted = append(wanted, p.Property)
	}
	if e.Property != "" {
		wanted = append(wanted, e.Property)
	}
	properties, longest, forever, ok := kept.Of(e.Name)
	if !ok {
		return []string{fmt.Sprintf("No audience has looked at the event %q so far, so its history is not at hand; it is counted from the day this is applied.", e.Name)}
	}
	var notes []string
	// What is seen of wanted alone says whether kept covers it.
	both, _, _, _ := kept.Merge(audience.See(e.Name, wanted, longest)).Of(e.Name)
	if !slices.Equal(both, properties) {
		notes = append(notes, fmt.Sprintf("Not every property of the event %q that is looked at was kept so far; such events do not match.", e.Name))
	}
	if forever {
		return notes
	}
	span, err := time.Duration(0), error(nil)
	if e.Window != nil && e.Window.Last != "" {
		span, err = audience.ParseDuration(e.Window.Last)
	}
	if err == nil && (span == 0 || span > longest) {
		notes = append(notes, fmt.Sprintf("The event %q is kept for %.4g days only; older ones are missing.", e.Name, longest.Hours()/24))
	}
	return notes
}

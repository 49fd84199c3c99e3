package pipeline_test

import (
	"context"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/audience"
	"parley/internal/consent"
	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lake"
	"parley/internal/lake/laketest"
	"parley/internal/lifecycle"
	"parley/internal/person"
	"parley/internal/pipeline/pipelinetest"
	"parley/internal/source"
	"parley/internal/state"
	"parley/internal/workspace"
)

// naive folds a journal in the plainest way: nothing is forgotten, nothing is
// kept ready, everything is asked anew. Whom an event is about it takes from the
// identifiers in state; everything else it works out by itself.
type naive struct {
	ws     *workspace.Compiled
	clock  time.Time
	events map[event.Key]*event.Event          // the content that counts
	order  []*event.Event                      // all contents ever, in journal order
	rows   map[event.Key]string                // content hash
	own    map[*event.Event][]event.Identifier // that belonged to the event's person when it came
}

func newNaive(ws *workspace.Compiled) *naive {
	return &naive{ws: ws, events: map[event.Key]*event.Event{}, rows: map[event.Key]string{}, own: map[*event.Event][]event.Identifier{}}
}

func (n *naive) block(t rapid.TB, entries []journal.Entry, person map[event.Identifier]int64) {
	t.Helper()
	for _, e := range entries {
		if e.ReceivedAt.After(n.clock) {
			n.clock = e.ReceivedAt
		}
		in := event.Receipt{Source: e.Source, ID: e.ID, ReceivedAt: e.ReceivedAt, SentAt: e.SentAt}
		key := event.Key{Source: e.Source, ID: e.ID}
		switch e.Kind {
		case journal.Event:
			parsed, err := event.Parse(e.Payload, in)
			if err != nil {
				t.Fatal(err)
			}
			if n.rows[key] != "" || parsed.Name == "Order" && parsed.Properties["sku"] == nil {
				n.rows[key] = "seen" // a repetition of a refused event stays refused
				continue
			}
			n.rows[key] = "seen"
			n.keep(&parsed, person)
		case journal.Record:
			row, err := source.DecodeRow(e.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if hash := source.ContentHash(row); n.rows[key] != hash {
				n.rows[key] = hash
				mapped, _ := n.ws.Sources[e.Source].Mapping.Apply(row, in)
				n.keep(&mapped, person)
			}
		}
	}
}

func (n *naive) keep(e *event.Event, person map[event.Identifier]int64) {
	n.events[e.Key()] = e
	n.order = append(n.order, e)
	usable, _ := n.ws.Identity.Normalise(e.Identifiers)
	for _, id := range usable {
		if person[id] == person[usable[0]] {
			n.own[e] = append(n.own[e], id)
		}
	}
}

// subjects builds everyone from the whole past.
func (n *naive) subjects(person map[event.Identifier]int64) map[int64]*audience.Subject {
	out := map[int64]*audience.Subject{}
	said := map[int64]map[event.Identifier]map[string]*event.Event{}
	latest := map[int64]map[string]*event.Event{}
	for id, p := range person {
		if out[p] == nil {
			out[p] = &audience.Subject{Traits: map[string]any{}, Consents: map[string]string{}}
			said[p], latest[p] = map[event.Identifier]map[string]*event.Event{}, map[string]*event.Event{}
		}
		out[p].Identifiers = append(out[p].Identifiers, id)
	}
	for _, e := range n.order {
		if len(n.own[e]) == 0 {
			continue // about nobody
		}
		p := person[n.own[e][0]]
		s := out[p]
		if n.events[e.Key()] == e {
			s.History = append(s.History, audience.Occurrence{Time: e.Time, Name: e.Name, Source: e.Source, ID: e.ID, Properties: e.Properties})
		}
		for name := range e.Traits {
			if old := latest[p][name]; old == nil || later(e, old) {
				latest[p][name] = e
				s.Traits[name] = e.Traits[name]
			}
		}
		n.consents(said[p], e)
	}
	for p, s := range out {
		for _, purposes := range said[p] {
			for purpose, e := range purposes {
				if !e.Consents[purpose] {
					s.Consents[purpose] = "denied"
				} else if s.Consents[purpose] == "" {
					s.Consents[purpose] = "granted"
				}
			}
		}
		sort.Slice(s.History, func(i, j int) bool { return later2(&s.History[j], &s.History[i]) })
	}
	return out
}

func (n *naive) consents(said map[event.Identifier]map[string]*event.Event, e *event.Event) {
	for _, id := range n.own[e] {
		if said[id] == nil {
			said[id] = map[string]*event.Event{}
		}
		for purpose := range e.Consents {
			old := said[id][purpose]
			if old == nil || e.Time.After(old.Time) || e.Time.Equal(old.Time) && !e.Consents[purpose] {
				said[id][purpose] = e
			}
		}
	}
}

// later settles which of two statements of a trait counts; both may be contents
// of one row, of which the one that came later does.
func later(a, b *event.Event) bool {
	if !a.Time.Equal(b.Time) {
		return a.Time.After(b.Time)
	}
	if a.Source != b.Source {
		return a.Source > b.Source
	}
	return a.ID >= b.ID
}

func later2(a, b *audience.Occurrence) bool {
	if !a.Time.Equal(b.Time) {
		return a.Time.After(b.Time)
	}
	return a.Source+a.ID > b.Source+b.ID
}

// stand is one look at state after a block.
type stand struct {
	person     map[event.Identifier]int64
	keys       map[int64]string
	members    map[string]map[int64]bool
	deliveries []state.Delivery
	counts     map[state.Outcome]int64
}

func look(t rapid.TB, store *state.Store, ws *workspace.Compiled) stand {
	t.Helper()
	ctx := context.Background()
	s := stand{person: map[event.Identifier]int64{}, keys: map[int64]string{}, members: map[string]map[int64]bool{}, counts: map[state.Outcome]int64{}}
	err := store.View(ctx, func(tx *state.Tx) error {
		people, err := tx.PeopleAfter(ctx, 0, 1000)
		if err != nil {
			return err
		}
		var ids []int64
		for _, p := range people {
			ids = append(ids, p.ID)
			doc, err := person.Decode(p.Doc)
			if err != nil {
				return err
			}
			s.keys[p.ID] = doc.Key // which buckets hash
		}
		nodes, err := tx.IdentifiersOf(ctx, ids)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			s.person[n.Identifier] = n.Person
		}
		for _, name := range ws.Audiences.Names() {
			s.members[name] = map[int64]bool{}
			list, err := tx.Members(ctx, name, 0, 1000)
			if err != nil {
				return err
			}
			for _, m := range list {
				s.members[name][m.Person] = true
			}
		}
		counts, err := tx.Counts(ctx, "")
		if err != nil {
			return err
		}
		for _, c := range counts {
			s.counts[c.Outcome] += c.N
		}
		s.deliveries, err = tx.Deliveries(ctx, ids)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// follow appends a history block by block and looks at state after each.
func (b *bench) follow(t rapid.TB, h pipelinetest.History, ws *workspace.Compiled, after func(entries []journal.Entry, s stand)) {
	t.Helper()
	ctx := context.Background()
	store, _ := b.store(t)
	defer shut(t, store.Close)
	j := journal.New(journaltest.NewMemory(), journal.Options{})
	defer shut(t, j.Close)
	w := pipelinetest.Worker(j, store, lake.New(laketest.NewMemory()))
	g := lifecycle.NewGroup(ctx)
	g.Go("worker", w.Run)
	defer shut(t, g.Stop)
	for i, entries := range h {
		if err := j.Append(ctx, entries...); err != nil {
			t.Fatal(err)
		}
		if err := w.WaitFor(ctx, journal.Position(i+1)); err != nil {
			t.Fatal(err)
		}
		after(entries, look(t, store, ws))
	}
}

// Every membership is what the reference says of the whole past, after every
// block and so also where only time has passed.
func TestI8MembershipsAreWhatTheReferenceSays(t *testing.T) {
	b := newBench(t)
	ws := compiled(t, pipelinetest.Wider)
	rapid.Check(t, func(t *rapid.T) {
		h := pipelinetest.Draw(t, pipelinetest.Options{Blocks: 15, Calm: true, First: pipelinetest.Wider})
		n := newNaive(ws)
		b.follow(t, h, ws, func(entries []journal.Entry, s stand) {
			n.block(t, entries, s.person)
			for p, subject := range n.subjects(s.person) {
				subject.Person = s.keys[p]
				for _, name := range ws.Audiences.Names() {
					if want := audience.Evaluate(audienceOf(ws, name), subject, n.clock); want != s.members[name][p] {
						t.Fatalf("person %d in %s: %v, the reference says %v at %v: %+v", p, name, !want, want, n.clock, subject)
					}
				}
			}
		})
	})
}

// No row wants a person who is not in the audience or whose stand does not allow
// it, and one who withdraws is unwanted from that block on.
func TestI6NothingIsWantedThatConsentDoesNotAllow(t *testing.T) {
	b := newBench(t)
	ws := compiled(t, pipelinetest.Wider)
	rapid.Check(t, func(t *rapid.T) {
		h := pipelinetest.Draw(t, pipelinetest.Options{Blocks: 15, Calm: true, First: pipelinetest.Wider})
		n := newNaive(ws)
		b.follow(t, h, ws, func(entries []journal.Entry, s stand) {
			n.block(t, entries, s.person)
			subjects := n.subjects(s.person)
			for _, row := range s.deliveries {
				for _, a := range ws.Activations {
					if a.Name != row.Activation || !row.Want {
						continue
					}
					stand := consent.Stand(subjects[row.Person].Consents[a.Purpose])
					if d := consent.Decide(ws.Purposes[a.Purpose], stand, ws.Destinations[a.Destination].Purposes); !d.Allowed {
						t.Fatalf("%s wants person %d: %s", a.Name, row.Person, d.Reason)
					}
					if !s.members[a.Audience][row.Person] {
						t.Fatalf("%s wants person %d, who is not in %s", a.Name, row.Person, a.Audience)
					}
				}
			}
		})
	})
}

// received = processed + duplicate + quarantined + refused after every block,
// and received counts every event and row once.
func TestI2CountersBalance(t *testing.T) {
	b := newBench(t)
	ws := compiled(t, pipelinetest.Agreement)
	rapid.Check(t, func(t *rapid.T) {
		h := pipelinetest.Draw(t, pipelinetest.Options{Blocks: 15})
		received := int64(0)
		b.follow(t, h, ws, func(entries []journal.Entry, s stand) {
			for _, e := range entries {
				if e.Kind == journal.Event || e.Kind == journal.Record {
					received++
				}
			}
			sum := s.counts[state.Processed] + s.counts[state.Duplicate] + s.counts[state.Quarantined] + s.counts[state.Refused]
			if s.counts["received"] != received || sum != received || s.counts[state.Quarantined] < 0 {
				t.Fatalf("received %d, counted %v", received, s.counts)
			}
		})
	})
}

func audienceOf(ws *workspace.Compiled, name string) *audience.Compiled {
	c, _ := ws.Audiences.Audience(name)
	return c
}

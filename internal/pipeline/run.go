package pipeline

import (
	"context"
	"slices"
	"time"

	"parley/internal/audience"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/identity"
	"parley/internal/journal"
	"parley/internal/lake"
	"parley/internal/person"
	"parley/internal/state"
	"parley/internal/workspace"
)

// run is the working set of one transaction: what state holds of everyone the
// blocks concern, changed in memory and written back by flush.
type run struct {
	ctx      context.Context
	tx       *state.Tx
	lake     *lake.Lake
	ws       *workspace.Compiled
	progress state.Progress
	// nextTimer is the earliest timer in state, zero when there is none.
	nextTimer time.Time

	graph      *identity.Graph
	people     map[int64]*subject
	receipts   map[event.Key]*state.Receipt
	rows       map[event.Key]state.RowVersion
	rowsLoaded map[event.Key]bool
	owners     map[state.UniqueKey]string
	survivors  map[int64]int64
	looked     map[event.Identifier]bool // up in state
	touched    []int64                   // people in this block
	ahead      ahead

	out    effects
	parcel parcel // everything of this transaction that the lake is to have
}

// effects are the rows to write.
type effects struct {
	receipts    map[event.Key]bool
	rows        map[event.Key]bool
	owners      map[state.UniqueKey]bool
	nodes       map[event.Identifier]state.Identifier
	assertions  map[edge]*state.Assertion
	merges      []state.Alias
	joined      []state.Membership
	left        []state.Membership
	timers      []state.Timer
	decisions   []state.Disclosure
	quarantined map[int64]state.QuarantinedRecord
	replayed    []int64
	counts      map[state.CounterKey]int64
	dropped     []rowKey         // delivery rows that carry nothing any more
	leaving     []state.Delivery // rows of merged people that must still be removed
	parcel      parcel
}

// edge names an assertion.
type edge struct {
	a, b   event.Identifier
	source string
}

// subject is one person in the working set.
type subject struct {
	id         int64
	doc        *person.Document
	change     audience.Change // since the last evaluation
	touched    bool            // in this block
	dirty      bool            // to be written
	merged     bool            // memberships are to be written afresh
	deliveries map[string]*state.Delivery
	changed    map[string]bool // deliveries to be written
}

func newRun(ctx context.Context, tx *state.Tx, ws *workspace.Compiled, lk *lake.Lake) (*run, error) {
	progress, err := tx.Progress(ctx)
	if err != nil {
		return nil, err
	}
	next, err := tx.NextTimer(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{ctx: ctx, tx: tx, lake: lk, ws: ws, progress: progress, nextTimer: next}
	r.reset()
	return r, nil
}

// reset empties the working set.
func (r *run) reset() {
	r.people = map[int64]*subject{}
	r.receipts = map[event.Key]*state.Receipt{}
	r.rows = map[event.Key]state.RowVersion{}
	r.rowsLoaded = map[event.Key]bool{}
	r.owners = map[state.UniqueKey]string{}
	r.survivors = map[int64]int64{}
	r.looked = map[event.Identifier]bool{}
	if r.ws != nil {
		r.graph = identity.NewGraph(r.ws.Identity, r.progress.NextPerson, r.progress.NextAssertion)
	}
	r.out = effects{
		receipts: map[event.Key]bool{}, rows: map[event.Key]bool{}, owners: map[state.UniqueKey]bool{},
		nodes: map[event.Identifier]state.Identifier{}, assertions: map[edge]*state.Assertion{},
		quarantined: map[int64]state.QuarantinedRecord{}, counts: map[state.CounterKey]int64{},
	}
}

// batch processes the blocks that state does not have yet.
func (r *run) batch(b *batch) error {
	for i := range b.blocks {
		if b.blocks[i].Position <= r.progress.Position {
			continue
		}
		if r.ahead == nil && !changesWorkspace(b.blocks[i]) {
			if err := r.prefetch(b, b.blocks[i:]); err != nil {
				return err
			}
		}
		if err := r.block(b.blocks[i]); err != nil {
			return err
		}
	}
	return nil
}

// block processes one block.
func (r *run) block(b journal.Block) error {
	clock := r.progress.Clock
	for i := range b.Entries {
		if at := b.Entries[i].ReceivedAt; at.After(clock) {
			clock = at
		}
	}
	if err := r.fire(clock); err != nil {
		return err
	}
	r.progress.Clock = clock
	var pending []*decoded
	for i := range b.Entries {
		e := &b.Entries[i]
		switch e.Kind {
		case journal.Tick:
		case journal.Workspace:
			// Everything before it is settled under the old version.
			if err := r.entries(pending); err != nil {
				return err
			}
			pending = nil
			if err := r.settle(); err != nil {
				return err
			}
			if err := r.apply(e); err != nil {
				return err
			}
		default:
			if r.ws == nil {
				return fault.New(fault.Internal, "pipeline.block", "Block %d holds data from before the first workspace.", b.Position)
			}
			d, err := r.decode(b.Position, i, e)
			if err != nil {
				return err
			}
			pending = append(pending, d)
		}
	}
	if err := r.entries(pending); err != nil {
		return err
	}
	r.progress.Position = b.Position
	return r.settle()
}

// decode resolves a replay to the record that was quarantined.
func (r *run) decode(p journal.Position, i int, e *journal.Entry) (*decoded, error) {
	if e.Kind != journal.Replay {
		if ahead := r.ahead[p]; ahead != nil && ahead[i] != nil {
			return ahead[i], nil
		}
		return decode(r.ws, p, i, e), nil
	}
	id, err := replayID(e)
	if err != nil {
		return nil, err
	}
	q, ok, err := r.heldBack(id)
	if err != nil {
		return nil, err
	}
	if !ok || q.Status != "open" {
		return &decoded{entry: e, done: true}, nil
	}
	original := &journal.Entry{Kind: q.Kind, Source: q.Source, ID: q.EventID, ReceivedAt: q.ReceivedAt, SentAt: q.SentAt, Payload: q.Payload}
	d := decode(r.ws, p, i, original)
	d.replay = id
	return d, nil
}

// heldBack returns a quarantined record, also one of this transaction.
func (r *run) heldBack(id int64) (state.QuarantinedRecord, bool, error) {
	if q, ok := r.out.quarantined[id]; ok {
		return q, true, nil
	}
	found, err := r.tx.QuarantineList(r.ctx, state.QuarantineFilter{ID: id, After: id - 1, Limit: 1})
	if err != nil || len(found) == 0 {
		return state.QuarantinedRecord{}, false, err
	}
	return found[0], true, nil
}

// entries loads what the entries concern and folds them in, in order.
func (r *run) entries(list []*decoded) error {
	if len(list) == 0 {
		return nil
	}
	if err := r.load(list); err != nil {
		return err
	}
	for _, d := range list {
		if err := r.entry(d); err != nil {
			return err
		}
	}
	return nil
}

// fire settles everyone whose answers change by themselves at or before clock,
// each at their own instant.
func (r *run) fire(clock time.Time) error {
	for !r.nextTimer.IsZero() && !r.nextTimer.After(clock) {
		if err := r.flush(); err != nil {
			return err
		}
		due, err := r.tx.TimersDue(r.ctx, clock, 1000)
		if err != nil {
			return err
		}
		ids := make([]int64, len(due))
		for i, t := range due {
			ids[i] = t.Person
		}
		if err := r.loadPeople(ids); err != nil {
			return err
		}
		for _, t := range due {
			if err := r.fireOne(t, clock); err != nil {
				return err
			}
		}
		if err := r.flush(); err != nil {
			return err
		}
		if r.nextTimer, err = r.tx.NextTimer(r.ctx); err != nil {
			return err
		}
	}
	return nil
}

// fireOne walks one person through their instants up to clock.
func (r *run) fireOne(t state.Timer, clock time.Time) error {
	s := r.people[t.Person]
	if s == nil {
		return fault.New(fault.Internal, "pipeline.fire", "The timer of person %d has no person.", t.Person)
	}
	at := t.At
	for !at.IsZero() && !at.After(clock) {
		s.doc.Trim(r.ws.Person, at)
		s.dirty = true
		if err := r.evaluate(s, at); err != nil {
			return err
		}
		at = s.doc.NextChange()
	}
	return nil
}

// settle evaluates everyone the block touched, at journal time, by person.
func (r *run) settle() error {
	slices.Sort(r.touched)
	for _, id := range r.touched {
		s := r.people[id]
		if s == nil || !s.touched {
			continue // merged into another, or done
		}
		s.touched = false
		if err := r.evaluate(s, r.progress.Clock); err != nil {
			return err
		}
	}
	r.touched = r.touched[:0]
	return nil
}

// prefetch loads what the blocks up to the next workspace version concern in one
// go, which costs a fraction of doing so block by block. It changes no result.
func (r *run) prefetch(b *batch, blocks []journal.Block) error {
	r.ahead = b.ahead
	if r.ahead == nil || b.ws != r.ws {
		r.ahead = decodeAhead(r.ws, blocks)
	}
	var all []*decoded
	for i := range blocks {
		for _, d := range r.ahead[blocks[i].Position] {
			if d != nil {
				all = append(all, d)
			}
		}
	}
	return r.load(all)
}

func (r *run) finish() error {
	if err := r.flush(); err != nil {
		return err
	}
	if len(r.parcel.Rows)+len(r.parcel.Assignments) > 0 {
		if err := r.tx.PutOutbox(r.ctx, state.Outbox{Position: r.progress.Position, Body: r.parcel.pack()}); err != nil {
			return err
		}
	}
	return r.tx.SetProgress(r.ctx, r.progress)
}

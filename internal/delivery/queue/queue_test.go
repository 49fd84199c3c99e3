package queue_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"parley/internal/delivery"
	"parley/internal/delivery/queue"
	"parley/internal/destination"
	"parley/internal/state"
	"parley/internal/state/sqlitestate"
	"parley/internal/workspace"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rig is a queue on a real SQLite file with one activation, offer, at mail.
type rig struct {
	*queue.Queue
	t     *testing.T
	ctx   context.Context
	store *state.Store
}

func newRig(t *testing.T) *rig {
	store, err := sqlitestate.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	ws := &workspace.Compiled{Activations: []*delivery.Activation{
		{Name: "offer", Audience: "known", Destination: "mail", Mode: destination.Include, Purpose: "email_marketing"}}}
	return &rig{queue.New(store, func() *workspace.Compiled { return ws }), t, t.Context(), store}
}

// want sets the desired side of a person, as the pipeline does.
func (r *rig) want(person int64, in delivery.Desired) {
	r.t.Helper()
	row := r.row(person)
	row.Member, _ = delivery.Desire(row.Member, in)
	r.update(func(tx *state.Tx) error { return tx.PutDeliveries(r.ctx, []state.Delivery{row}) })
}

func (r *rig) row(person int64) state.Delivery {
	r.t.Helper()
	out := state.Delivery{Member: delivery.Member{Activation: "offer", Person: person}, Destination: "mail", Mode: destination.Include}
	r.update(func(tx *state.Tx) error {
		rows, err := tx.Deliveries(r.ctx, []int64{person})
		if len(rows) > 0 {
			out = rows[0]
		}
		return err
	})
	return out
}

func (r *rig) update(fn func(*state.Tx) error) {
	r.t.Helper()
	if err := r.store.Update(r.ctx, state.Replayable, fn); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) claim() *destination.Batch {
	r.t.Helper()
	b, err := r.Claim(r.ctx, "mail", 10, noon)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *rig) settle(b *destination.Batch, outcomes ...destination.Outcome) {
	r.t.Helper()
	results := make([]destination.Result, len(outcomes))
	for i, o := range outcomes {
		results[i] = destination.Result{Outcome: o, Reason: "because"}
	}
	if err := r.Settle(r.ctx, *b, results, noon); err != nil {
		r.t.Fatal(err)
	}
}

// book is what the hand-over book says, after its chain was verified.
func (r *rig) book() string {
	r.t.Helper()
	var lines []string
	r.update(func(tx *state.Tx) error {
		if _, err := tx.VerifyBook(r.ctx, queue.Book("mail")); err != nil {
			return err
		}
		return tx.Book(r.ctx, queue.Book("mail"), func(d state.Disclosure) error {
			lines = append(lines, fmt.Sprintf("%d %s", d.Person, d.Decision))
			return nil
		})
	})
	return fmt.Sprint(lines)
}

func add(email string) delivery.Desired {
	return delivery.Desired{Want: true, Fields: map[string]string{"email": email}}
}

// What is about to be sent stands in the book before anybody sends it, and the
// answer follows.
func TestI7TheBookIsWrittenBeforeTheHandOver(t *testing.T) {
	r := newRig(t)
	r.want(1, add("a@x.org"))
	r.want(2, add("b@x.org"))
	b := r.claim()
	if b == nil || len(b.Members) != 2 || b.Audience != "known" || b.Mode != destination.Include {
		t.Fatalf("claimed %+v", b)
	}
	if got := r.book(); got != "[1 sent 2 sent]" {
		t.Fatalf("before the hand-over the book says %s", got)
	}
	r.settle(b, destination.Delivered, destination.Rejected)
	if got := r.book(); got != "[1 sent 2 sent 1 delivered 2 rejected]" {
		t.Errorf("after the answer the book says %s", got)
	}
	if one, two := r.row(1), r.row(2); !one.AckedWant || two.AckedWant || two.Dead != "because" {
		t.Errorf("rows %+v and %+v", one.Member, two.Member)
	}
	if next := r.claim(); next != nil {
		t.Errorf("nothing is due, yet %+v was claimed", next)
	}
}

// A process that dies between hand-over and answer finds the same batch again.
func TestI9AnOpenBatchIsClaimedAgainUnchanged(t *testing.T) {
	r := newRig(t)
	r.want(1, add("a@x.org"))
	first := r.claim()
	r.want(2, add("b@x.org")) // must wait for the answer
	again := queue.New(r.store, func() *workspace.Compiled { return &workspace.Compiled{} })
	second, err := again.Claim(r.ctx, "mail", 10, noon.Add(time.Hour))
	if err != nil || fmt.Sprint(second) != fmt.Sprint(first) {
		t.Fatalf("claimed %+v after %+v, %v", second, first, err)
	}
	r.settle(second, destination.Delivered)
	r.settle(second, destination.Rejected) // an answer counts once
	if got := r.book(); got != "[1 sent 1 delivered]" {
		t.Errorf("the book says %s", got)
	}
	if third := r.claim(); third == nil || third.ID == first.ID || third.Members[0].Person != "2" {
		t.Errorf("then %+v is claimed", third)
	}
}

// Who withdrew while a batch was open is not sent again, but removed.
func TestI6AnOpenBatchOfSomebodyUnwantedIsNotSentAgain(t *testing.T) {
	r := newRig(t)
	r.want(1, add("a@x.org"))
	first := r.claim()
	r.want(1, delivery.Desired{Reason: "no consent for email_marketing"})
	b := r.claim()
	if b == nil || b.ID == first.ID || b.Members[0].Action != destination.Remove || b.Members[0].Fields["email"] != "a@x.org" {
		t.Errorf("after %+v comes %+v", first, b)
	}
	if got := r.book(); got != "[1 sent 1 unconfirmed 1 sent]" {
		t.Errorf("the book says %s", got)
	}
}

func TestNextDue(t *testing.T) {
	r := newRig(t)
	due := func() time.Time {
		at, err := r.NextDue(r.ctx, "mail", noon)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := due(); !at.IsZero() {
		t.Errorf("nothing waits, yet %v", at)
	}
	r.want(1, add("a@x.org"))
	if at := due(); !at.Equal(noon) {
		t.Errorf("somebody waits, due %v", at)
	}
	b := r.claim()
	if at := due(); !at.Equal(noon) {
		t.Errorf("an answer is open, due %v", at)
	}
	r.settle(b, destination.Retry)
	if at := due(); !at.After(noon) {
		t.Errorf("a retry is due at %v, at once", at)
	}
}

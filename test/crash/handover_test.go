package crash

import (
	"slices"
	"testing"
	"time"

	"parley/test/binary"
)

// A receiver that is slow to answer meets a sender that is killed while it
// waits, again and again: the batch comes again under its id with its content, and in the
// end the lists are whole.
func TestI9KilledWhileHandingOver(t *testing.T) {
	in := newInput(seed(t), time.Now().Add(-time.Minute), 60, 8, 1) // nothing ends by itself in this one
	i := newInstall(t, binary.Options{})
	release := i.receiver.holdBack()
	defer release()
	p := binary.Start(t, i.options)
	l := startLoad(t, in, p, i.options.Data)
	l.allow(1, 1)
	l.wait()
	awaitProcessed(t, p)
	// The first batch may say what is no longer wanted by now; from the second
	// on nothing changes any more.
	for kill := range 3 {
		i.awaitCalls(t, kill+1)
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		p = binary.Start(t, i.options)
	}
	i.awaitCalls(t, 4)
	if calls := i.receiver.heard(); calls[1] != calls[2] || calls[2] != calls[3] {
		t.Fatalf("the open batch did not come again under its id: %v", calls)
	}
	release()
	c := p.Client(t)
	settle(t, c, in)
	i.receiver.check(t)
	list, err := c.Deliveries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Destination != "mail" {
			continue
		}
		held := i.receiver.list(d.Activation)
		if int64(len(held)) != d.Desired || d.Acknowledged != d.Desired {
			t.Errorf("%s: %d on the list, %d desired, %d acknowledged", d.Activation, len(held), d.Desired, d.Acknowledged)
		}
		if n := len(slices.Compact(held)); n != len(held) {
			t.Errorf("%s holds %d of its members twice", d.Activation, len(held)-n)
		}
	}
	verdict, err := c.VerifyBook(t.Context(), "handover:mail")
	if err != nil || !verdict.Intact {
		t.Errorf("the book of hand-overs: %+v, %v", verdict, err)
	}
	p.Stop(t)
}

// awaitProcessed returns when everything accepted is processed.
func awaitProcessed(t *testing.T, p *binary.Process) {
	t.Helper()
	c := p.Client(t)
	err := binary.Await(t.Context(), func() bool {
		complete, err := c.Completeness(t.Context(), "")
		return err == nil && complete.Total.Pending == 0
	})
	if err != nil {
		t.Fatalf("what was accepted is not processed: %v\n%s", err, p.Log())
	}
}

// awaitCalls returns when the receiver has heard n hand-overs.
func (i *install) awaitCalls(t *testing.T, n int) {
	t.Helper()
	if err := binary.Await(t.Context(), func() bool { return len(i.receiver.heard()) >= n }); err != nil {
		t.Fatalf("hand-over %d does not come: %v", n, err)
	}
}

package laketest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lake"
)

// Run checks a driver against the contract of lake.Driver.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *lake.Lake, Open, string)
	}{
		{"an empty lake", emptyLake},
		{"I3 a duplicate batch changes nothing", duplicateBatch},
		{"I3 an overlapping batch adds only what is new", overlappingBatch},
		{"I3 a cut at any moment leaves all or nothing", cutAppend},
		{"I3 rows and position survive reopening", reopened},
		{"bad batches are refused whole", refusedBatches},
		{"bad queries are refused", refusedQueries},
		{"a big event comes back byte for byte", bigEvent},
		{"text comes back as it went in", text},
		{"names order by bytes", collation},
		{"times are cut to the microsecond", times},
		{"a merge rewrites the map, not history", merge},
		{"an empty list of persons chooses nobody", noPersons},
		{"many pages come in order, people whole", manyPages},
		{"a callback's error ends the scan", callbackError},
		{"a scan sees one snapshot", snapshot},
		{"a closed lake says so", closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := open(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			c.test(t, l, open, dir)
		})
	}
}

func email(v string) event.Identifier { return event.Identifier{Namespace: "email", Value: v} }

// row is a plain row at a place, of the person behind who.
func row(p journal.Position, index int, who string) lake.Row {
	at := epoch.Add(time.Duration(p) * time.Second)
	return lake.Row{
		Position: p, Index: index, Source: "web", ID: fmt.Sprintf("%d-%d", p, index), Type: event.Track,
		Name: "Order Completed", Time: at, ReceivedAt: at, Node: email(who), Event: []byte(`{"k":1}`),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("got %v, want a fault of kind %v", err, kind)
	}
}

// wantSame checks that the lake answers like a reference that took the batches.
func wantSame(t *testing.T, l *lake.Lake, batches ...lake.Batch) {
	t.Helper()
	want := lake.New(NewMemory())
	for _, b := range batches {
		must(t, want.Append(context.Background(), b))
	}
	compare(t, l, want, lake.Query{})
}

func emptyLake(t *testing.T, l *lake.Lake, _ Open, _ string) {
	wantSame(t, l)
	must(t, l.Append(context.Background(), lake.Batch{UpTo: 7}))
	wantSame(t, l, lake.Batch{UpTo: 7})
}

func duplicateBatch(t *testing.T, l *lake.Lake, _ Open, _ string) {
	first := lake.Batch{UpTo: 2, Rows: []lake.Row{row(1, 0, "a"), row(2, 0, "b")},
		Assignments: []lake.Assignment{{Node: email("a"), Person: 1}}}
	second := lake.Batch{UpTo: 3, Assignments: []lake.Assignment{{Node: email("a"), Person: 2}}}
	// The repeat of first must not bring its older assignment back.
	for _, b := range []lake.Batch{first, first, second, first, second} {
		must(t, l.Append(context.Background(), b))
	}
	wantSame(t, l, first, second)
}

func overlappingBatch(t *testing.T, l *lake.Lake, _ Open, _ string) {
	first := lake.Batch{UpTo: 2, Rows: []lake.Row{row(1, 0, "a"), row(2, 0, "b"), row(2, 5, "b")}}
	must(t, l.Append(context.Background(), first))
	longer := lake.Batch{UpTo: 4, Rows: append(append([]lake.Row{}, first.Rows...), row(4, 0, "c"))}
	must(t, l.Append(context.Background(), longer))
	wantSame(t, l, longer)
}

// cutAppend ends the context at the first, second, third … moment that the driver
// looks at it, until an append gets through.
func cutAppend(t *testing.T, l *lake.Lake, _ Open, _ string) {
	before := lake.Batch{UpTo: 1, Rows: []lake.Row{row(1, 0, "a")}, Assignments: []lake.Assignment{{Node: email("a"), Person: 1}}}
	must(t, l.Append(context.Background(), before))
	next := lake.Batch{UpTo: 2, Assignments: []lake.Assignment{{Node: email("a"), Person: 2}, {Node: email("b"), Person: 3}}}
	for i := range 10_000 {
		next.Rows = append(next.Rows, row(2, i, "b"))
	}
	for looks := range 10_000 {
		err := l.Append(newCut(looks), next)
		if err == nil {
			wantSame(t, l, before, next)
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cut at look %d: %v does not tell of the context", looks, err)
		}
		wantSame(t, l, before)
	}
	t.Fatal("no append got through")
}

// cut is a context that ends when it has been looked at often enough.
type cut struct {
	context.Context
	cancel context.CancelFunc
	left   chan struct{}
}

func newCut(looks int) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	c := cut{Context: ctx, cancel: cancel, left: make(chan struct{}, looks)}
	for range looks {
		c.left <- struct{}{}
	}
	return c
}

func (c cut) look() {
	select {
	case <-c.left:
	default:
		c.cancel()
	}
}

func (c cut) Err() error            { c.look(); return c.Context.Err() }
func (c cut) Done() <-chan struct{} { c.look(); return c.Context.Done() }

func reopened(t *testing.T, l *lake.Lake, open Open, dir string) {
	var batches []lake.Batch
	for p := journal.Position(1); p <= 3; p++ {
		b := lake.Batch{UpTo: p, Rows: []lake.Row{row(p, 0, "a")}, Assignments: []lake.Assignment{{Node: email("a"), Person: int64(p)}}}
		must(t, l.Append(context.Background(), b))
		batches = append(batches, b)
		must(t, l.Close())
		var err error
		l, err = open(dir)
		must(t, err)
		wantSame(t, l, batches...)
	}
	must(t, l.Close())
}

func refusedBatches(t *testing.T, l *lake.Lake, _ Open, _ string) {
	change := func(f func(*lake.Row)) lake.Batch {
		bad := row(2, 0, "a")
		f(&bad)
		return lake.Batch{UpTo: 2, Rows: []lake.Row{row(1, 0, "a"), bad}}
	}
	secret := "ada@example.org\x00"
	for name, b := range map[string]lake.Batch{
		"rows out of order":    {UpTo: 3, Rows: []lake.Row{row(3, 0, "a"), row(2, 0, "a")}},
		"indexes out of order": {UpTo: 3, Rows: []lake.Row{row(3, 1, "a"), row(3, 0, "a")}},
		"the same place twice": {UpTo: 3, Rows: []lake.Row{row(3, 1, "a"), row(3, 1, "a")}},
		"a row above UpTo":     {UpTo: 1, Rows: []lake.Row{row(2, 0, "a")}},
		"a row at position 0":  {UpTo: 1, Rows: []lake.Row{row(0, 0, "a")}},
		"a position too large": {UpTo: 1 << 63},
		"a negative index":     change(func(r *lake.Row) { r.Index = -1 }),
		"no name":              change(func(r *lake.Row) { r.Name = "" }),
		"no event":             change(func(r *lake.Row) { r.Event = nil }),
		"NUL in the id":        change(func(r *lake.Row) { r.ID = secret }),
		"NUL in the node":      change(func(r *lake.Row) { r.Node.Value = secret }),
		"broken UTF-8":         change(func(r *lake.Row) { r.Source = "\xff" }),
		"broken event":         change(func(r *lake.Row) { r.Event = []byte("\"\xff\"") }),
		"year 10000":           change(func(r *lake.Row) { r.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }),
		"nobody assigned":      {UpTo: 1, Assignments: []lake.Assignment{{Person: 1}}},
		"a negative person":    {UpTo: 1, Assignments: []lake.Assignment{{Node: email("a"), Person: -1}}},
		"NUL in an assignment": {UpTo: 1, Assignments: []lake.Assignment{{Node: email(secret), Person: 1}}},
	} {
		err := l.Append(context.Background(), b)
		if fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: got %v, want it refused as invalid", name, err)
		} else if strings.Contains(err.Error(), "ada@") {
			t.Errorf("%s: I12: the error quotes a value: %v", name, err)
		}
	}
	wantSame(t, l)
}

func refusedQueries(t *testing.T, l *lake.Lake, _ Open, _ string) {
	for _, q := range []lake.Query{{Names: []string{"\x00"}}, {Sources: []string{"\xff"}}, {UpTo: 1 << 63}, {To: time.Unix(1<<50, 0)}} {
		_, err := l.Count(context.Background(), q)
		wantKind(t, err, fault.Invalid)
	}
}

func bigEvent(t *testing.T, l *lake.Lake, _ Open, _ string) {
	b := lake.Batch{UpTo: 3, Assignments: []lake.Assignment{{Node: email("a"), Person: 1}}}
	for i := range 3 {
		r := row(3, i, "a")
		// Larger than a page of any driver, with keys and spaces in no tidy order.
		r.Event = []byte(`{ "z":1,  "a":"` + string(bytes.Repeat([]byte("é𝔘\\u0000 x"), 900_000)) + `","a":12345678901234567890.10 }`)
		b.Rows = append(b.Rows, r)
	}
	must(t, l.Append(context.Background(), b))
	wantSame(t, l, b)
}

func text(t *testing.T, l *lake.Lake, _ Open, _ string) {
	b := lake.Batch{UpTo: 1}
	for i, s := range append(texts, strings.Repeat("long ", 10_000), "\n\t\x01", "\ufeff", "\U0010ffff", "'; DROP TABLE event; --", `{"a":[1]}`) {
		r := row(1, i, s)
		r.ID, r.Name, r.Source, r.Node.Namespace, r.Type = s, s, s, s, event.Type(s)
		r.Event = []byte(s)
		b.Rows = append(b.Rows, r)
		b.Assignments = append(b.Assignments, lake.Assignment{Node: r.Node, Person: int64(i + 1)})
	}
	empty := row(1, 100, "")
	empty.Source, empty.ID, empty.Type = "", "", ""
	b.Rows = append(b.Rows, empty)
	must(t, l.Append(context.Background(), b))
	wantSame(t, l, b)
	for i, r := range b.Rows[:len(texts)] {
		got := scan(t, l, lake.Query{Names: []string{r.Name}, Sources: []string{r.Source}, Persons: []int64{int64(i + 1)}})
		if len(got) != 1 || got[0].row.Index != i {
			t.Errorf("%q: got %d rows, want the one with this text", r.Name, len(got))
		}
	}
}

func collation(t *testing.T, l *lake.Lake, _ Open, _ string) {
	b := lake.Batch{UpTo: 1}
	for i, name := range []string{"a", "Z", "ä", "a\u0308", "z", "𝔘", "\uffee", "A"} {
		r := row(1, i, "a")
		r.Name = name
		b.Rows = append(b.Rows, r)
	}
	must(t, l.Append(context.Background(), b))
	s, err := l.Stats(context.Background())
	must(t, err)
	var got []string
	for _, n := range s.Names {
		got = append(got, n.Name)
	}
	same(t, "order", got, []string{"A", "Z", "a", "a\u0308", "z", "ä", "\uffee", "𝔘"})
}

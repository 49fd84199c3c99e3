package laketest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lake"
)

func times(t *testing.T, l *lake.Lake, _ Open, _ string) {
	at := time.Date(2024, 3, 31, 2, 30, 0, 123_456_789, time.FixedZone("CEST", 7200))
	cut := time.Date(2024, 3, 31, 0, 30, 0, 123_456_000, time.UTC)
	r := row(1, 0, "a")
	r.Time, r.ReceivedAt = at, time.Unix(-1, 1)
	must(t, l.Append(context.Background(), lake.Batch{UpTo: 1, Rows: []lake.Row{r}}))
	got := scan(t, l, lake.Query{})[0].row
	same(t, "time", got.Time, cut)
	same(t, "received", got.ReceivedAt, time.Unix(-1, 0).UTC())
	for _, c := range []struct {
		name     string
		from, to time.Time
		want     int64
	}{
		{"from is inclusive", cut, time.Time{}, 1},
		{"a nanosecond later is too late", cut.Add(1), time.Time{}, 0},
		{"to is exclusive", time.Time{}, cut, 0},
		{"a nanosecond later is enough", time.Time{}, cut.Add(1), 1},
		{"both, in another zone", cut.In(at.Location()), cut.Add(time.Microsecond).In(at.Location()), 1},
		{"an empty span", cut, cut, 0},
	} {
		n, err := l.Count(context.Background(), lake.Query{From: c.from, To: c.to})
		must(t, err)
		if n != c.want {
			t.Errorf("%s: got %d rows, want %d", c.name, n, c.want)
		}
	}
}

func merge(t *testing.T, l *lake.Lake, _ Open, _ string) {
	ctx := context.Background()
	nobody := row(3, 0, "a")
	nobody.Node.Namespace = ""
	must(t, l.Append(ctx, lake.Batch{UpTo: 3, Rows: []lake.Row{row(1, 0, "a"), row(2, 0, "b"), nobody}, Assignments: []lake.Assignment{
		{Node: email("a"), Person: 9}, {Node: email("a"), Person: 1}, {Node: email("b"), Person: 2}}}))
	persons := func() string {
		var s string
		for _, o := range scan(t, l, lake.Query{}) {
			s += fmt.Sprintf("%d:%d ", o.row.Position, o.person)
		}
		return s
	}
	same(t, "before", persons(), "1:1 2:2 3:0 ")
	must(t, l.Append(ctx, lake.Batch{UpTo: 4, Assignments: []lake.Assignment{{Node: email("b"), Person: 1}}}))
	same(t, "merged", persons(), "1:1 2:1 3:0 ")
	if h := byPerson(t, l, nil); len(h) != 1 || len(h[0].rows) != 2 {
		t.Errorf("by person after the merge: %+v", h)
	}
	must(t, l.Append(ctx, lake.Batch{UpTo: 5, Assignments: []lake.Assignment{{Node: email("b"), Person: 3}, {Node: email("a"), Person: 0}}}))
	same(t, "split and withdrawn", persons(), "1:0 2:3 3:0 ")
	must(t, l.Append(ctx, lake.Batch{UpTo: 6, Assignments: []lake.Assignment{{Node: email("a"), Person: 4}}}))
	same(t, "given again", persons(), "1:4 2:3 3:0 ")
}

func noPersons(t *testing.T, l *lake.Lake, _ Open, _ string) {
	must(t, l.Append(context.Background(), lake.Batch{UpTo: 1, Rows: []lake.Row{row(1, 0, "a"), row(1, 1, "b")},
		Assignments: []lake.Assignment{{Node: email("a"), Person: 1}}}))
	for _, c := range []struct {
		persons []int64
		want    int
	}{{nil, 2}, {[]int64{}, 0}, {[]int64{1}, 1}, {[]int64{0}, 1}, {[]int64{0, 1, 1}, 2}, {[]int64{2}, 0}} {
		q := lake.Query{Persons: c.persons}
		n, err := l.Count(context.Background(), q)
		must(t, err)
		if got := len(scan(t, l, q)); got != c.want || n != int64(c.want) {
			t.Errorf("persons %#v: scanned %d and counted %d, want %d", c.persons, got, n, c.want)
		}
	}
}

// manyPages is larger than any driver's page, with one person across pages.
func manyPages(t *testing.T, l *lake.Lake, _ Open, _ string) {
	const blocks, perBlock = 60, 500
	filler := make([]byte, 900)
	for i := range filler {
		filler[i] = 'x'
	}
	want := lake.New(NewMemory())
	for p := journal.Position(1); p <= blocks; p++ {
		b := lake.Batch{UpTo: p * 1000}
		for i := range perBlock {
			who := "shared"
			if i%2 == 1 {
				who = fmt.Sprint(i)
			}
			r := row(p*1000, i*3, who)
			r.Event = []byte(fmt.Sprintf(`{"i":%d,"x":"%s"}`, i, filler))
			b.Rows = append(b.Rows, r)
			b.Assignments = append(b.Assignments, lake.Assignment{Node: r.Node, Person: int64(1 + (i%2)*(perBlock-i))})
		}
		must(t, l.Append(context.Background(), b))
		must(t, want.Append(context.Background(), b))
	}
	compare(t, l, want, lake.Query{})
	compare(t, l, want, lake.Query{UpTo: 30_000, Persons: []int64{1, 3, 5}})
}

func callbackError(t *testing.T, l *lake.Lake, _ Open, _ string) {
	ctx, enough := context.Background(), errors.New("enough")
	must(t, l.Append(ctx, lake.Batch{UpTo: 1, Rows: []lake.Row{row(1, 0, "a"), row(1, 1, "b")}, Assignments: []lake.Assignment{
		{Node: email("a"), Person: 1}, {Node: email("b"), Person: 2}}}))
	calls := 0
	err := l.Scan(ctx, lake.Query{}, func(lake.Row, int64) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("scan: %v after %d calls, want the callback's error after one", err, calls)
	}
	calls = 0
	err = l.ScanByPerson(ctx, nil, func(int64, []lake.Row) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("by person: %v after %d calls, want the callback's error after one", err, calls)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := l.Scan(ended, lake.Query{}, func(lake.Row, int64) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	wantSame(t, l, lake.Batch{UpTo: 1, Rows: []lake.Row{row(1, 0, "a"), row(1, 1, "b")}, Assignments: []lake.Assignment{
		{Node: email("a"), Person: 1}, {Node: email("b"), Person: 2}}})
}

// snapshot appends and merges from within a scan, which must see none of it.
func snapshot(t *testing.T, l *lake.Lake, _ Open, _ string) {
	ctx := context.Background()
	must(t, l.Append(ctx, lake.Batch{UpTo: 2, Rows: []lake.Row{row(1, 0, "a"), row(2, 0, "a")},
		Assignments: []lake.Assignment{{Node: email("a"), Person: 1}}}))
	var seen string
	must(t, l.Scan(ctx, lake.Query{}, func(r lake.Row, person int64) error {
		seen += fmt.Sprintf("%d:%d ", r.Position, person)
		p := r.Position + 2
		return l.Append(ctx, lake.Batch{UpTo: p, Rows: []lake.Row{row(p, 0, "a")},
			Assignments: []lake.Assignment{{Node: event.Identifier{Namespace: "email", Value: "a"}, Person: int64(p)}}})
	}))
	same(t, "seen", seen, "1:1 2:1 ")
	n, err := l.Count(ctx, lake.Query{Persons: []int64{4}})
	must(t, err)
	same(t, "afterwards", n, int64(4))
}

func closed(t *testing.T, l *lake.Lake, _ Open, _ string) {
	must(t, l.Close())
	must(t, l.Close())
	ctx := context.Background()
	wantKind(t, l.Append(ctx, lake.Batch{UpTo: 1}), fault.Unavailable)
	_, err := l.Stats(ctx)
	wantKind(t, err, fault.Unavailable)
}

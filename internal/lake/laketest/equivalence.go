package laketest

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/event"
	"parley/internal/journal"
	"parley/internal/lake"
)

// Open opens the lake that lives in dir; what was durable there is there again.
type Open func(dir string) (*lake.Lake, error)

// Values that drivers may disagree about: order by bytes, composed and decomposed
// letters, text beyond the basic plane, quotes, trailing spaces.
var texts = []string{"a", "B", "Z", "á", "a\u0301", "ä", "z", "𝔘", "日本", "Order Completed", "it's", `"q"`, "a ", "%", "ß", "SS", "\u202e"}

var epoch = time.Date(2024, 2, 29, 23, 59, 59, 999_999_000, time.UTC)

func genNode() *rapid.Generator[event.Identifier] {
	return rapid.Custom(func(t *rapid.T) event.Identifier {
		ns := rapid.SampledFrom([]string{"", "email", "user_id", "E"}).Draw(t, "namespace")
		return event.Identifier{Namespace: ns, Value: rapid.SampledFrom(texts[:6]).Draw(t, "value")}
	})
}

// genTime draws times to the nanosecond around a few instants, so that equal
// times and neighbouring microseconds are frequent.
func genTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		base := rapid.SampledFrom([]time.Time{epoch, epoch.AddDate(0, 0, 1), time.Unix(0, 0), time.Unix(-1, 0), {}, epoch.AddDate(7000, 0, 0)}).Draw(t, "base")
		at := base.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ns")))
		return at.In(time.FixedZone("", 3600*rapid.IntRange(0, 1).Draw(t, "zone")))
	})
}

// genBatch draws a batch that starts somewhere before or after at.
func genBatch(t *rapid.T, at journal.Position) lake.Batch {
	var b lake.Batch
	p := at - min(at, journal.Position(rapid.IntRange(0, 3).Draw(t, "back")))
	for range rapid.IntRange(0, 4).Draw(t, "blocks") {
		p += journal.Position(rapid.IntRange(1, 2).Draw(t, "skip"))
		index := 0
		for range rapid.IntRange(0, 4).Draw(t, "rows") {
			b.Rows = append(b.Rows, lake.Row{
				Position: p, Index: index,
				Source: rapid.SampledFrom(texts[:4]).Draw(t, "source"),
				ID:     rapid.StringOfN(rapid.RuneFrom([]rune("ab0𝔘é")), 0, 5, -1).Draw(t, "id"),
				Type:   rapid.SampledFrom([]event.Type{event.Track, event.Record}).Draw(t, "type"),
				Name:   rapid.SampledFrom(texts).Draw(t, "name"),
				Time:   genTime().Draw(t, "time"), ReceivedAt: genTime().Draw(t, "received"),
				Node:  genNode().Draw(t, "node"),
				Event: []byte(fmt.Sprintf(`{"n":%q}`, rapid.StringMatching(`[a-zé𝔘 ]{0,12}`).Draw(t, "event"))),
			})
			index += rapid.IntRange(1, 3).Draw(t, "gap")
		}
	}
	b.UpTo = p + journal.Position(rapid.IntRange(0, 2).Draw(t, "ahead"))
	for range rapid.IntRange(0, 4).Draw(t, "assignments") {
		n := genNode().Filter(func(n event.Identifier) bool { return n.Namespace != "" }).Draw(t, "node")
		b.Assignments = append(b.Assignments, lake.Assignment{Node: n, Person: rapid.Int64Range(0, 4).Draw(t, "person")})
	}
	return b
}

func genQuery(t *rapid.T) lake.Query {
	var q lake.Query
	q.Names = rapid.SliceOfN(rapid.SampledFrom(texts), 0, 4).Draw(t, "names")
	q.Sources = rapid.SliceOfN(rapid.SampledFrom(texts[:4]), 0, 2).Draw(t, "sources")
	if rapid.Bool().Draw(t, "has from") {
		q.From = genTime().Draw(t, "from")
	}
	if rapid.Bool().Draw(t, "has to") {
		q.To = genTime().Draw(t, "to")
	}
	q.UpTo = journal.Position(rapid.IntRange(0, 20).Draw(t, "upto"))
	if rapid.Bool().Draw(t, "has persons") {
		q.Persons = rapid.SliceOfN(rapid.Int64Range(0, 4), 0, 3).Draw(t, "persons")
	}
	return q
}

// Equivalent plays random operations on the lake that open returns and on Memory,
// and wants the same answers, over restarts too.
func Equivalent(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		got, err := open(dir)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = got.Close() }()
		want := lake.New(NewMemory())
		for range rapid.IntRange(1, 12).Draw(rt, "operations") {
			switch rapid.IntRange(0, 4).Draw(rt, "operation") {
			case 0, 1:
				at, _ := want.Position(context.Background())
				b := genBatch(rt, at)
				same(rt, "append", errText(got.Append(context.Background(), b)), errText(want.Append(context.Background(), b)))
			case 2:
				if err := got.Close(); err != nil {
					rt.Fatal(err)
				}
				if got, err = open(dir); err != nil {
					rt.Fatal(err)
				}
			default:
				compare(rt, got, want, genQuery(rt))
			}
		}
		compare(rt, got, want, lake.Query{})
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func same(t fataler, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// fataler is what testing.T and rapid.T share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// compare asks both lakes everything there is to ask about q.
func compare(t fataler, got, want *lake.Lake, q lake.Query) {
	t.Helper()
	same(t, "scan", scan(t, got, q), scan(t, want, q))
	same(t, "by person", byPerson(t, got, q.Names), byPerson(t, want, q.Names))
	ctx := context.Background()
	g, errG := got.Count(ctx, q)
	w, errW := want.Count(ctx, q)
	same(t, "count", fmt.Sprint(g, errG), fmt.Sprint(w, errW))
	gs, errG := got.Stats(ctx)
	ws, errW := want.Stats(ctx)
	same(t, "stats", gs, ws)
	same(t, "stats error", errText(errG), errText(errW))
	gp, errG := got.Position(ctx)
	wp, errW := want.Position(ctx)
	same(t, "position", fmt.Sprint(gp, errG), fmt.Sprint(wp, errW))
}

func scan(t fataler, l *lake.Lake, q lake.Query) []owned {
	t.Helper()
	var out []owned
	err := l.Scan(context.Background(), q, func(r lake.Row, person int64) error {
		out = append(out, owned{r, person})
		return nil
	})
	if err != nil {
		t.Fatalf("scan: %v", err)
	}
	return out
}

type history struct {
	person int64
	rows   []lake.Row
}

func byPerson(t fataler, l *lake.Lake, names []string) []history {
	t.Helper()
	var out []history
	err := l.ScanByPerson(context.Background(), names, func(person int64, rows []lake.Row) error {
		out = append(out, history{person, rows})
		return nil
	})
	if err != nil {
		t.Fatalf("scan by person: %v", err)
	}
	return out
}

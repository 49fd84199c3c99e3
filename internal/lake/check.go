package lake

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/fault"
)

// maxText bounds one text field of a row, the event included, at 64 MiB.
const maxText = 64 << 20

// Storable tells whether the lake takes a text: UTF-8, no NUL, at most 64 MiB. A
// stage that finds other text quarantines the event, since the lake would refuse
// the whole batch for ever.
func Storable(s string) bool {
	return len(s) <= maxText && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

func refuse(format string, args ...any) error {
	return fault.New(fault.Invalid, "lake.append", format, args...)
}

// check refuses what no driver should see. Sentences name the place, never the value (I12).
func (b Batch) check() error {
	if b.UpTo > math.MaxInt64 {
		return refuse("The batch's position is above 2^63-1.")
	}
	for i := range b.Rows {
		if err := b.checkRow(i); err != nil {
			return err
		}
	}
	for i, a := range b.Assignments {
		if a.Node.Namespace == "" {
			return refuse("Assignment %d has no namespace; nobody's events cannot be assigned.", i)
		}
		if !Storable(a.Node.Namespace) || !Storable(a.Node.Value) {
			return refuse("The node of assignment %d is not UTF-8 text without NUL.", i)
		}
		if a.Person < 0 {
			return refuse("Assignment %d names a negative person; 0 means nobody.", i)
		}
	}
	return nil
}

func (b Batch) checkRow(i int) error {
	r := &b.Rows[i]
	if r.Position == 0 || r.Position > b.UpTo {
		return refuse("Row %d has position %d, outside 1 to the batch's %d.", i, r.Position, b.UpTo)
	}
	if r.Index < 0 || r.Index > math.MaxInt32 {
		return refuse("Row %d has index %d, outside 0 to 2^31-1.", i, r.Index)
	}
	if i > 0 && !b.Rows[i-1].Before(*r) {
		return refuse("Row %d is not after the row before it; sort rows by position and index.", i)
	}
	if r.Name == "" {
		return refuse("Row %d has no name.", i)
	}
	if field := r.badText(); field != "" {
		return refuse("The %s of row %d is not UTF-8 text without NUL of at most 64 MiB.", field, i)
	}
	if !storableTime(r.Time) || !storableTime(r.ReceivedAt) {
		return refuse("Row %d has a time outside the years 1 to 9999.", i)
	}
	if len(r.Event) == 0 {
		return refuse("Row %d has no event.", i)
	}
	return nil
}

// badText names the first field that is not storable, "" if all are.
func (r *Row) badText() string {
	switch {
	case !Storable(r.Source):
		return "source"
	case !Storable(r.ID):
		return "id"
	case !Storable(string(r.Type)):
		return "type"
	case !Storable(r.Name):
		return "name"
	case !Storable(r.Node.Namespace) || !Storable(r.Node.Value):
		return "node"
	case len(r.Event) > maxText || !utf8.Valid(r.Event) || bytes.IndexByte(r.Event, 0) >= 0:
		return "event"
	}
	return ""
}

// Before tells whether r comes before o in journal order.
func (r Row) Before(o Row) bool {
	return r.Position < o.Position || r.Position == o.Position && r.Index < o.Index
}

// Nobody tells whether a node stands for no person.
func Nobody(n event.Identifier) bool { return n.Namespace == "" }

func storableTime(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 1 && y <= 9999
}

// normal returns the query with its bounds at whole microseconds. A row's time is
// a whole microsecond, so rounding a bound up keeps the meaning of both
// "at or after From" and "before To".
func (q Query) normal(op string) (Query, error) {
	for _, s := range [][]string{q.Names, q.Sources} {
		for _, v := range s {
			if !Storable(v) {
				return q, fault.New(fault.Invalid, op, "A name or source of the query is not UTF-8 text without NUL.")
			}
		}
	}
	if !storableTime(q.From) || !storableTime(q.To) {
		return q, fault.New(fault.Invalid, op, "From and To lie in the years 1 to 9999.")
	}
	if q.UpTo > math.MaxInt64 {
		return q, fault.New(fault.Invalid, op, "The query's position is above 2^63-1.")
	}
	q.From, q.To = ceilMicro(q.From), ceilMicro(q.To)
	q.Names, q.Sources, q.Persons = sorted(q.Names), sorted(q.Sources), sorted(q.Persons)
	return q, nil
}

// none tells whether the query chooses nothing by construction.
func (q Query) none() bool { return q.Persons != nil && len(q.Persons) == 0 }

func ceilMicro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	c := time.UnixMicro(t.UnixMicro()).UTC()
	if c.Before(t) {
		c = c.Add(time.Microsecond)
	}
	return c
}

// sorted returns the distinct values of s in order, nil for nil.
func sorted[T string | int64](s []T) []T {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

package audience

import (
	"slices"
	"time"
)

// point is one matching event on the time line of a condition.
type point struct {
	time  time.Time
	value number // the measured property; unused when counting
}

// sweepWork bounds the look ahead of one condition, in points visited. A
// condition that has not changed by then reports the instant reached: too early
// is safe (one more evaluation), too late would not be.
const sweepWork = 1 << 15

// event answers an event condition by moving a window over the matching events,
// oldest first. As now advances, events ahead enter at their time and, in a
// rolling window (now-last, now], leave at their time plus last; nothing else
// changes the answer. So the window is always points[low:high].
func (t *timed) event(e *eventTest) Membership {
	w := sweep{test: e, points: t.collect(e)}
	w.moveTo(t.now)
	member := w.accepts()
	for w.work < sweepWork {
		next := w.boundary()
		if next.IsZero() {
			return Membership{Member: member}
		}
		w.moveTo(next)
		if w.accepts() != member {
			return Membership{Member: member, Next: next}
		}
	}
	return Membership{Member: member, Next: w.boundary()}
}

// collect lists the events that match and that the window sees now or may see
// later, by time. For other measures than count, events without a number count
// for nothing and are left out.
func (t *timed) collect(e *eventTest) []point {
	points := t.points[:0]
	sorted := true
	for i := range t.subject.History {
		o := &t.subject.History[i]
		if o.Name != e.name {
			continue
		}
		gone := e.window.last > 0 && !o.Time.Add(e.window.last).After(t.now)
		if gone || !e.window.spans(o.Time) || !e.matches(o) {
			continue
		}
		p := point{time: o.Time}
		if e.measure != "count" {
			n, ok := numberOf(lookup(o.Properties, e.property))
			if !ok {
				continue
			}
			p.value = n
		}
		sorted = sorted && (len(points) == 0 || !p.time.Before(points[len(points)-1].time))
		points = append(points, p)
	}
	if !sorted {
		slices.SortStableFunc(points, func(a, b point) int { return a.time.Compare(b.time) })
	}
	t.points = points
	return points
}

// sweep is a window moving forward over points.
type sweep struct {
	test      *eventTest
	points    []point
	low, high int
	sum       number // of points[low:high], for sum and avg
	work      int
}

// boundary returns the next instant at which a point enters or leaves, zero when none does.
func (w *sweep) boundary() time.Time {
	var next time.Time
	if w.high < len(w.points) {
		next = w.points[w.high].time
	}
	if w.low < w.high && w.test.window.last > 0 {
		next = earlier(next, w.points[w.low].time.Add(w.test.window.last))
	}
	return next
}

// moveTo lets points enter and leave up to and including the instant.
func (w *sweep) moveTo(now time.Time) {
	sums := w.test.measure == "sum" || w.test.measure == "avg"
	for ; w.high < len(w.points) && !w.points[w.high].time.After(now); w.high++ {
		w.work++
		if sums {
			w.sum = w.sum.plus(w.points[w.high].value)
		}
	}
	last := w.test.window.last
	for ; last > 0 && w.low < w.high && !w.points[w.low].time.Add(last).After(now); w.low++ {
		w.work++
		if sums {
			w.sum = w.sum.minus(w.points[w.low].value)
		}
	}
}

// accepts asks the condition about points[low:high].
func (w *sweep) accepts() bool {
	inside := w.points[w.low:w.high]
	found := tally{events: len(inside), numbers: len(inside), sum: w.sum}
	if w.test.measure == "min" || w.test.measure == "max" {
		w.work += len(inside)
		found = tally{}
		for i := range inside {
			found.add(inside[i].value)
		}
	}
	return w.test.accepts(found)
}

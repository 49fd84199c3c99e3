package audience

import (
	"fmt"
	"strconv"
	"time"
)

// MaxWindow is the longest rolling window: 100 years of 365 days.
const MaxWindow = 100 * 365 * 24 * time.Hour

var windowUnits = map[byte]time.Duration{
	'm': time.Minute,
	'h': time.Hour,
	'd': 24 * time.Hour,
	'w': 7 * 24 * time.Hour,
}

// ParseDuration reads the length of a rolling window: a whole number and one of
// the units m (minutes), h, d (24 hours, whatever the calendar says) and w
// (7 days), such as 30d. It must be positive and at most MaxWindow. The error's
// text is a sentence for people.
func ParseDuration(text string) (time.Duration, error) {
	if len(text) < 2 || !allDigits(text[:len(text)-1]) || windowUnits[text[len(text)-1]] == 0 {
		return 0, fmt.Errorf("%s is not a length of time; write a whole number and m, h, d or w, such as 30d", quote(text))
	}
	unit := windowUnits[text[len(text)-1]]
	count, err := strconv.ParseInt(text[:len(text)-1], 10, 64)
	if err != nil || count > int64(MaxWindow/unit) {
		return 0, fmt.Errorf("%s is longer than 100 years; leave the window out to look at all history", quote(text))
	}
	if count == 0 {
		return 0, fmt.Errorf("%s is no time at all; write at least 1m", quote(text))
	}
	return time.Duration(count) * unit, nil
}

// window is a parsed Window. At most one of last and (from, to) is set; the zero
// window is all time up to now.
type window struct {
	last     time.Duration
	from, to time.Time // zero: open on that side
}

// sees says whether an event at t lies in the window at now. Nothing sees the
// future, not even an absolute window that ends there.
func (w window) sees(t, now time.Time) bool {
	if t.After(now) {
		return false
	}
	if w.last > 0 {
		return t.After(now.Add(-w.last))
	}
	return w.spans(t)
}

// spans says whether the absolute limits allow an event at t, whenever now is.
func (w window) spans(t time.Time) bool {
	return (w.from.IsZero() || !t.Before(w.from)) && (w.to.IsZero() || t.Before(w.to))
}

func compileWindow(w *Window) (window, error) {
	if w == nil {
		return window{}, nil
	}
	if w.Last != "" {
		last, err := ParseDuration(w.Last)
		return window{last: last}, err
	}
	var out window
	if w.From != nil {
		out.from = *w.From
	}
	if w.To != nil {
		out.to = *w.To
	}
	return out, nil
}

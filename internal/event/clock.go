package event

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// earliest is the first instant taken seriously. Earlier ones are zero values of
// programs and spreadsheets, not facts.
var earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// latest bounds clocks before they are calculated with, so that no sum overflows.
var latest = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// BoundTime returns t as Event.Time promises it: UTC, microseconds, not later
// than receivedAt plus MaxSkew. A time before 1900 is no time and gives
// receivedAt.
func BoundTime(t, receivedAt time.Time) time.Time {
	limit := receivedAt.Add(MaxSkew)
	switch {
	case t.Before(earliest):
		t = receivedAt
	case t.After(limit):
		t = limit
	}
	return micro(t)
}

func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// eventTime works out when a message's event happened.
//
// Segment's rule takes the error of the sender's clock out, however large:
// receivedAt − (sentAt − original). RudderStack's SDKs send both timestamp and
// originalTimestamp when timestamp is meant as it stands; then it is kept
// (research/collection.md §4.2).
func eventTime(message map[string]any, in Receipt) time.Time {
	timestamp, hasTimestamp := readTime(message["timestamp"])
	original, hasOriginal := readTime(message["originalTimestamp"])
	if hasTimestamp && hasOriginal {
		return BoundTime(timestamp, in.ReceivedAt)
	}
	if hasTimestamp {
		original = timestamp
	}
	if !hasTimestamp && !hasOriginal {
		return BoundTime(in.ReceivedAt, in.ReceivedAt)
	}
	sentAt, ok := readTime(message["sentAt"])
	if !ok {
		sentAt = in.SentAt
	}
	if !plausible(sentAt) {
		return BoundTime(original, in.ReceivedAt)
	}
	// Microseconds, not a Duration: that one ends at 292 years.
	skew := sentAt.UnixMicro() - original.UnixMicro()
	return BoundTime(time.UnixMicro(in.ReceivedAt.UnixMicro()-skew), in.ReceivedAt)
}

func plausible(t time.Time) bool { return !t.Before(earliest) && !t.After(latest) }

// wireLayouts are the ways in which clients write a time; RFC 3339 comes first
// because nearly all do. A time without an offset is UTC.
var wireLayouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05",
	"2006-01-02",
}

// unixMillisFrom is the smallest number read as milliseconds since 1970 (March
// 1973); smaller ones are seconds (until the year 5138).
const unixMillisFrom = 100_000_000_000

// readTime reads a time as clients send it: a text in one of wireLayouts, or a
// whole number of seconds or milliseconds since 1970. Anything else is no time.
func readTime(v any) (time.Time, bool) {
	switch v := v.(type) {
	case string:
		text := strings.TrimSpace(v)
		for _, layout := range wireLayouts {
			if t, err := time.Parse(layout, text); err == nil {
				return t, true
			}
		}
	case json.Number:
		n, err := strconv.ParseInt(v.String(), 10, 64)
		if err != nil || n < 0 || n > latest.UnixMilli() {
			return time.Time{}, false
		}
		if n < unixMillisFrom {
			return time.Unix(n, 0), true
		}
		return time.UnixMilli(n), true
	}
	return time.Time{}, false
}

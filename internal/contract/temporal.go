package contract

import (
	"strings"
	"time"
)

// defaultLayouts are what a date, timestamp or time accepts without a format:
// ISO 8601 in the forms that RFC 3339 allows. Without a zone UTC is meant.
var defaultLayouts = map[string][]string{
	"date":      {time.DateOnly, time.RFC3339, "2006-01-02T15:04:05"},
	"timestamp": {time.RFC3339, "2006-01-02T15:04:05", time.DateOnly},
	"time":      {time.TimeOnly, "15:04", "15:04:05Z07:00", "15:04Z07:00"},
}

func parseTemporal(layouts []string, s string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// jdkTokens translates the letters of a JDK DateTimeFormatter pattern, which is
// what the standard prescribes, to Go's reference time.
var jdkTokens = map[string]string{
	"y": "2006", "yy": "06", "yyyy": "2006", "u": "2006", "uu": "06", "uuuu": "2006",
	"M": "1", "MM": "01", "MMM": "Jan", "MMMM": "January",
	"d": "2", "dd": "02", "E": "Mon", "EEE": "Mon", "EEEE": "Monday",
	"H": "15", "HH": "15", "h": "3", "hh": "03", "a": "PM",
	"m": "4", "mm": "04", "s": "5", "ss": "05",
	"T": "T", // the standard's examples do not quote it
}

// jdkLayouts returns the Go layouts for a JDK pattern; ok is false where the
// pattern uses something that has no counterpart.
func jdkLayouts(pattern string) (layouts []string, ok bool) {
	colon, ok := jdkLayout(pattern, "Z07:00")
	if !ok || pattern == "" {
		return nil, false
	}
	if plain, _ := jdkLayout(pattern, "Z0700"); plain != colon {
		return []string{colon, plain}, true
	}
	return []string{colon}, true
}

func jdkLayout(pattern, zone string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		if c == '\'' {
			end := strings.IndexByte(pattern[i+1:], '\'')
			if end < 0 || strings.ContainsAny(pattern[i+1:i+1+end], "0123456789_") {
				return "", false
			}
			out.WriteString(pattern[i+1 : i+1+end])
			i += end + 2
			continue
		}
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if isDigit(c) || c == '_' || c >= 0x80 {
				return "", false
			}
			out.WriteByte(c)
			i++
			continue
		}
		run := 1
		for i+run < len(pattern) && pattern[i+run] == c {
			run++
		}
		token := pattern[i : i+run]
		i += run
		switch c {
		case 'X', 'x', 'Z':
			out.WriteString(zone)
		case 'S':
			out.WriteString(strings.Repeat("0", run))
		default:
			layout, known := jdkTokens[token]
			if !known {
				return "", false
			}
			out.WriteString(layout)
		}
	}
	return out.String(), true
}

package source

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The formats that are not Go layouts.
const (
	formatUnix      = "unix"
	formatUnixMilli = "unix_ms"
	formatRFC3339   = "rfc3339"
)

// isoFormats are tried where a mapping names no formats. Each can be read in one
// way only.
var isoFormats = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"}

// parseTime reads a time in the first of the formats that fits. The result
// stands in zone, or in the offset that is written in the text.
func parseTime(s string, formats []string, zone *time.Location) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(formats) == 0 {
		formats = isoFormats
	}
	for _, format := range formats {
		var t time.Time
		var ok bool
		switch format {
		case formatUnix:
			t, ok = unixTime(s, time.Second)
		case formatUnixMilli:
			t, ok = unixTime(s, time.Millisecond)
		case formatRFC3339:
			format = time.RFC3339
			fallthrough
		default:
			parsed, err := time.ParseInLocation(format, s, zone)
			if err == nil && parsed.Year() > 0 {
				return parsed, true
			}
			continue
		}
		if ok {
			return t.In(zone), true
		}
	}
	return time.Time{}, false
}

// lastSecond is the end of the year 9999, beyond which RFC 3339 cannot write.
const lastSecond = 253402300799

// unixTime reads a decimal number of units since 1970.
func unixTime(s string, unit time.Duration) (time.Time, bool) {
	s, ok := decimal(s)
	if !ok || strings.ContainsAny(s, "eE") {
		return time.Time{}, false
	}
	whole, fraction, _ := strings.Cut(s, ".")
	units, err := strconv.ParseInt(whole, 10, 64)
	perSecond := int64(time.Second / unit)
	if err != nil || units > lastSecond*perSecond || units < -lastSecond/4*perSecond {
		return time.Time{}, false
	}
	part := 0.0
	if fraction != "" {
		if part, err = strconv.ParseFloat("0."+fraction, 64); err != nil {
			return time.Time{}, false
		}
	}
	if strings.HasPrefix(whole, "-") {
		part = -part
	}
	nanos := units%perSecond*int64(unit) + int64(math.Round(part*float64(unit)))
	return time.Unix(units/perSecond, nanos), true
}

// probe is a moment whose every part differs from that of Go's reference time.
var probe = time.Date(2024, time.November, 23, 19, 47, 58, 0, time.UTC)

// checkFormat returns what is wrong with a format, or "".
func checkFormat(format string) string {
	switch format {
	case formatUnix, formatUnixMilli, formatRFC3339:
		return ""
	case "":
		return "A format is empty; write a Go layout such as 2006-01-02 15:04:05, or unix, unix_ms or rfc3339."
	}
	written := probe.Format(format)
	read, err := time.Parse(format, written)
	if err != nil || read.Year() != probe.Year() || read.YearDay() != probe.YearDay() {
		return fmt.Sprintf("The format %q does not carry year, month and day; write a Go layout such as 2006-01-02 15:04:05, or unix, unix_ms or rfc3339.", format)
	}
	return ""
}

// zoneOf resolves an IANA name. "Local" is refused: it means another zone on
// another machine (I4).
func zoneOf(name string) (*time.Location, bool) {
	if name == "" {
		return time.UTC, true
	}
	if name == "Local" {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

package contract

import (
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// stringFormats are the formats of a string that are checked, lightly: they
// catch a value in the wrong column, they do not prove that a mailbox exists.
// A nil check accepts every text.
var stringFormats = map[string]func(string) bool{
	"email":     isEmail,
	"uuid":      isUUID,
	"uri":       isURI,
	"hostname":  isHostname,
	"ipv4":      func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() },
	"ipv6":      func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() },
	"date":      func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil },
	"date-time": func(s string) bool { _, err := time.Parse(time.RFC3339, s); return err == nil },
	"password":  nil,
	"byte":      nil,
	"binary":    nil,
}

// integerRanges are the integer formats of the standard with their bounds.
var integerRanges = map[string][2]string{
	"i8":   {"-128", "127"},
	"i16":  {"-32768", "32767"},
	"i32":  {"-2147483648", "2147483647"},
	"i64":  {"-9223372036854775808", "9223372036854775807"},
	"i128": {"-170141183460469231731687303715884105728", "170141183460469231731687303715884105727"},
	"u8":   {"0", "255"},
	"u16":  {"0", "65535"},
	"u32":  {"0", "4294967295"},
	"u64":  {"0", "18446744073709551615"},
	"u128": {"0", "340282366920938463463374607431768211455"},
}

func isEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || !strings.Contains(s[at:], ".") || !isHostname(s[at+1:]) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || (!dash && !isHex(s[i])) {
			return false
		}
	}
	return true
}

func isHex(b byte) bool { return isDigit(b) || (b|0x20 >= 'a' && b|0x20 <= 'f') }

func isURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "" || u.Path != "")
}

// isHostname accepts letters of any script, as internationalised names have them.
func isHostname(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r < 0x80 && r != '-' && !isDigit(byte(r)) && (r|0x20 < 'a' || r|0x20 > 'z') {
				return false
			}
		}
	}
	return true
}

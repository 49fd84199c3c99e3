package contract

import (
	"math/big"
	"strconv"
	"strings"
)

// number is a JSON number held exactly. Most numbers are short, so they are
// kept as mant/10^scale and compared without allocation; the rest are compared
// digit by digit, never through a float, never by expanding an exponent that a
// sender chose.
type number struct {
	text  string
	small bool
	mant  int64
	scale int
}

// decimal is ±0.digits × 10^exp, digits without leading or trailing zeros;
// zero has no digits.
type decimal struct {
	neg    bool
	digits string
	exp    int
}

var pow10 = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// parseNumber accepts exactly the numbers of the JSON grammar (RFC 8259 §6).
func parseNumber(s string) (number, bool) {
	n := number{text: s}
	i, digits := 0, 0
	neg := strings.HasPrefix(s, "-")
	if neg {
		i++
	}
	start := i
	for ; i < len(s) && isDigit(s[i]); i++ {
		digits++
		n.mant = n.mant*10 + int64(s[i]-'0') // garbage beyond 18 digits, and not used then
	}
	if digits == 0 || (digits > 1 && s[start] == '0') {
		return n, false
	}
	if i < len(s) && s[i] == '.' {
		i++
		from := i
		for ; i < len(s) && isDigit(s[i]); i++ {
			digits++
			n.scale++
			n.mant = n.mant*10 + int64(s[i]-'0')
		}
		if i == from {
			return n, false
		}
	}
	n.small = digits <= 18
	if neg {
		n.mant = -n.mant
	}
	if i == len(s) {
		return n, true
	}
	n.small = false
	return n, isExponent(s[i:])
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isExponent(s string) bool {
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// decimal normalises the number.
func (n number) decimal() decimal {
	s := n.text
	var d decimal
	if strings.HasPrefix(s, "-") {
		d.neg, s = true, s[1:]
	}
	exp := 0
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		exp = saturate(s[at+1:])
		s = s[:at]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	all := whole + fraction
	trimmed := strings.TrimLeft(all, "0")
	d.exp = exp + len(whole) - (len(all) - len(trimmed))
	d.digits = strings.TrimRight(trimmed, "0")
	if d.digits == "" {
		return decimal{}
	}
	return d
}

// saturate reads an exponent; beyond ±2^40 all exponents are alike.
func saturate(s string) int {
	const limit = 1 << 40
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil { // out of range: isExponent has checked the grammar
		if strings.HasPrefix(s, "-") {
			return -limit
		}
		return limit
	}
	return int(max(-limit, min(limit, v)))
}

// whole reports whether the number has no fractional part: 1.0 and 1e3 have none.
func (n number) whole() bool {
	if n.small && n.scale == 0 {
		return true
	}
	if n.small {
		return n.mant%pow10[n.scale] == 0
	}
	d := n.decimal()
	return len(d.digits) <= d.exp || d.digits == ""
}

// compare returns -1, 0 or 1.
func (n number) compare(m number) int {
	if n.small && m.small {
		if a, b, ok := align(n, m); ok {
			return compareInt(a, b)
		}
	}
	return n.decimal().compare(m.decimal())
}

// align brings two small numbers to one scale, if they fit.
func align(n, m number) (a, b int64, ok bool) {
	a, b = n.mant, m.mant
	switch {
	case n.scale < m.scale:
		a, ok = scaleUp(a, m.scale-n.scale)
	case n.scale > m.scale:
		b, ok = scaleUp(b, n.scale-m.scale)
	default:
		ok = true
	}
	return a, b, ok
}

func scaleUp(v int64, by int) (int64, bool) {
	p := pow10[by]
	if limit := pow10[18] / p; v > limit || v < -limit {
		return 0, false
	}
	return v * p, true
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (d decimal) compare(e decimal) int {
	if s, t := d.sign(), e.sign(); s != t {
		return compareInt(int64(s), int64(t))
	}
	c := compareInt(int64(d.exp), int64(e.exp))
	if d.digits == "" {
		c = 0 // both are zero
	} else if c == 0 {
		c = strings.Compare(d.digits, e.digits)
	}
	if d.neg {
		return -c
	}
	return c
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	}
	return 1
}

// multipleOf reports whether n is m times a whole number; m is not zero.
func (n number) multipleOf(m number) bool {
	if n.small && m.small {
		if a, b, ok := align(n, m); ok {
			return a%b == 0
		}
	}
	d, e := n.decimal(), m.decimal()
	if d.digits == "" {
		return true
	}
	// n = dn × 10^x and m = en × 10^y with whole dn, en that do not end in 0.
	shift := (d.exp - len(d.digits)) - (e.exp - len(e.digits))
	if shift < 0 {
		return false // dn would have to be divisible by 10
	}
	dn, _ := new(big.Int).SetString(d.digits, 10)
	en, _ := new(big.Int).SetString(e.digits, 10)
	// dn × 10^shift mod en, by modular exponentiation so that a huge exponent costs nothing.
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), en)
	return p.Mul(p, dn).Mod(p, en).Sign() == 0
}

// key is the same text for equal numbers: 1, 1.0 and 10e-1.
func (n number) key() string {
	d := n.decimal()
	if d.digits == "" {
		return "0"
	}
	sign := ""
	if d.neg {
		sign = "-"
	}
	return sign + d.digits + "e" + strconv.Itoa(d.exp)
}

package audience

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number is an exact decimal: coef / 10^scale, or rat when that does not fit.
// Sums of money must not depend on the order of the events (I4, I8), which
// floating point cannot promise.
type number struct {
	coef  int64 // never math.MinInt64, so that it can be negated
	scale uint8 // 0..maxScale
	rat   *big.Rat
}

const (
	maxScale = 18
	// maxNumberText and maxExponent bound the memory that a hostile number such
	// as 1e999999999 can claim; what is beyond is not a number to any condition.
	maxNumberText = 128
	maxExponent   = 400
)

var powersOfTen = func() (p [maxScale + 1]int64) {
	p[0] = 1
	for i := 1; i <= maxScale; i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

func whole(n int) number { return number{coef: int64(n)} }

// numberOf reads a JSON value as a number; strings are not numbers.
func numberOf(v any) (number, bool) {
	switch v := v.(type) {
	case json.Number:
		return parseNumber(string(v))
	case float64: // from a decoder that did not ask for json.Number
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return number{}, false
		}
		return parseNumber(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return number{}, false
}

// parseNumber reads a JSON number exactly. It reports false for anything else
// and for numbers beyond maxNumberText or maxExponent.
func parseNumber(text string) (number, bool) {
	if n, ok := parseShort(text); ok {
		return n, true
	}
	if len(text) > maxNumberText || !isDecimal(text) {
		return number{}, false
	}
	rat, ok := new(big.Rat).SetString(text)
	if !ok {
		return number{}, false
	}
	return number{rat: rat}, true
}

// parseShort reads the usual case, [-]digits[.digits] within int64. It reports
// false when the text needs the long way, or is no number at all.
func parseShort(text string) (number, bool) {
	digits := strings.TrimPrefix(text, "-")
	n, seen, point := number{}, 0, false
	for i := range len(digits) {
		c := digits[i]
		if c == '.' && !point && seen > 0 {
			point, seen = true, 0
			continue
		}
		if c < '0' || c > '9' || n.coef > (math.MaxInt64-9)/10 || n.scale == maxScale {
			return number{}, false
		}
		n.coef = n.coef*10 + int64(c-'0')
		seen++
		if point {
			n.scale++
		}
	}
	if len(digits) != len(text) {
		n.coef = -n.coef
	}
	return n, seen > 0
}

// isDecimal says whether text is [-]digits[.digits][e[+-]digits] with a bounded exponent.
func isDecimal(text string) bool {
	mantissa, exponent := strings.TrimPrefix(text, "-"), ""
	if at := strings.IndexAny(mantissa, "eE"); at >= 0 {
		mantissa, exponent = mantissa[:at], mantissa[at+1:]
		unsigned := exponent
		if strings.HasPrefix(exponent, "+") || strings.HasPrefix(exponent, "-") {
			unsigned = exponent[1:]
		}
		power, err := strconv.Atoi(unsigned)
		if !allDigits(unsigned) || err != nil || power > maxExponent {
			return false
		}
	}
	integer, fraction, point := strings.Cut(mantissa, ".")
	return allDigits(integer) && (!point || allDigits(fraction))
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func (a number) big() *big.Rat {
	if a.rat != nil {
		return a.rat
	}
	return new(big.Rat).SetFrac(big.NewInt(a.coef), big.NewInt(powersOfTen[a.scale]))
}

// align brings both to one scale; it reports false when that would overflow.
func align(a, b number) (x, y int64, scale uint8, ok bool) {
	if a.rat != nil || b.rat != nil {
		return 0, 0, 0, false
	}
	scale = max(a.scale, b.scale)
	x, okX := multiply(a.coef, powersOfTen[scale-a.scale])
	y, okY := multiply(b.coef, powersOfTen[scale-b.scale])
	return x, y, scale, okX && okY
}

// multiply returns a*b for b > 0, or false when the magnitude exceeds int64.
func multiply(a, b int64) (int64, bool) {
	if a > math.MaxInt64/b || a < -math.MaxInt64/b {
		return 0, false
	}
	return a * b, true
}

// cmp returns -1, 0 or 1.
func (a number) cmp(b number) int {
	x, y, _, ok := align(a, b)
	switch {
	case !ok:
		return a.big().Cmp(b.big())
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (a number) plus(b number) number {
	x, y, scale, ok := align(a, b)
	tooBig := (y > 0 && x > math.MaxInt64-y) || (y < 0 && x < -math.MaxInt64-y)
	if !ok || tooBig {
		return number{rat: new(big.Rat).Add(a.big(), b.big())}
	}
	return number{coef: x + y, scale: scale}
}

func (a number) minus(b number) number {
	if b.rat != nil {
		return a.plus(number{rat: new(big.Rat).Neg(b.rat)})
	}
	return a.plus(number{coef: -b.coef, scale: b.scale})
}

// times multiplies by a positive count.
func (a number) times(n int) number {
	if a.rat == nil {
		if coef, ok := multiply(a.coef, int64(n)); ok {
			return number{coef: coef, scale: a.scale}
		}
	}
	return number{rat: new(big.Rat).Mul(a.big(), big.NewRat(int64(n), 1))}
}

// over divides by a positive count, for showing an average.
func (a number) over(n int) number {
	return number{rat: new(big.Rat).Quo(a.big(), big.NewRat(int64(n), 1))}
}

func (a number) isWhole() bool { return a.big().IsInt() }

// String shows up to six decimals.
func (a number) String() string {
	text := a.big().FloatString(6)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

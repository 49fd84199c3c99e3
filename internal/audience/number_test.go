package audience

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawNumber(t *rapid.T) (number, *big.Rat) {
	text := rapid.OneOf(
		rapid.StringMatching(`-?[0-9]{1,22}(\.[0-9]{1,20})?`),
		rapid.StringMatching(`-?[0-9]{1,3}(\.[0-9]{1,2})?`),
		rapid.StringMatching(`-?[0-9]\.[0-9]e[+-]?[0-9]{1,2}`),
		rapid.SampledFrom([]string{"9223372036854775807", "-9223372036854775807", "-9223372036854775808", "0", "-0", "0.000000000000000001"}),
	).Draw(t, "number")
	n, ok := parseNumber(text)
	want, okWant := new(big.Rat).SetString(text)
	if !ok || !okWant {
		t.Fatalf("%s did not parse", text)
	}
	return n, want
}

func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, ratA := drawNumber(t)
		b, ratB := drawNumber(t)
		count := rapid.IntRange(1, 1000).Draw(t, "count")
		same := func(what string, got number, want *big.Rat) {
			if got.big().Cmp(want) != 0 {
				t.Fatalf("%s: got %s, want %s", what, got.big(), want)
			}
		}
		same("parse", a, ratA)
		same("plus", a.plus(b), new(big.Rat).Add(ratA, ratB))
		same("minus", a.minus(b), new(big.Rat).Sub(ratA, ratB))
		same("times", a.times(count), new(big.Rat).Mul(ratA, big.NewRat(int64(count), 1)))
		same("twice", a.plus(b).plus(a).minus(b), new(big.Rat).Add(ratA, ratA))
		if a.cmp(b) != ratA.Cmp(ratB) {
			t.Fatalf("cmp of %s and %s", ratA, ratB)
		}
	})
}

func TestWhatIsANumber(t *testing.T) {
	for _, text := range []string{"0", "-1", "1.5", "1e3", "1E-3", "123456789012345678901234567890", "1e400", strings.Repeat("9", 128)} {
		if _, ok := parseNumber(text); !ok {
			t.Errorf("%q is a number", text)
		}
	}
	for _, text := range []string{"", "-", ".5", "5.", "1/3", "0x10", "1_000", "+1", "1e", "1e401", "1e-401", "1e999999999", "NaN", "Inf", " 1", "1 ", "--1", "1.2.3", strings.Repeat("9", 129)} {
		if _, ok := parseNumber(text); ok {
			t.Errorf("%q is no number", text)
		}
	}
	for _, v := range []any{"1", true, nil, []any{}} {
		if _, ok := numberOf(v); ok {
			t.Errorf("%v is no number", v)
		}
	}
	if n, ok := numberOf(0.1); !ok || n.cmp(number{coef: 1, scale: 1}) != 0 {
		t.Error("a float is the decimal it prints as")
	}
}

func TestSumsOfMoneyAreExact(t *testing.T) {
	var s Subject
	for i := range 10 {
		s.History = append(s.History, Occurrence{Time: start, Name: "bought", ID: fmt.Sprint(i), Properties: map[string]any{"total": json.Number("0.1")}})
	}
	exactly := compileOne(t, `{"event":{"name":"bought","measure":"sum","property":"total","atLeast":1,"atMost":1}}`)
	if !Evaluate(exactly, &s, start) {
		t.Error("ten times 0.1 is 1")
	}
}

func TestAdditionLeavesInt64InTime(t *testing.T) {
	most, one := number{coef: 9223372036854775807}, whole(1)
	if got := most.plus(one).String(); got != "9223372036854775808" {
		t.Errorf("most plus one is %s", got)
	}
	if got := one.minus(most).minus(one).minus(one).String(); got != "-9223372036854775808" {
		t.Errorf("least minus one is %s", got)
	}
}

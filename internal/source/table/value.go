package table

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"parley/internal/event"
)

// The reasons for which a Parquet value has no JSON form; they stand in a sentence.
var (
	errNotFinite = errors.New("the number is infinite")
	errNotText   = errors.New("the text is not valid UTF-8 or has a NUL character")
	errNotJSON   = errors.New("the text is not valid JSON")
	errNoForm    = errors.New("the value is of a kind that cannot be read")
	errNoDate    = errors.New("the date lies outside of the years 1 to 9999")
)

// converter returns how a leaf's values become JSON values: dates and times as
// ISO 8601 texts (with Z only if the column is in UTC), decimals and integers as
// json.Number with every digit, bytes that are no text as base64.
func converter(t parquet.Type) func(parquet.Value) (any, error) {
	if logical := t.LogicalType(); logical != nil {
		switch l := logical.Value.(type) {
		case *format.DecimalType:
			return func(v parquet.Value) (any, error) { return decimalOf(v, int(l.Scale)) }
		case *format.DateType:
			return func(v parquet.Value) (any, error) {
				return dateText(time.Unix(int64(v.Int32())*86400, 0), time.DateOnly)
			}
		case *format.TimestampType:
			return timestamp(l.Unit.Value, l.IsAdjustedToUTC)
		case *format.TimeType:
			return func(v parquet.Value) (any, error) {
				return time.Unix(0, whole(v)*int64(l.Unit.Value.Duration())).UTC().Format("15:04:05.999999999"), nil
			}
		case *format.IntType:
			if !l.IsSigned {
				return unsigned
			}
		case *format.JsonType:
			return func(v parquet.Value) (any, error) { return parsedJSON(v.ByteArray()) }
		case *format.UUIDType:
			return uuid
		case *format.StringType, *format.EnumType:
			return func(v parquet.Value) (any, error) { return textOf(string(v.ByteArray())) }
		}
	}
	return plain
}

// plain converts by the physical type alone.
func plain(v parquet.Value) (any, error) {
	switch v.Kind() {
	case parquet.Boolean:
		return v.Boolean(), nil
	case parquet.Int32, parquet.Int64:
		return json.Number(strconv.FormatInt(whole(v), 10)), nil
	case parquet.Float:
		return float(float64(v.Float()), 32)
	case parquet.Double:
		return float(v.Double(), 64)
	case parquet.Int96:
		return int96(v)
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return bytesOf(v.ByteArray())
	}
	return nil, errNoForm
}

func whole(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

func unsigned(v parquet.Value) (any, error) {
	if v.Kind() == parquet.Int32 {
		return json.Number(strconv.FormatUint(uint64(v.Uint32()), 10)), nil
	}
	return json.Number(strconv.FormatUint(v.Uint64(), 10)), nil
}

// float writes a float in the shortest form that reads back as the same. NaN is
// how data frames write an empty cell.
func float(f float64, bits int) (any, error) {
	switch {
	case math.IsNaN(f):
		return nil, nil
	case math.IsInf(f, 0):
		return nil, errNotFinite
	case f != 0 && (math.Abs(f) < 1e-6 || math.Abs(f) >= 1e21):
		return json.Number(strconv.FormatFloat(f, 'e', -1, bits)), nil
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, bits)), nil
}

// decimalOf writes unscaled × 10^−scale with all digits. In byte arrays the
// unscaled number is big-endian two's complement (Parquet LogicalTypes.md).
func decimalOf(v parquet.Value, scale int) (any, error) {
	unscaled := new(big.Int)
	switch v.Kind() {
	case parquet.Int32, parquet.Int64:
		unscaled.SetInt64(whole(v))
	case parquet.ByteArray, parquet.FixedLenByteArray:
		b := v.ByteArray()
		unscaled.SetBytes(b)
		if len(b) > 0 && b[0]&0x80 != 0 {
			unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
	default:
		return nil, errNoForm
	}
	if scale < 0 || scale > 1000 {
		return nil, errNoForm
	}
	sign := ""
	if unscaled.Sign() < 0 {
		sign = "-"
		unscaled.Abs(unscaled)
	}
	digits := unscaled.String()
	if scale == 0 {
		return json.Number(sign + digits), nil
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	cut := len(digits) - scale
	return json.Number(sign + digits[:cut] + "." + digits[cut:]), nil
}

func timestamp(unit format.TimeUnitValue, utc bool) func(parquet.Value) (any, error) {
	perSecond := int64(time.Second / unit.Duration())
	layout := "2006-01-02T15:04:05.999999999"
	if utc {
		layout += "Z"
	}
	return func(v parquet.Value) (any, error) {
		n := v.Int64()
		return dateText(time.Unix(n/perSecond, n%perSecond*int64(unit.Duration())), layout)
	}
}

// int96 reads the old timestamp of Hive and Spark: nanoseconds of the day and
// the Julian day number, of which 2440588 is 1 January 1970.
func int96(v parquet.Value) (any, error) {
	i := v.Int96()
	nanos := int64(i[0]) | int64(i[1])<<32
	return dateText(time.Unix((int64(i[2])-2440588)*86400, nanos), "2006-01-02T15:04:05.999999999Z")
}

func dateText(t time.Time, layout string) (any, error) {
	t = t.UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return nil, errNoDate
	}
	return t.Format(layout), nil
}

func uuid(v parquet.Value) (any, error) {
	b := v.ByteArray()
	if len(b) != 16 {
		return nil, errNoForm
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

func textOf(s string) (any, error) {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return nil, errNotText
	}
	return s, nil
}

func bytesOf(b []byte) (any, error) {
	if s, err := textOf(string(b)); err == nil {
		return s, nil
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// parsedJSON reads a JSON column under the limits of every other value.
func parsedJSON(b []byte) (any, error) {
	object, err := event.DecodeObject([]byte(`{"v":`+string(b)+`}`), opNext)
	if err != nil || len(object) != 1 {
		return nil, errNotJSON
	}
	return object["v"], nil
}

package csvfile

import "strings"

// Cells that a spreadsheet would run as a formula get an apostrophe in front.
//
// A cell is dangerous when it begins with = @ tab, carriage return or newline
// (also the full-width forms), or with + or - followed by anything but digits,
// spaces and ( ) . /, so that telephone numbers and negative numbers, which
// compute nothing worse than a number, reach the destination unchanged. A
// value that already looks guarded gets one more apostrophe, which makes the
// rule reversible: Unguard(guard(v)) == v for every v.

const apostrophe = "'"

// guard returns the cell for a value.
func guard(v string) string {
	if dangerous(v) {
		return apostrophe + v
	}
	return v
}

// Unguard returns the value of a cell, for programs that read the files.
func Unguard(cell string) string {
	if rest, ok := strings.CutPrefix(cell, apostrophe); ok && dangerous(rest) {
		return rest
	}
	return cell
}

func dangerous(v string) bool {
	v = strings.TrimLeft(v, apostrophe)
	for _, lead := range []string{"=", "@", "\t", "\r", "\n", "＝", "＠", "＋", "－"} {
		if strings.HasPrefix(v, lead) {
			return true
		}
	}
	if v == "" || (v[0] != '+' && v[0] != '-') {
		return false
	}
	return strings.Trim(v[1:], "0123456789 ().-/") != ""
}

// appendRow writes cells as in RFC 4180, every one quoted, quotes doubled,
// CRLF at the end. Line breaks inside a cell stay as they are, which
// encoding/csv would not keep.
func appendRow(b *strings.Builder, cells []string) {
	for i, c := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(strings.ReplaceAll(guard(strings.ToValidUTF8(c, "\uFFFD")), `"`, `""`))
		b.WriteByte('"')
	}
	b.WriteString("\r\n")
}

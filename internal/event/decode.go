package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/fault"
)

// MaxMessageBytes bounds one message or row as it is written. Segment's own
// limit is 32 KB; ours leaves room for table rows with long texts.
const MaxMessageBytes = 1 << 20

// MaxDepth bounds how many objects and arrays may stand in one another, the
// outermost object included.
const MaxDepth = 64

// DecodeObject reads one JSON object within the limits that hold for everything
// Parley accepts: at most MaxMessageBytes, at most MaxDepth levels, valid UTF-8,
// no NUL characters (no database stores them in text). Numbers become
// json.Number, so no digit is lost. Errors are fault.TooLarge or fault.Invalid
// and name the field, never its value (I12).
func DecodeObject(raw []byte, op string) (map[string]any, error) {
	if len(raw) > MaxMessageBytes {
		return nil, fault.New(fault.TooLarge, op,
			"The message is %d bytes long, the limit is %d; send it in smaller parts.", len(raw), MaxMessageBytes)
	}
	if !utf8.Valid(raw) {
		return nil, notUTF8(raw, op)
	}
	object, err := decode(raw)
	if err != nil {
		return nil, syntax(err, op)
	}
	if sound(object, 1) {
		return object, nil
	}
	path, tooDeep := locate(object, "", 1)
	if tooDeep {
		return nil, fault.New(fault.Invalid, op,
			"%s is nested more than %d levels deep; flatten it.", path, MaxDepth)
	}
	return nil, fault.New(fault.Invalid, op,
		"%s contains a NUL character; remove it before sending.", path)
}

// errNotObject is kept apart so that the sentence can be made in one place.
var errNotObject = errors.New("not a single JSON object")

func decode(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errNotObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	return object, nil
}

// syntax makes the sentence for a message that is not a JSON object. The cause
// is left out: encoding/json quotes parts of the input (I12).
func syntax(err error, op string) error {
	var bad *json.SyntaxError
	switch {
	case errors.As(err, &bad):
		return fault.New(fault.Invalid, op, "The message is not valid JSON (at byte %d).", bad.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Invalid, op, "The message ends before its JSON object is complete.")
	}
	return fault.New(fault.Invalid, op, "The message must be a single JSON object, with nothing after it.")
}

// notUTF8 finds the field that holds the first invalid bytes by writing the NUL
// escape in their place, which locate then finds.
func notUTF8(raw []byte, op string) error {
	marked := bytes.ToValidUTF8(raw, []byte(`\u0000`))
	if len(marked) <= 6*MaxMessageBytes {
		if object, err := decode(marked); err == nil && !sound(object, 1) {
			path, tooDeep := locate(object, "", 1)
			if !tooDeep {
				return fault.New(fault.Invalid, op, "%s is not valid UTF-8; encode the message as UTF-8.", path)
			}
		}
	}
	at := 0
	for at < len(raw) {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		at += size
	}
	return fault.New(fault.Invalid, op, "The message is not valid UTF-8 (at byte %d); encode it as UTF-8.", at+1)
}

// sound reports whether a value keeps the depth limit and holds no NUL.
func sound(v any, depth int) bool {
	switch v := v.(type) {
	case string:
		return strings.IndexByte(v, 0) < 0
	case map[string]any:
		if depth > MaxDepth {
			return false
		}
		for k, child := range v {
			if strings.IndexByte(k, 0) >= 0 || !sound(child, depth+1) {
				return false
			}
		}
	case []any:
		if depth > MaxDepth {
			return false
		}
		for _, child := range v {
			if !sound(child, depth+1) {
				return false
			}
		}
	}
	return true
}

// locate returns the path of the first unsound value in the order of the keys,
// so that the same message always gives the same sentence (I4). It returns ""
// for a sound value.
func locate(v any, path string, depth int) (where string, tooDeep bool) {
	switch v := v.(type) {
	case string:
		if strings.IndexByte(v, 0) >= 0 {
			return path, false
		}
	case map[string]any:
		if depth > MaxDepth {
			return topOf(path), true
		}
		for _, k := range sortedKeys(v) {
			child := join(path, k)
			if strings.IndexByte(k, 0) >= 0 {
				return child, false
			}
			if where, tooDeep = locate(v[k], child, depth+1); where != "" {
				return where, tooDeep
			}
		}
	case []any:
		if depth > MaxDepth {
			return topOf(path), true
		}
		for i, child := range v {
			if where, tooDeep = locate(child, path+"["+strconv.Itoa(i)+"]", depth+1); where != "" {
				return where, tooDeep
			}
		}
	}
	return "", false
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func join(path, key string) string {
	if path == "" {
		return SafeName(key)
	}
	return path + "." + SafeName(key)
}

// topOf cuts a path of 64 levels to its first field; the whole would not be read.
func topOf(path string) string {
	if i := strings.IndexAny(path, ".["); i > 0 {
		return path[:i]
	}
	return path
}

// maxSafeName is the longest name that is shown in an error.
const maxSafeName = 64

// SafeName returns a field's or column's name as an error may show it: names
// made of letters, digits, blanks and _ - . $ / # ( ) % up to 64 bytes stay as
// they are, anything else (it could be an address in the place of a name)
// becomes a question mark (I12).
func SafeName(name string) string {
	if name == "" || len(name) > maxSafeName || !utf8.ValidString(name) {
		return "?"
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case strings.ContainsRune("_-. $/#()%", r):
		case r > 0x7f && unicode.IsLetter(r):
		default:
			return "?"
		}
	}
	return name
}

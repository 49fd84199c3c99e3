package importer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"parley/internal/fault"
	"parley/internal/source/table"
)

// Malformed is one row of a file that could not be read. It travels through the
// journal as a JSON list instead of an object, so that source.DecodeRow refuses
// it for certain, the pipeline quarantines it by the rule "format", and whoever
// shows the quarantine can still tell the line and the reason.
type Malformed struct {
	Line    int64  // on which the row begins, from 1; of Parquet the row's number
	Reason  string // one of table's reasons
	Message string // one sentence without values
	// Raw is the row as it stood in the file, any bytes; of an over-long one its
	// beginning. It is personal data.
	Raw []byte
}

// whole says whether Raw is the complete row, which it is not for those too
// long and for Parquet rows with values that have no JSON form.
func (m *Malformed) whole() bool {
	return m.Reason != table.ReasonLong && m.Reason != table.ReasonValue
}

// The payload is [mark, line, reason, message, form, raw]; form says how raw is
// written.
const (
	malformedMark = "malformed row"
	formText      = "text"
	formBase64    = "base64"
)

// Payload returns the form in the journal. The raw bytes are text if they are
// valid UTF-8 and base64 otherwise, so that none is lost.
func (m Malformed) Payload() []byte {
	form, raw := formText, string(m.Raw)
	if !utf8.Valid(m.Raw) {
		form, raw = formBase64, base64.StdEncoding.EncodeToString(m.Raw)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	if err := e.Encode([]any{malformedMark, m.Line, m.Reason, m.Message, form, raw}); err != nil {
		return []byte(`["` + malformedMark + `"]`) // cannot be: it is texts and a number
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}

// ReadMalformed reads the payload of a quarantined record. It fails with
// fault.Invalid if that is not a malformed row.
func ReadMalformed(payload []byte) (Malformed, error) {
	const op = "importer.malformed"
	var mark, form, raw string
	var m Malformed
	list := []any{&mark, &m.Line, &m.Reason, &m.Message, &form, &raw}
	want := len(list)
	err := json.Unmarshal(payload, &list)
	if err != nil || len(list) != want || mark != malformedMark || form != formText && form != formBase64 {
		return Malformed{}, fault.New(fault.Invalid, op, "This is not a row that could not be read.")
	}
	m.Raw = []byte(raw)
	if form == formBase64 {
		if m.Raw, err = base64.StdEncoding.DecodeString(raw); err != nil {
			return Malformed{}, fault.New(fault.Invalid, op, "The raw text of this row cannot be read.")
		}
	}
	return m, nil
}

package collect

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// maxID is the longest messageId, in characters, that is taken as it is; Segment's
// limit.
const maxID = 100

// entryID is the messageId if it can be an id, and otherwise a new one. A number
// counts as its digits, as it does in event.Parse: a repeated event must have
// the same id again. The id is a copy, free of the body it came from.
func entryID(messageID gjson.Result, now time.Time) string {
	var id string
	switch messageID.Type {
	case gjson.String:
		id = messageID.Str
	case gjson.Number:
		id = messageID.Raw
	}
	if id == "" || !usableID(id) {
		return newID(now)
	}
	return strings.Clone(id)
}

func usableID(id string) bool {
	if len(id) > maxID*utf8.UTFMax {
		return false
	}
	ascii := true
	for i := range len(id) {
		if id[i] < ' ' || id[i] == 0x7f {
			return false
		}
		ascii = ascii && id[i] < utf8.RuneSelf
	}
	if ascii {
		return len(id) <= maxID
	}
	return utf8.ValidString(id) && utf8.RuneCountInString(id) <= maxID && strings.IndexFunc(id, unicode.IsControl) < 0
}

// newID makes an id for an event without one: "gen-" and, in hex, the time in
// milliseconds and ten random bytes, so that ids ascend as those of UUIDs v7 do.
func newID(now time.Time) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(now.UnixMilli())<<16)
	// Never fails: crypto/rand ends the process rather than give less than chance.
	_, _ = rand.Read(raw[6:])
	var text [36]byte
	copy(text[:], "gen-")
	hex.Encode(text[4:], raw[:])
	return string(text[:])
}

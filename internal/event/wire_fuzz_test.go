package event

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"parley/internal/fault"
)

// checkPromises holds an event to what Event's comments promise.
func checkPromises(t *testing.T, e Event, in Receipt) {
	t.Helper()
	if e.Name == "" || e.ID == "" || e.Type == "" {
		t.Fatal("an event without name, id or type")
	}
	if e.Time.After(in.ReceivedAt.Add(MaxSkew)) || e.Time.Before(earliest) {
		t.Fatalf("time %v is out of bounds", e.Time)
	}
	if e.Time.Location() != time.UTC || e.Time.Nanosecond()%1000 != 0 {
		t.Fatalf("time %v is not UTC in microseconds", e.Time)
	}
	seen := map[Identifier]bool{}
	for _, id := range e.Identifiers {
		if id.Namespace == "" || id.Value == "" || seen[id] {
			t.Fatal("an empty or repeated identifier")
		}
		if !utf8.ValidString(id.Value) || strings.IndexByte(id.Value, 0) >= 0 {
			t.Fatal("an identifier that no database stores")
		}
		seen[id] = true
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"type":"track","event":"e","userId":9223372036854775808,"properties":{"a":[1,{"b":null}]}}`,
		`{"type":"identify","traits":{"email":"a@b","phone":1},"context":{"traits":{},"externalIds":[{"type":"t","id":"i"}]}}`,
		`{"type":"alias","userId":"u","previousId":"p","timestamp":"2026-03-04T05:06:07.89+05:30","sentAt":"1970-01-01T00:00:00Z"}`,
		`{"type":"page","name":"n","category":"c","timestamp":1772600000123,"originalTimestamp":"NOW"}`,
		`{"type":"group","groupId":"g","context":{"consent":{"categoryPreferences":{"ads":true}},"consentManagement":{"deniedConsentIds":["ads"]}}}`,
		"{\"type\":\"page\",\"x\":\"\xff\"}", `{"type":"page","x":"\u0000\ud800"}`, `[`, ``,
	} {
		f.Add([]byte(seed), int64(0))
	}
	f.Fuzz(func(t *testing.T, raw []byte, sent int64) {
		in := Receipt{Source: "s", ID: "i", ReceivedAt: received, SentAt: time.UnixMicro(sent)}
		e, err := Parse(raw, in)
		if err != nil {
			if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.TooLarge {
				t.Fatalf("unclassed error %v", err)
			}
			return
		}
		checkPromises(t, e, in)
		again, err := Parse(raw, in)
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Fatal("the same message gave another event (I4)")
		}
		if _, err := json.Marshal(e); err != nil {
			t.Fatalf("the event cannot be written: %v", err)
		}
	})
}

// TestParseRudderEvents reads 1,205 messages that RudderStack's engineers wrote
// with odd values on purpose.
func TestParseRudderEvents(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "data", "rudder_events", "events.ndjson.gz")
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the shared data are not beside the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 4<<20)
	parsed, refused := 0, map[string]int{}
	for lines.Scan() {
		var line struct {
			Event json.RawMessage `json:"event"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		in := receipt()
		e, err := Parse(line.Event, in)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("unclassed error %v", err)
			}
			refused[fault.Message(err)]++
			continue
		}
		checkPromises(t, e, in)
		parsed++
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	total := 0
	for sentence, n := range refused {
		t.Logf("%4d refused: %s", n, sentence)
		total += n
	}
	t.Logf("%d parsed, %d refused", parsed, total)
	if parsed != wantParsed || total != wantRefused {
		t.Errorf("parsed %d, refused %d; want %d and %d", parsed, total, wantParsed, wantRefused)
	}
}

// Counted independently from the file: what is refused are track calls without
// a name as text (35), and properties (2), traits (1) or context.traits (1) that
// are lists.
const (
	wantParsed  = 1166
	wantRefused = 39
)

package importer

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/source"
	"parley/internal/source/table"
	"parley/internal/workspace"
)

func TestEntry(t *testing.T) {
	src := crm(t)
	long := strings.Repeat("k", maxIDBytes+1)
	veryLong := strings.Repeat("k", 600)
	for _, c := range []struct {
		name string
		row  source.Row
		id   string
	}{
		{"a key", source.Row{"id": "7", "email": "a@b.example"}, "7"},
		{"a key of 200 bytes", source.Row{"id": long[1:]}, long[1:]},
		{"a longer key", source.Row{"id": long}, "sha256:" + digest([]byte(long))},
		{"a key that the mapping has shortened", source.Row{"id": veryLong}, "sha256:" + digest([]byte(veryLong))},
		{"an empty key", source.Row{"id": "", "email": "a"}, source.ContentHash(source.Row{"id": "", "email": "a"})},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := Entry(src, c.row, begin)
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind != journal.Record || e.Source != "crm" || e.ID != c.id || !e.SentAt.IsZero() {
				t.Errorf("got %+v", e)
			}
			if !e.ReceivedAt.Equal(begin.Truncate(time.Microsecond)) {
				t.Errorf("received at %v", e.ReceivedAt)
			}
			back, err := source.DecodeRow(e.Payload)
			if err != nil || source.ContentHash(back) != source.ContentHash(c.row) {
				t.Errorf("the row came back as %v, %v", back, err)
			}
		})
	}
}

func TestEntryRefuses(t *testing.T) {
	src := crm(t)
	for _, c := range []struct {
		name string
		src  *workspace.Source
		row  source.Row
		kind fault.Kind
	}{
		{"no mapping", &workspace.Source{Spec: source.Spec{Name: "web"}}, source.Row{"id": "1"}, fault.Invalid},
		{"a NUL character", src, source.Row{"id": "1", "x": "a\x00"}, fault.Invalid},
		{"a row above the limit", src, source.Row{"id": "1", "x": strings.Repeat("x", 1<<20)}, fault.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Entry(c.src, c.row, begin); fault.KindOf(err) != c.kind {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestKeylessIDIsTheMappingsKey holds the shortcut of rowID to what it replaces.
func TestKeylessIDIsTheMappingsKey(t *testing.T) {
	src := compiled(t, source.Mapping{})
	rapid.Check(t, func(t *rapid.T) {
		row := source.Row{}
		for k, v := range rapid.MapOf(rapid.StringMatching(`[a-zé"\\]{1,5}`), rapid.StringMatching(`[ -~\n]{0,9}`)).Draw(t, "row") {
			row[k] = v
		}
		e, err := Entry(src, row, begin)
		if err != nil {
			t.Fatal(err)
		}
		if e.ID != src.Mapping.Key(row) {
			t.Errorf("got %s, want %s", e.ID, src.Mapping.Key(row))
		}
	})
}

func TestMalformedKeepsEveryByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Malformed{Line: rapid.Int64Range(1, 1<<40).Draw(t, "line"), Reason: table.ReasonRagged,
			Message: "Line 3 is <wrong> & \"bad\".", Raw: rapid.SliceOf(rapid.Byte()).Draw(t, "raw")}
		payload := m.Payload()
		if _, err := source.DecodeRow(payload); fault.KindOf(err) != fault.Invalid {
			t.Fatalf("the pipeline would take it for a row: %v", err)
		}
		back, err := ReadMalformed(payload)
		if err != nil {
			t.Fatal(err)
		}
		if back.Line != m.Line || back.Reason != m.Reason || back.Message != m.Message || !bytes.Equal(back.Raw, m.Raw) {
			t.Errorf("got %+v, want %+v", back, m)
		}
	})
}

func TestMalformedIDs(t *testing.T) {
	src := crm(t)
	id := func(reason string, line int64, raw string) string {
		return MalformedEntry(src, Malformed{Line: line, Reason: reason, Raw: []byte(raw)}, begin).ID
	}
	if id(table.ReasonRagged, 2, "a,b") != id(table.ReasonRagged, 9, "a,b") {
		t.Error("the same raw row on another line must be a duplicate")
	}
	if want := "malformed:" + digest([]byte("a,b")); id(table.ReasonRagged, 2, "a,b") != want {
		t.Error("the ID is not the raw row's hash")
	}
	if id(table.ReasonRagged, 2, "a,b") == id(table.ReasonRagged, 2, "a,c") {
		t.Error("two rows have one ID")
	}
	for _, partial := range []string{table.ReasonLong, table.ReasonValue} {
		if id(partial, 2, "begin") == id(partial, 3, "begin") {
			t.Errorf("%s: two rows of which only the same part is known have one ID", partial)
		}
	}
}

func FuzzReadMalformed(f *testing.F) {
	f.Add([]byte(`["malformed row",3,"ragged","Line 3 is wrong.","text","a,b"]`))
	f.Add([]byte(`["malformed row",3,"utf8","Line 3 is wrong.","base64","//4="]`))
	f.Add([]byte(`["malformed row",3,"utf8","","base64","%"]`))
	f.Add([]byte(`["malformed row"]`))
	f.Add([]byte(`{"id":"1"}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`[null,null,null,null,null,null,null]`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := ReadMalformed(payload)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v", err)
			}
			return
		}
		back, err := ReadMalformed(m.Payload())
		if err != nil || back.Line != m.Line || !bytes.Equal(back.Raw, m.Raw) {
			t.Errorf("%+v came back as %+v, %v", m, back, err)
		}
	})
}

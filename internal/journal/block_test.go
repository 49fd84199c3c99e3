package journal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/fault"
)

func drawEntries(t *rapid.T) []Entry {
	entry := rapid.Custom(func(t *rapid.T) Entry {
		e := Entry{
			Kind:       Kind(rapid.IntRange(int(Event), int(Replay)).Draw(t, "kind")),
			Source:     rapid.SampledFrom([]string{"", "web", "crm", "käse"}).Draw(t, "source"),
			ID:         rapid.String().Draw(t, "id"),
			ReceivedAt: time.UnixMicro(rapid.Int64Range(-1<<50, 1<<52).Draw(t, "received")).UTC(),
		}
		if rapid.Bool().Draw(t, "sent") {
			e.SentAt = time.UnixMicro(rapid.Int64Range(-1<<50, 1<<52).Draw(t, "sentAt")).UTC()
		}
		if p := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload"); len(p) > 0 {
			e.Payload = p
		}
		return e
	})
	return rapid.SliceOfN(entry, 1, 20).Draw(t, "entries")
}

func TestABlockReturnsItsEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t)
		block, err := EncodeBlock(entries)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeBlock(block)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, entries) {
			t.Fatalf("got %+v\nwant %+v", got, entries)
		}
		again, err := EncodeBlock(got)
		if err != nil || !bytes.Equal(again, block) {
			t.Fatalf("encoding again gives other bytes (%v)", err)
		}
		bound := blockOverhead
		for i := range entries {
			bound += entryBound(&entries[i])
		}
		if len(block) > bound {
			t.Fatalf("%d bytes are above the bound %d that Append relies on", len(block), bound)
		}
	})
}

func TestABlockCutsTimesToMicrosecondsInUTC(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	in := time.Date(2026, 3, 1, 1, 2, 3, 4567, berlin)
	block, err := EncodeBlock([]Entry{{Kind: Tick, ReceivedAt: in}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeBlock(block)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 3, 1, 0, 2, 3, 4000, time.UTC); got[0].ReceivedAt != want {
		t.Errorf("got %v, want %v", got[0].ReceivedAt, want)
	}
	if !got[0].SentAt.IsZero() {
		t.Errorf("an unknown SentAt came back as %v", got[0].SentAt)
	}
}

func TestCompressionPays(t *testing.T) {
	payload := []byte(`{"type":"track","event":"Order Completed","properties":{"revenue":12.5}}`)
	entries := make([]Entry, 200)
	for i := range entries {
		entries[i] = Entry{Kind: Event, Source: "web", ID: strings.Repeat("i", i%9), Payload: payload}
	}
	block, err := EncodeBlock(entries)
	if err != nil {
		t.Fatal(err)
	}
	if plain := len(entries) * len(payload); len(block) > plain/3 {
		t.Errorf("%d bytes of repetitive payload take %d", plain, len(block))
	}
}

func TestEncodeRefuses(t *testing.T) {
	tests := []struct {
		name    string
		entries []Entry
		kind    fault.Kind
	}{
		{"nothing", nil, fault.Invalid},
		{"no kind", []Entry{{}}, fault.Invalid},
		{"an unknown kind", []Entry{{Kind: Replay + 1}}, fault.Invalid},
		{"too many", make([]Entry, MaxEntries+1), fault.TooLarge},
		{"too large", []Entry{{Kind: Event, Payload: make([]byte, maxBody)}}, fault.TooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := EncodeBlock(tt.entries); fault.KindOf(err) != tt.kind {
				t.Errorf("got %v, want %v", err, tt.kind)
			}
		})
	}
}

// sealed gives content a right checksum, as only a writer gone wrong would.
func sealed(content ...byte) []byte {
	return binary.LittleEndian.AppendUint32(content, crc32.Checksum(content, castagnoli))
}

func TestDecodeRefuses(t *testing.T) {
	huge := binary.AppendUvarint([]byte{blockVersion, codecS2}, math.MaxUint64)
	tests := []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "cut short"},
		{"a wrong checksum", append(sealed(1, 0, 1, 0), 0), "checksum"},
		{"a newer version", sealed(2, 0, 1, 0), "version 2"},
		{"an unknown codec", sealed(1, 9, 1, 0), "packing is unknown"},
		{"a wrong length", sealed(1, 0, 7, 0), "length is wrong"},
		{"a huge length", sealed(huge...), "out of range"},
		{"not s2", sealed(1, 1, 3, 9, 9, 9), "packed length"},
		{"no entries", sealed(1, 0, 1, 0), "number of entries"},
		{"more entries than bytes", sealed(1, 0, 2, 9, 1), "number of entries"},
		{"an unknown kind", sealed(1, 0, 6, 1, 99, 0, 0, 0, 0), "malformed"},
		{"a field past the end", sealed(1, 0, 6, 1, 1, 0, 0, 0, 5), "malformed"},
		{"something after the end", sealed(1, 0, 7, 1, 1, 0, 0, 0, 0, 7), "follows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entries, err := DecodeBlock(tt.data)
			if err == nil {
				t.Fatalf("got %v", entries)
			}
			if fault.KindOf(err) != fault.Internal || !strings.Contains(fault.Message(err), tt.says) {
				t.Errorf("got %v, want it to say %q", err, tt.says)
			}
		})
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	block, err := EncodeBlock([]Entry{{Kind: Event, Source: "web", ID: "1", Payload: []byte("{}")}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(block) * 8 {
		block[i/8] ^= 1 << (i % 8)
		if _, err := DecodeBlock(block); err == nil {
			t.Errorf("bit %d", i)
		}
		block[i/8] ^= 1 << (i % 8)
	}
}

func FuzzDecodeBlock(f *testing.F) {
	for _, entries := range [][]Entry{
		{{Kind: Tick, ReceivedAt: time.UnixMicro(1)}},
		{{Kind: Event, Source: "web", ID: "a", SentAt: time.UnixMicro(5), Payload: bytes.Repeat([]byte("ab"), 400)}},
		{{Kind: Record, Source: "crm", ID: "7", Payload: []byte("{}")}, {Kind: Replay, Source: "crm", ID: "7"}},
	} {
		block, err := EncodeBlock(entries)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(block[:len(block)-checksumSize])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		_, _ = DecodeBlock(content)                     // must not panic
		entries, err := DecodeBlock(sealed(content...)) // past the checksum
		if err != nil {
			return
		}
		block, err := EncodeBlock(entries)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := DecodeBlock(block)
		if err != nil || !reflect.DeepEqual(again, entries) {
			t.Fatalf("written again it reads as %+v (%v), was %+v", again, err, entries)
		}
	})
}

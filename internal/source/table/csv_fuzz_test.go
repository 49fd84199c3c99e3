package table

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/source"
)

func fuzzMapping(f *testing.F) *source.Compiled {
	f.Helper()
	m := source.Mapping{
		Key: []string{"a"}, Time: &source.TimeColumn{Column: "t", Formats: []string{"2006-01-02", "unix"}},
		Identifiers: map[string]source.Column{"email": {Column: "a"}},
		Properties:  map[string]source.Column{"b": {Column: "b", Type: "number"}, "c": {Column: "c", Type: "boolean"}},
	}
	c, err := m.Compile()
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// FuzzCSVMapping takes any bytes through CSV, the journal's encoding and a mapping.
func FuzzCSVMapping(f *testing.F) {
	for _, seed := range []string{"a,b,c,t\nx@y,1.5,yes,2024-01-02\n", "a,b\n\"1\n,\"\"\",2\r\n3", "a\n\"", "\xEF\xBB\xBFa;b\n\x00,\xff\n", "a,b\n1\n\n1,2,3\n\"x\"y,1\n", "\xFF\xFEa\x00\n\x00"} {
		f.Add([]byte(seed))
	}
	mapping := fuzzMapping(f)
	received := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, content []byte) {
		in, err := newInput(bytes.NewReader(content), DefaultMaxBytes)
		if err != nil {
			t.Fatal(err)
		}
		r, err := newCSV(in, ',')
		if err != nil {
			return
		}
		for n := 0; ; n++ {
			row, _, err := r.Next(context.Background())
			var bad *RowError
			if errors.As(err, &bad) {
				continue
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || n > len(content) {
				t.Fatalf("row %d: %v", n, err)
			}
			raw, err := source.EncodeRow(row)
			if err != nil {
				t.Fatalf("a good row cannot be kept: %v", err)
			}
			back, err := source.DecodeRow(raw)
			if err != nil {
				t.Fatalf("a kept row cannot be read: %v", err)
			}
			e, _ := mapping.Apply(back, event.Receipt{Source: "s", ReceivedAt: received})
			if e.ID == "" || e.Name == "" {
				t.Fatal("an event without id or name")
			}
			if _, err := json.Marshal(e); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzAgainstEncodingCSV compares with the standard library on texts that it
// reads without a mistake. It turns CRLF inside of quotes into LF; we do not.
func FuzzAgainstEncodingCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n\"1\r\n,\"\"\",2\r\n3,4", "a\n\"\"\n\n1\n", "a,b\r\n,\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		if strings.ContainsRune(content, 0) || strings.HasPrefix(content, "\xEF\xBB\xBF") || strings.HasPrefix(content, "\xFE\xFF") || strings.HasPrefix(content, "\xFF\xFE") {
			return
		}
		want, err := csv.NewReader(strings.NewReader(content)).ReadAll()
		if err != nil || len(want) == 0 || !strings.EqualFold(content, strings.ToValidUTF8(content, "")) {
			return
		}
		in, err := newInput(strings.NewReader(content), DefaultMaxBytes)
		if err != nil {
			t.Fatal(err)
		}
		r, err := newCSV(in, ',')
		if err != nil {
			return // headers are held to more than encoding/csv asks
		}
		got := readAll(r)
		if got.err != nil || len(got.bad) > 0 || len(got.rows) != len(want)-1 {
			t.Fatalf("%d rows, bad %v, error %v; want %d rows", len(got.rows), got.bad, got.err, len(want)-1)
		}
		for i, row := range got.rows {
			for j, name := range r.header {
				if cell := strings.ReplaceAll(row[name].(string), "\r\n", "\n"); cell != want[i+1][j] {
					t.Fatalf("row %d, column %d: %q, want %q", i, j, cell, want[i+1][j])
				}
			}
		}
	})
}

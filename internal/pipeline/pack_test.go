package pipeline

import (
	"reflect"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"parley/internal/event"
	"parley/internal/lake"
)

func sample() parcel {
	at := time.Date(1969, 3, 1, 12, 0, 0, 1000, time.UTC)
	node := event.Identifier{Namespace: "email", Value: "ü@x.org"}
	return parcel{
		Rows: []lake.Row{{Position: 3, Index: 1, Source: "web", ID: "e", Type: event.Track, Name: "Order", Time: at, ReceivedAt: at.Add(time.Hour),
			Node: node, Event: []byte(`{}`)}, {Position: 4, Name: "x", Time: at, ReceivedAt: at, Event: []byte("y")}},
		Assignments: []lake.Assignment{{Node: node, Person: 7}, {Node: node, Person: 2}},
	}
}

func TestParcelRoundTrip(t *testing.T) {
	p := sample()
	got, err := unpack(p.pack())
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A parcel cut short or with bytes too many is an error, never a part of it.
func TestADamagedParcelIsNoticed(t *testing.T) {
	p := sample()
	raw, err := s2.Decode(nil, p.pack())
	if err != nil {
		t.Fatal(err)
	}
	for n := range raw {
		if _, err := unpack(s2.Encode(nil, raw[:n])); err == nil {
			t.Errorf("cut after %d bytes nobody notices", n)
		}
	}
	if _, err := unpack(s2.Encode(nil, append(raw, 0))); err == nil {
		t.Error("a byte too many is not noticed")
	}
}

func FuzzUnpack(f *testing.F) {
	p := sample()
	f.Add(p.pack())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := unpack(body)
		if err != nil {
			return
		}
		again, err := unpack(got.pack())
		if err != nil || len(again.Rows) != len(got.Rows) || len(again.Assignments) != len(got.Assignments) {
			t.Fatalf("what was read cannot be written: %v", err)
		}
	})
}

package pipeline

import (
	"encoding/binary"
	"sort"
	"time"

	"github.com/klauspost/compress/s2"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lake"
)

// parcel is what one transaction leaves for the lake.
type parcel struct {
	Rows        []lake.Row
	Assignments []lake.Assignment
}

// pack writes a parcel: two counts, then rows and assignments field by field,
// numbers as varints, text with its length before it. It is on the path of
// every event, where JSON would cost more than the lake itself.
func (p *parcel) pack() []byte {
	// Stable, because of a node that was assigned twice the newest must stay the last.
	sort.SliceStable(p.Assignments, func(i, j int) bool { return lessIdentifier(p.Assignments[i].Node, p.Assignments[j].Node) })
	size := 64 + 64*len(p.Assignments)
	for i := range p.Rows {
		size += len(p.Rows[i].Event) + 128
	}
	b := make([]byte, 0, size)
	b = binary.AppendUvarint(b, uint64(len(p.Rows)))
	b = binary.AppendUvarint(b, uint64(len(p.Assignments)))
	for i := range p.Rows {
		r := &p.Rows[i]
		b = binary.AppendUvarint(b, uint64(r.Position))
		b = binary.AppendVarint(b, int64(r.Index))
		for _, text := range []string{r.Source, r.ID, string(r.Type), r.Name, r.Node.Namespace, r.Node.Value} {
			b = appendText(b, text)
		}
		b = binary.AppendVarint(b, r.Time.UnixMicro())
		b = binary.AppendVarint(b, r.ReceivedAt.UnixMicro())
		b = binary.AppendUvarint(b, uint64(len(r.Event)))
		b = append(b, r.Event...)
	}
	for _, a := range p.Assignments {
		b = binary.AppendVarint(appendText(appendText(b, a.Node.Namespace), a.Node.Value), a.Person)
	}
	return s2.Encode(nil, b)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func unpack(body []byte) (parcel, error) {
	raw, err := s2.Decode(nil, body)
	if err != nil {
		return parcel{}, fault.Wrap("pipeline.unpack", err)
	}
	in := unpacker{rest: raw}
	rows, assignments := in.count(), in.count()
	var p parcel
	for range rows {
		r := lake.Row{Position: journal.Position(in.unsigned()), Index: int(in.signed()), Source: in.text(), ID: in.text(),
			Type: event.Type(in.text()), Name: in.text()}
		r.Node = event.Identifier{Namespace: in.text(), Value: in.text()}
		r.Time, r.ReceivedAt = time.UnixMicro(in.signed()).UTC(), time.UnixMicro(in.signed()).UTC()
		r.Event = in.bytes()
		if in.bad {
			break
		}
		p.Rows = append(p.Rows, r)
	}
	for range assignments {
		a := lake.Assignment{Node: event.Identifier{Namespace: in.text(), Value: in.text()}, Person: in.signed()}
		if in.bad {
			break
		}
		p.Assignments = append(p.Assignments, a)
	}
	if in.bad || len(in.rest) > 0 {
		return parcel{}, fault.New(fault.Internal, "pipeline.unpack", "What waits for the lake is damaged; rebuild state from the journal.")
	}
	return p, nil
}

// unpacker reads what pack wrote; after the first mistake it is bad and reads nothing.
type unpacker struct {
	rest []byte
	bad  bool
}

func (u *unpacker) unsigned() uint64 {
	v, n := binary.Uvarint(u.rest)
	if n <= 0 {
		u.bad, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[n:]
	return v
}

func (u *unpacker) signed() int64 {
	v, n := binary.Varint(u.rest)
	if n <= 0 {
		u.bad, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[n:]
	return v
}

// count is a number of things that follow, of which each takes a byte or more.
func (u *unpacker) count() int {
	n := u.unsigned()
	if n > uint64(len(u.rest)) {
		u.bad, u.rest = true, nil
		return 0
	}
	return int(n)
}

func (u *unpacker) bytes() []byte {
	n := u.count()
	out := u.rest[:n:n]
	u.rest = u.rest[n:]
	return out
}

func (u *unpacker) text() string { return string(u.bytes()) }

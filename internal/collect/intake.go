package collect

import (
	"time"

	"parley/internal/journal"
)

// intake is the working memory of one request; it is used again for the next.
// The strings and payloads in it point into its buffers.
type intake struct {
	wire  []byte // the body as it came
	plain []byte // unpacked, if it was packed
	split
}

func newIntake() *intake {
	in := &intake{}
	in.visitItem = in.item.visit
	return in
}

// release gives an intake back, with nothing of its request left in it.
func (h *Handler) release(in *intake) {
	in.wire, in.plain, in.merged = kept(in.wire), kept(in.plain), kept(in.merged)
	in.forget()
	h.intakes.Put(in)
}

func kept(buf []byte) []byte {
	if cap(buf) > keepBytes {
		return nil
	}
	return buf[:0]
}

// maxKeptEntries is the longest list of entries that is kept.
const maxKeptEntries = 4096

func (s *split) forget() {
	clear(s.entries)
	s.entries = s.entries[:0]
	if cap(s.entries) > maxKeptEntries {
		s.entries = nil
	}
	s.writeKey, s.item.fields, s.around = "", fields{}, around{}
	s.sentText, s.sentAt = "", time.Time{}
}

// add appends the entry of one event. Source and ReceivedAt are set later, when
// the source is known.
func (s *split) add(id string, sentAt time.Time, payload []byte) {
	s.entries = append(s.entries, journal.Entry{Kind: journal.Event, ID: id, SentAt: sentAt, Payload: payload})
}

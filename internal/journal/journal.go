// Package journal is the port to the durable, totally ordered log of everything
// Parley has accepted. Whatever changes state is an entry here first: events,
// records, ticks of the clock, workspace versions. The same journal therefore
// gives the same people, audiences and disclosures (I4).
//
// Callers hold a Journal; it packs concurrent appends into blocks so that one
// fsync acknowledges hundreds of requests. Drivers store opaque blocks.
package journal

import "time"

// Position orders blocks. The first block has position 1; 0 is before all.
type Position uint64

// Kind is what an entry carries. Values are stored; never renumber.
type Kind uint8

// The kinds of entry.
const (
	// Event is one message in Segment's wire form (see event.Parse).
	Event Kind = 1
	// Record is one row of a table as a JSON object of column to value, not
	// yet mapped, so that a corrected mapping can replay it.
	Record Kind = 2
	// Tick says that the clock has reached ReceivedAt. It makes time-driven
	// changes part of the order (I4, I8).
	Tick Kind = 3
	// Workspace carries a whole workspace version as JSON; it governs every
	// entry after it.
	Workspace Kind = 4
	// Replay carries a quarantined entry again; ID names the original.
	Replay Kind = 5
)

// Entry is one accepted fact as it was received.
type Entry struct {
	Kind   Kind
	Source string // name of the source; "" for Tick and Workspace
	// ID is unique within the source for an Event. For a Record it is the
	// row's key: the same key again is an update of the same row.
	ID         string
	ReceivedAt time.Time // UTC, microseconds
	SentAt     time.Time // the sender's clock when it sent; zero if unknown
	Payload    []byte
}

// Block is the unit of storage: entries that became durable together.
type Block struct {
	Position Position
	Entries  []Entry
}

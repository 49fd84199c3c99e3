// Package lake is the port to the full history: every event the pipeline has
// processed, stored by column for previews, backfills, linkage and measurement.
//
// The lake follows state and is never ahead of it (DESIGN §6). It has a position
// of its own and is idempotent by it, so the follower may hand over a batch again
// after a crash without checking first (I3). Events stay under the identifier
// node that first carried them; a small map says to which person a node belongs.
// A merge or a split of people therefore rewrites map entries, never history (I5).
//
// Callers hold a Lake; a Driver does the storing. Lake carries what all drivers
// share: it refuses bad batches and queries before a driver sees them.
package lake

import (
	"time"

	"parley/internal/event"
	"parley/internal/journal"
)

// Row is one event in the lake. (Position, Index) is unique and is journal order.
//
// Text is UTF-8 without NUL and compares by bytes, whatever the machine's locale (I4).
type Row struct {
	Position journal.Position // the block that carried the event; at least 1
	Index    int              // place within the block, from 0
	Source   string
	ID       string // unique within Source
	Type     event.Type
	Name     string // never empty
	// Time and ReceivedAt come back in UTC, cut to the microsecond. Years 1 to 9999.
	Time       time.Time
	ReceivedAt time.Time
	// Node is the normalised identifier that first carried the event. An empty
	// namespace means nobody: the event belongs to no person.
	Node event.Identifier
	// Event is the JSON encoding of event.Event. It comes back byte for byte.
	Event []byte
}

// Assignment says that a node belongs to a person from now on.
type Assignment struct {
	Node   event.Identifier // the namespace is not empty
	Person int64            // 0 takes the node from whomever it belonged to
}

// Batch is what one Append makes durable, all of it or nothing.
type Batch struct {
	// UpTo is the journal position that the lake has followed to after the
	// batch. It may advance without rows.
	UpTo journal.Position
	// Rows are strictly ascending by (Position, Index), none above UpTo.
	Rows []Row
	// Assignments give the map's state as of UpTo for the nodes they name. The
	// last one for a node wins.
	Assignments []Assignment
}

// Query chooses rows. The zero Query chooses all.
type Query struct {
	Names   []string // empty: every name
	Sources []string // empty: every source
	// From is inclusive, To is exclusive, both on Row.Time; zero: unbounded.
	From, To time.Time
	UpTo     journal.Position // inclusive; 0: no bound
	// Persons as the map has them now. Person 0 stands for rows that belong to
	// nobody. Nil: everyone. Empty but not nil: no one, so that a computed
	// list that came out empty never hands out everybody's history.
	Persons []int64
}

// Stats describes what the lake holds.
type Stats struct {
	Position journal.Position
	Rows     int64
	Names    []NameStats // ascending by name, bytewise
}

// NameStats describes the events of one name.
type NameStats struct {
	Name        string
	Rows        int64
	First, Last time.Time // smallest and largest Row.Time
}

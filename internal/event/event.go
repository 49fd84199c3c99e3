// Package event is the envelope that everything in Parley travels in: one
// accepted fact from a source, with the identifiers that say whom it is about.
//
// The wire form is Segment's (see Parse); inside the product there is only
// Event. The package knows nothing of storage, contracts or people, and uses
// the standard library and fault alone, so every other package may import it.
package event

import "time"

// Type is the kind of call or record an event came from.
type Type string

// The six calls of the Segment specification, and Record for one row of a table.
const (
	Track    Type = "track"
	Identify Type = "identify"
	Page     Type = "page"
	Screen   Type = "screen"
	Group    Type = "group"
	Alias    Type = "alias"
	Record   Type = "record"
)

// Identifier is one value in one namespace, such as email ada@example.org.
// Values are personal data and must not be logged (I12).
type Identifier struct {
	Namespace string `json:"namespace"`
	Value     string `json:"value"`
}

// Key names an event: ids are unique within their source (DESIGN §6).
type Key struct {
	Source string `json:"source"`
	ID     string `json:"id"`
}

// Event is one accepted fact.
//
// Values in Properties, Traits and Context are JSON values: nil, bool, string,
// json.Number, []any and map[string]any. Numbers stay json.Number so that no
// digit of a large id is lost.
type Event struct {
	Source string `json:"source"`
	ID     string `json:"id"`
	Type   Type   `json:"type"`
	// Name is what audiences call the event: the event of a track call, the
	// event of a record's mapping, "page"/"screen"/"identify"/"group"/"alias"
	// for the other calls. It is never empty.
	Name string `json:"name"`
	// Time is the corrected event time, UTC, microseconds, never later than
	// ReceivedAt plus MaxSkew.
	Time       time.Time `json:"time"`
	ReceivedAt time.Time `json:"received_at"`
	// Identifiers are claimed by the sender, as written, not yet normalised.
	Identifiers []Identifier    `json:"identifiers,omitempty"`
	Properties  map[string]any  `json:"properties,omitempty"`
	Traits      map[string]any  `json:"traits,omitempty"`
	Consents    map[string]bool `json:"consents,omitempty"` // purpose → granted
	Context     map[string]any  `json:"context,omitempty"`
	// Revision counts the contents of one record: 1 for the first, more for
	// each update of the same row. 0 for everything but records.
	Revision int64 `json:"revision,omitempty"`
}

// Key returns the event's name.
func (e *Event) Key() Key { return Key{Source: e.Source, ID: e.ID} }

// MaxSkew is how far a corrected time may lie after the receipt.
const MaxSkew = 5 * time.Second

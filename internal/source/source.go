// Package source describes the ways in: who may send, in which form, under
// which contract, and how the columns of a table become an event.
//
// A table's row travels as a Row, whatever file it came from: the journal keeps
// EncodeRow's bytes, not yet mapped, so that a corrected mapping can replay them.
// Reading files is the work of the package table; nothing here touches one.
package source

// Kind is how a source's data arrives.
type Kind string

// The kinds of source.
const (
	HTTP Kind = "http" // SDKs and servers, with a write key
	File Kind = "file" // CSV, JSON Lines or Parquet, imported or watched
)

// Spec is one source document of the workspace.
type Spec struct {
	Name     string `json:"name"`
	Owner    string `json:"owner"` // team
	Title    string `json:"title,omitempty"`
	Kind     Kind   `json:"type"`
	Contract string `json:"contract"` // name of the ODCS document
	// WriteKey admits senders to an http source. It is public by nature (it
	// stands in web pages), hence in the workspace.
	WriteKey string `json:"writeKey,omitempty"`
	// Object is the contract's schema object that rows of a file are held to.
	Object string `json:"object,omitempty"`
	// Format is csv, jsonl or parquet; empty: by the file's ending.
	Format string `json:"format,omitempty"`
	// Delimiter separates CSV cells; empty means a comma.
	Delimiter string `json:"delimiter,omitempty"`
	// Watch is a folder whose new files are imported, relative to the data directory.
	Watch   string   `json:"watch,omitempty"`
	Mapping *Mapping `json:"mapping,omitempty"`
}

// Mapping says what a row's columns mean.
type Mapping struct {
	// Key names the columns that identify a row; the same key again is an
	// update. Empty, or no key column has a value: the whole row is the key.
	Key []string `json:"key,omitempty"`
	// Event is the event's name; the first case whose When holds wins over it.
	// Empty means "record".
	Event  string      `json:"event,omitempty"`
	Events []EventCase `json:"events,omitempty"`
	Time   *TimeColumn `json:"time,omitempty"` // absent: the time of receipt
	// Identifiers, Traits, Properties and Consents map a name to a column.
	Identifiers map[string]Column        `json:"identifiers,omitempty"`
	Traits      map[string]Column        `json:"traits,omitempty"`
	Properties  map[string]Column        `json:"properties,omitempty"`
	Consents    map[string]ConsentColumn `json:"consents,omitempty"`
}

// EventCase names the event of rows in which a column matches a pattern.
type EventCase struct {
	Name string `json:"name"`
	When Match  `json:"when"`
}

// Match holds when the column's text matches the RE2 pattern.
type Match struct {
	Column  string `json:"column"`
	Matches string `json:"matches"`
}

// TimeColumn says where the event time stands and how it is written.
type TimeColumn struct {
	Column string `json:"column"`
	// Formats are tried in order: Go layouts, or "unix", "unix_ms", "rfc3339".
	// Empty: ISO 8601 dates and times.
	Formats []string `json:"formats,omitempty"`
	// Zone is the IANA name of the zone of times without an offset, here and in
	// every date and timestamp column of the mapping; empty: UTC.
	Zone string `json:"zone,omitempty"`
}

// Column takes a value from a column. In YAML it may be just the column's name.
type Column struct {
	Column string `json:"column"`
	// Type is string, integer, number, boolean, date or timestamp; empty: as it comes.
	Type string `json:"type,omitempty"`
	// TrimSuffix is cut from the end of the text ("17850.0" → "17850").
	TrimSuffix string   `json:"trimSuffix,omitempty"`
	Formats    []string `json:"formats,omitempty"` // for date and timestamp
}

// ConsentColumn reads a person's stand on a purpose. Any text in neither list says nothing.
type ConsentColumn struct {
	Column  string   `json:"column"`
	Granted []string `json:"granted"`
	Denied  []string `json:"denied"`
}

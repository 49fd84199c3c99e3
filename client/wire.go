package client

import (
	"encoding/json"
	"time"
)

// Failure is the body of every answer that is not a success.
type Failure struct {
	Error FailureBody `json:"error"`
}

// FailureBody says what went wrong.
type FailureBody struct {
	Kind    string `json:"kind"`    // What sort of failure it is.
	Message string `json:"message"` // What is wrong and the way out, without personal values.
}

// Receipt is the story of one event id.
type Receipt struct {
	ID         string    `json:"id"`
	Source     string    `json:"source"`
	Detail     string    `json:"detail,omitempty"` // The reason, without personal values.
	Duplicates int64     `json:"duplicates"`       // How often it came again.
	Index      int64     `json:"index"`            // Its place in the block.
	Outcome    string    `json:"outcome"`          // processed, quarantined, refused or replayed.
	Person     int64     `json:"person,omitempty"` // Whom it is about today; absent: nobody.
	Position   int64     `json:"position"`         // The journal's block that holds it.
	ReceivedAt time.Time `json:"received_at"`
}

// QuarantinePage is one page of the quarantine; Next, if not 0, is After of the next page.
type QuarantinePage struct {
	Next    int64         `json:"next,omitempty"` // Send it as after to get the next page; absent on the last.
	Records []Quarantined `json:"records"`
}

// Quarantined is one record held back, with the rules it broke.
type Quarantined struct {
	ID         int64           `json:"id"`
	Source     string          `json:"source"`
	Event      string          `json:"event"`             // Id of the event, or key of the row.
	Payload    json.RawMessage `json:"payload,omitempty"` // The record as it was received; only when asked for, because it holds personal values.
	ReceivedAt time.Time       `json:"received_at"`
	Status     string          `json:"status"`
	Violations []Violation     `json:"violations"`
}

// Violation is one broken rule; it never holds the offending value.
type Violation struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Rule    string `json:"rule"`
	Shape   string `json:"shape"`
}

// ReplayRequest selects held records by exactly one of its fields.
type ReplayRequest struct {
	Source string  `json:"source,omitempty"`
	All    bool    `json:"all,omitempty"`
	IDs    []int64 `json:"ids,omitempty"`
}

// ReplayResult says what became of the records.
type ReplayResult struct {
	Open     int64 `json:"open"`     // Records that break a rule still.
	Replayed int64 `json:"replayed"` // Records that have left the quarantine.
}

// DeliveryList reconciles every activation.
type DeliveryList struct {
	Deliveries []DeliverySummary `json:"deliveries"`
}

// DeliverySummary is the reconciliation of one activation.
type DeliverySummary struct {
	Activation   string           `json:"activation"`
	Acknowledged int64            `json:"acknowledged"`
	Dead         int64            `json:"dead"`
	Desired      int64            `json:"desired"`
	Destination  string           `json:"destination"`
	InFlight     int64            `json:"in_flight"`
	Unwanted     map[string]int64 `json:"unwanted,omitempty"`
	Waiting      int64            `json:"waiting"`
}

// DeadLetters is hand-overs that were given up.
type DeadLetters struct {
	Dead []DeadLetter `json:"dead"`
}

// DeadLetter is one member whose hand-over was given up.
type DeadLetter struct {
	Version     int64  `json:"version"`
	Activation  string `json:"activation"`
	Attempts    int64  `json:"attempts"`
	Destination string `json:"destination"`
	Person      int64  `json:"person"`
	Reason      string `json:"reason"` // Why it was given up.
	Want        bool   `json:"want"`   // Whether the person was to be on the list.
}

// RetryRequest names an activation.
type RetryRequest struct {
	Activation string `json:"activation"`
}

// RetryResult counts what gets another round of attempts.
type RetryResult struct {
	Revived int64 `json:"revived"`
}

// Completeness is the ledger of everything accepted.
type Completeness struct {
	Sources []SourceLedger `json:"sources"`
	Total   SourceLedger   `json:"total"`
}

// SourceLedger accounts for one source: received is the sum of the other counts, or something was lost.
type SourceLedger struct {
	Source      string `json:"source"` // Empty for the total.
	Balanced    bool   `json:"balanced"`
	Duplicate   int64  `json:"duplicate"`
	Pending     int64  `json:"pending"` // Accepted and not processed yet; counted among received.
	Processed   int64  `json:"processed"`
	Quarantined int64  `json:"quarantined"`
	Received    int64  `json:"received"`
	Refused     int64  `json:"refused"`
}

// BookVerdict says whether a book's hash chain is whole.
type BookVerdict struct {
	Book    string `json:"book"`
	Intact  bool   `json:"intact"`
	Lines   int64  `json:"lines"` // Lines read; of a book that was altered, up to the first that does not fit.
	Problem string `json:"problem,omitempty"`
}

// Status is how the installation stands.
type Status struct {
	Asks             map[string]map[string]int64 `json:"asks"`           // Questions by form and outcome: avoided, asked, repeated.
	Clock            time.Time                   `json:"clock,omitzero"` // Journal time; absent before the first block.
	Destinations     []Destination               `json:"destinations"`   // How each is doing, seen from this process.
	Dialect          string                      `json:"dialect"`        // The database that holds the state.
	Merges           int64                       `json:"merges"`         // People who became part of others.
	People           int64                       `json:"people"`
	Position         int64                       `json:"position"`          // The journal's last block that is processed.
	WorkspaceVersion int64                       `json:"workspace_version"` // 0 before the first.
}

// Destination is how one destination is doing.
type Destination struct {
	Name        string    `json:"name"`
	Failures    int       `json:"failures"`  // Hand-overs in a row that delivered nothing.
	Handovers   int64     `json:"handovers"` // Since this process started.
	LastError   string    `json:"last_error,omitempty"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	PausedUntil time.Time `json:"paused_until,omitzero"` // No hand-over is tried before.
}

// Health is the answer of a process that can do its work.
type Health struct {
	Status string `json:"status"`
}

// Import is a file that was imported to its end.
type Import struct {
	Name      string    `json:"name"`
	Source    string    `json:"source"`
	At        time.Time `json:"at"`
	Malformed int64     `json:"malformed"` // Rows that could not be read.
	Read      int64     `json:"read"`      // Rows in the file.
	Sent      int64     `json:"sent"`      // Rows that were accepted.
	SHA256    string    `json:"sha256"`
}

// ImportReport says how an import ended.
type ImportReport struct {
	Name      string `json:"name"`
	Malformed int64  `json:"malformed"`
	Read      int64  `json:"read"`
	Sent      int64  `json:"sent"`
}

// RowsResult says how many rows are durable.
type RowsResult struct {
	Accepted int64 `json:"accepted"` // Rows that are durable now; the pipeline tells new from unchanged ones.
}

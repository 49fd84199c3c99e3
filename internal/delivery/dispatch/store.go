// Package dispatch hands over what is due. Every destination has one worker of
// its own, so that a destination that is slow, limited or down never delays
// another (I9).
package dispatch

import (
	"context"
	"time"

	"parley/internal/destination"
)

// Store is where the dispatcher finds its work. An implementation keeps the
// members and the batch in flight of every destination, and promises:
//
//   - Each method is one transaction, safe for concurrent use by different
//     destinations; one destination is served by one caller at a time.
//   - Desired sides already carry the consent decision. Who writes them decides.
//   - What Claim returns stays in flight, across crashes, until Settle.
type Store interface {
	// Claim returns the next batch of at most limit members, nil if nothing is due.
	//
	// If a batch is in flight it returns that one unchanged, provided that
	// delivery.Resendable holds; otherwise it first settles it as Retry for all
	// and goes on. Else it chooses by delivery.Pick, forms the batch under a new
	// id with delivery.Form, stores it, marks its members with Member.Sent and
	// writes the disclosure intent (I7), all before it returns.
	Claim(ctx context.Context, destination string, limit int, now time.Time) (*destination.Batch, error)
	// Settle takes in one result per member with Member.Settled, records the
	// disclosure or its failure (I7) and ends the flight. A batch that is not in
	// flight (any more) changes nothing.
	Settle(ctx context.Context, b destination.Batch, results []destination.Result, now time.Time) error
	// NextDue returns when something is due next, at the earliest; the zero
	// time if nothing waits. It may be in the past.
	NextDue(ctx context.Context, destination string, now time.Time) (time.Time, error)
}

// Target is one destination as the dispatcher serves it.
type Target struct {
	Name          string
	Connector     destination.Connector // the caller closes it after Run
	BatchSize     int                   // most members per hand-over; 0 means destination.DefaultBatchSize
	RatePerSecond float64               // most hand-overs a second; 0 means no limit
}

// Handover is what an Observer is told of one attempt; no personal value in it.
type Handover struct {
	Destination, Activation, Batch string
	Delivered, Rejected, Retry     int
	Took                           time.Duration // inside the connector
	Err                            error         // nothing is known of the whole batch
}

// Status is how one destination is doing.
type Status struct {
	Destination string    `json:"destination"`
	Failures    int       `json:"failures"`             // hand-overs in a row that delivered nothing
	PausedUntil time.Time `json:"pausedUntil,omitzero"` // no hand-over before
	LastError   string    `json:"lastError,omitempty"`  // safe sentence of the last failure
	LastSuccess time.Time `json:"lastSuccess,omitzero"` // of a hand-over
	Handovers   int64     `json:"handovers"`            // since the start
}

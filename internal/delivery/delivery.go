// Package delivery makes a destination's list equal the desired one. For every
// (activation, person) there is a desired and an acknowledged version; the
// dispatcher works on the difference, so that retries, crashes and full
// resynchronisation are the same operation (I9).
package delivery

import (
	"time"

	"parley/internal/destination"
)

// Activation is one activation document of the workspace: an audience handed
// to a destination for a purpose.
type Activation struct {
	Name        string           `json:"name"`
	Owner       string           `json:"owner"`
	Title       string           `json:"title,omitempty"`
	Audience    string           `json:"audience"`
	Destination string           `json:"destination"`
	Mode        destination.Mode `json:"mode"`
	Purpose     string           `json:"purpose"`
	// Fields maps a field of the hand-over to "identifier.NAMESPACE" or "trait.NAME".
	Fields map[string]string `json:"fields"`
	// Require lists fields without which a person is not handed over but kept
	// with the reason; empty means all of Fields.
	Require []string `json:"require,omitempty"`
}

// Member is the desired and acknowledged state of one person in one activation.
// It is a small state machine, moved only by the functions of this package:
//
//	Desire   the pipeline's wish     writes the desired side, revives the dead
//	Sent     put into a batch        Batch set; nothing else moves it out again but
//	Settled  the answer is known     Delivered: acknowledged side written
//	                                 Rejected: dead, unless a newer version waits
//	                                 Retry: later, in doubt, dead after MaxAttempts
//	Absorb   two people became one
//	Revive   a person retries a dead letter
//
// A member that changes while an older version is in flight keeps its Batch and
// is due again, with the newer version, once that batch is settled.
type Member struct {
	Activation string
	Person     int64
	// Desired side, written by the pipeline.
	Version int64             // grows with every change; 0 never
	Want    bool              // on the list or not
	Fields  map[string]string // what to hand over when Want
	Reason  string            // why not wanted: left, refused:PURPOSE, lacks:FIELD, merged
	// Acknowledged side, written by the dispatcher.
	Acked       int64             // the version the destination has confirmed; 0 none
	AckedWant   bool              // whether the destination has the person
	AckedFields map[string]string // what it was last given
	// Attempt side.
	Batch    string    // id of the hand-over under way; "" none
	Handed   int64     // the highest version ever put into a batch; 0 none
	Attempts int       // of the current version
	NextTry  time.Time // not before
	Dead     string    // reason of the dead letter; "" alive
	// InDoubt says that a hand-over ended without a clear answer: the
	// destination may or may not have carried it out, so the member is sent
	// again even if the desired side has returned to the acknowledged one.
	InDoubt bool
	// DoubtFields are what the last Add in doubt carried; a Remove needs them
	// when nothing was ever acknowledged.
	DoubtFields map[string]string
}

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
	// Require lists fields without which a person is not handed over; empty: all of Fields... must be
	// named explicitly; a person who lacks one is skipped with a reason, not sent.
	Require []string `json:"require,omitempty"`
}

// Member is the desired and acknowledged state of one person in one activation.
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
	Attempts int       // of the current version
	NextTry  time.Time // not before
	Dead     string    // reason of the dead letter; "" alive
}

// Package destination describes the systems that receive, and the small
// interface that every connector implements.
package destination

import (
	"context"
	"time"
)

// Spec is one destination document of the workspace.
type Spec struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
	Title string `json:"title,omitempty"`
	Type  string `json:"type"` // webhook or csv
	// Purposes are the purposes this system may serve; empty means none (I6).
	Purposes []string     `json:"purposes"`
	Webhook  *WebhookSpec `json:"webhook,omitempty"`
	CSV      *CSVSpec     `json:"csv,omitempty"`
	// BatchSize is how many members go in one hand-over; 0 means 500.
	BatchSize int `json:"batchSize,omitempty"`
	// RatePerSecond limits hand-overs; 0 means no limit.
	RatePerSecond float64 `json:"ratePerSecond,omitempty"`
}

// WebhookSpec posts JSON signed as in Standard Webhooks 1.0.0.
type WebhookSpec struct {
	URL string `json:"url"`
	// SecretEnv names the environment variable that holds the whsec_ secret.
	SecretEnv string `json:"secretEnv"`
	// AllowPrivate permits loopback and private addresses (for tests and in-house tools).
	AllowPrivate bool `json:"allowPrivate,omitempty"`
}

// CSVSpec writes files into a folder, relative to the data directory.
type CSVSpec struct {
	Folder string `json:"folder"`
}

// Mode is what being on the list means at the destination.
type Mode string

// The modes: Include addresses the members; Suppress keeps them from being
// addressed, as an exclusion list that is added to.
const (
	Include  Mode = "include"
	Suppress Mode = "suppress"
)

// Action changes one member of a destination's list.
type Action string

// The actions.
const (
	Add    Action = "add"
	Remove Action = "remove"
)

// Member is one change to hand over.
type Member struct {
	Person  string `json:"person"`  // stable person id, not personal by itself
	Version int64  `json:"version"` // grows with every change of this member in this activation
	Action  Action `json:"action"`
	// Fields are the values agreed in the activation, such as email. For a
	// Remove they are the ones that were last acknowledged.
	Fields map[string]string `json:"fields"`
}

// Batch is one hand-over: all members share activation, audience and mode.
type Batch struct {
	// ID is the idempotency key: a batch that is sent again after a crash
	// carries the same id, time and members.
	ID         string    `json:"id"`
	Activation string    `json:"activation"`
	Audience   string    `json:"audience"`
	Mode       Mode      `json:"mode"`
	At         time.Time `json:"at"`
	Members    []Member  `json:"members"` // sorted by person
}

// Outcome is what became of one member.
type Outcome uint8

// The outcomes. Rejected is final for this version (a dead letter); Retry may be sent again.
const (
	Delivered Outcome = iota
	Rejected
	Retry
)

// Result is the destination's answer for one member.
type Result struct {
	Outcome Outcome
	Reason  string // safe: no personal value
	// After is the least wait the destination asked for (Retry-After); 0 if none.
	After time.Duration
}

// Connector hands batches to one destination.
//
// Deliver returns one Result per member, in order, or an error when nothing is
// known of the whole batch (treated as Retry for all). It must be idempotent by
// Batch.ID, must honour ctx, and is called by one goroutine at a time per
// destination. It never logs fields (I12).
type Connector interface {
	Deliver(ctx context.Context, b Batch) ([]Result, error)
	Close() error
}

package client

import (
	"encoding/json"
	"time"
)

// AudienceList is every audience.
type AudienceList struct {
	Audiences []Audience `json:"audiences"`
}

// Audience is one audience and how it stands; NextChange is zero when unknown.
type Audience struct {
	Name        string    `json:"name"`
	Description string    `json:"description"` // The condition in plain words.
	NextChange  time.Time `json:"next_change,omitzero"`
	Owner       string    `json:"owner"`
	Size        int64     `json:"size"`
	Title       string    `json:"title,omitempty"`
}

// Members is one page of an audience; Next, if not 0, is After of the next page.
type Members struct {
	Members []Member `json:"members"`
	Next    int64    `json:"next,omitempty"` // Send it as after to get the next page; absent on the last.
}

// Member is a person in an audience.
type Member struct {
	Identifiers []string  `json:"identifiers,omitempty"` // The person's identifiers of the requested namespace.
	Person      int64     `json:"person"`
	Since       time.Time `json:"since"`
}

// PreviewRequest names an audience, gives a condition, or both.
type PreviewRequest struct {
	Name  string          `json:"name,omitempty"`
	Where json.RawMessage `json:"where,omitempty"` // A condition of the audience language.
}

// Preview is what a condition would mean for the people there are.
type Preview struct {
	At          time.Time      `json:"at"`          // Journal time of the evaluation.
	Blocks      []PreviewBlock `json:"blocks"`      // What each part that must hold lets through by itself.
	Description string         `json:"description"` // The condition in plain words.
	Entering    Movement       `json:"entering"`    // Members that the audience of this name does not have now.
	Leaving     Movement       `json:"leaving"`     // Members that it would lose.
	Notes       []string       `json:"notes"`       // Why the numbers may be too low: what present data does not hold.
	People      int64          `json:"people"`      // Everybody.
	Sample      []int64        `json:"sample"`      // Up to ten members.
	Share       float64        `json:"share"`       // Size by people, 0 to 1.
	Size        int64          `json:"size"`
}

// PreviewBlock is one part of the condition by itself.
type PreviewBlock struct {
	Condition string `json:"condition"`
	Size      int64  `json:"size"`
}

// Movement is people who enter or leave, and up to ten of them.
type Movement struct {
	Count  int64   `json:"count"`
	Sample []int64 `json:"sample"` // Up to ten of them.
}

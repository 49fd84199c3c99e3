package client

import (
	"encoding/json"
	"time"
)

// Workspace is the version that governs.
type Workspace struct {
	Version int64            `json:"version"`
	At      time.Time        `json:"at"`
	Author  string           `json:"author"`
	Body    json.RawMessage  `json:"body"`   // The whole agreement as canonical JSON.
	Counts  map[string]int64 `json:"counts"` // Objects by kind.
	Digest  string           `json:"digest"`
}

// WorkspaceFiles are YAML documents by file name.
type WorkspaceFiles struct {
	Files map[string]string `json:"files"`
}

// WorkspaceIssues lists every mistake.
type WorkspaceIssues struct {
	Issues []Issue `json:"issues"`
}

// Issue is one mistake, where it stands, and the way out.
type Issue struct {
	File    string `json:"file"`
	Line    int64  `json:"line"`
	Message string `json:"message"`
	Object  string `json:"object,omitempty"`
	Path    string `json:"path,omitempty"`
}

// WorkspacePlan is what applying files would change; with issues the rest is empty.
type WorkspacePlan struct {
	Audiences   []PlannedAudience `json:"audiences"` // New and changed audiences on present data.
	Differences []Difference      `json:"differences"`
	Issues      []Issue           `json:"issues"` // When there is any, the rest is empty.
}

// Difference is one object that two versions do not share: added, removed or changed.
type Difference struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	What string `json:"what"`
}

// PlannedAudience is the preview of a new or changed audience.
type PlannedAudience struct {
	Name     string   `json:"name"`
	After    int64    `json:"after"`  // Members it would have.
	Before   int64    `json:"before"` // Members now.
	Entering int64    `json:"entering"`
	Leaving  int64    `json:"leaving"`
	Notes    []string `json:"notes"`
	People   int64    `json:"people"` // Everybody.
	What     string   `json:"what"`
}

// WorkspaceApply is files and who asks for them to govern.
type WorkspaceApply struct {
	Author string            `json:"author"`
	Files  map[string]string `json:"files"`
}

// WorkspaceApplied names the version that governs now.
type WorkspaceApplied struct {
	Version int64  `json:"version"`
	Digest  string `json:"digest"`
}

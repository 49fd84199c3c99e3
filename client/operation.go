package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// Person reads the person behind an identifier; with why also the assertions
// and the explanation of every audience.
func (c *Client) Person(ctx context.Context, namespace, value string, why bool) (Person, error) {
	return get[Person](ctx, c, path("people", namespace, value), values("why", strconv.FormatBool(why)))
}

// Disclosures tells who received what about a person.
func (c *Client) Disclosures(ctx context.Context, namespace, value string) (PersonDisclosures, error) {
	return get[PersonDisclosures](ctx, c, path("people", namespace, value, "disclosures"), nil)
}

// Ask says which fields of a form need not be asked again.
func (c *Client) Ask(ctx context.Context, in AskRequest) (AskAnswer, error) {
	return post[AskAnswer](ctx, c, http.MethodPost, path("ask"), in)
}

// Audiences lists the audiences by name.
func (c *Client) Audiences(ctx context.Context) ([]Audience, error) {
	out, err := get[AudienceList](ctx, c, path("audiences"), nil)
	return out.Audiences, err
}

// MembersQuery selects a page of an audience. The zero value is the first page of 1,000.
type MembersQuery struct {
	After       int64  // only people above this number
	Limit       int    // 1 to 10,000
	Identifiers string // namespace whose identifiers to add
}

// Members lists the people in an audience, page by page.
func (c *Client) Members(ctx context.Context, audience string, q MembersQuery) (Members, error) {
	return get[Members](ctx, c, path("audiences", audience, "members"), values(
		"after", strconv.FormatInt(q.After, 10), "limit", strconv.Itoa(q.Limit), "identifiers", q.Identifiers))
}

// PreviewAudience counts who would be in an audience.
func (c *Client) PreviewAudience(ctx context.Context, in PreviewRequest) (Preview, error) {
	return post[Preview](ctx, c, http.MethodPost, path("audiences", "preview"), in)
}

// Receipt tells what became of an event.
func (c *Client) Receipt(ctx context.Context, source, id string) (Receipt, error) {
	return get[Receipt](ctx, c, path("receipts", source, id), nil)
}

// QuarantineQuery selects held records. The zero value is the first page of 100.
type QuarantineQuery struct {
	Source, Status string // empty: any
	After          int64
	Limit          int  // 1 to 1,000
	Payload        bool // include what was received
}

// Quarantine lists records that broke their contract.
func (c *Client) Quarantine(ctx context.Context, q QuarantineQuery) (QuarantinePage, error) {
	return get[QuarantinePage](ctx, c, path("quarantine"), values("source", q.Source, "status", q.Status,
		"after", strconv.FormatInt(q.After, 10), "limit", strconv.Itoa(q.Limit), "payload", strconv.FormatBool(q.Payload)))
}

// Replay processes held records again.
func (c *Client) Replay(ctx context.Context, in ReplayRequest) (ReplayResult, error) {
	return post[ReplayResult](ctx, c, http.MethodPost, path("quarantine", "replay"), in)
}

// Workspace reads the agreement that governs.
func (c *Client) Workspace(ctx context.Context) (Workspace, error) {
	return get[Workspace](ctx, c, path("workspace"), nil)
}

// ValidateWorkspace lists every mistake in files (name to YAML).
func (c *Client) ValidateWorkspace(ctx context.Context, files map[string]string) ([]Issue, error) {
	out, err := post[WorkspaceIssues](ctx, c, http.MethodPost, path("workspace", "validate"), WorkspaceFiles{Files: files})
	return out.Issues, err
}

// PlanWorkspace shows what applying files would change.
func (c *Client) PlanWorkspace(ctx context.Context, files map[string]string) (WorkspacePlan, error) {
	return post[WorkspacePlan](ctx, c, http.MethodPost, path("workspace", "plan"), WorkspaceFiles{Files: files})
}

// ApplyWorkspace makes files govern and returns once they do.
func (c *Client) ApplyWorkspace(ctx context.Context, files map[string]string, author string) (WorkspaceApplied, error) {
	return post[WorkspaceApplied](ctx, c, http.MethodPost, path("workspace", "apply"), WorkspaceApply{Files: files, Author: author})
}

// Deliveries reconciles every activation, by name.
func (c *Client) Deliveries(ctx context.Context) ([]DeliverySummary, error) {
	out, err := get[DeliveryList](ctx, c, path("deliveries"), nil)
	return out.Deliveries, err
}

// DeadLetters lists hand-overs that were given up, of one activation or (empty)
// of all; limit 0 means 1,000.
func (c *Client) DeadLetters(ctx context.Context, activation string, limit int) ([]DeadLetter, error) {
	out, err := get[DeadLetters](ctx, c, path("deliveries", "dead"), values("activation", activation, "limit", strconv.Itoa(limit)))
	return out.Dead, err
}

// RetryDeliveries gives the dead letters of an activation another round of
// attempts and returns how many there were.
func (c *Client) RetryDeliveries(ctx context.Context, activation string) (int64, error) {
	out, err := post[RetryResult](ctx, c, http.MethodPost, path("deliveries", "retry"), RetryRequest{Activation: activation})
	return out.Revived, err
}

// Completeness accounts for every accepted event, of one source or (empty) of all.
func (c *Client) Completeness(ctx context.Context, source string) (Completeness, error) {
	return get[Completeness](ctx, c, path("completeness"), values("source", source))
}

// VerifyBook recomputes the hash chain of a book: decisions, ask, or handover:DESTINATION.
func (c *Client) VerifyBook(ctx context.Context, book string) (BookVerdict, error) {
	return get[BookVerdict](ctx, c, path("books", book, "verify"), nil)
}

// Status tells how the installation stands.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, path("status"), nil)
}

// Health fails when the process cannot do its work.
func (c *Client) Health(ctx context.Context) error {
	_, err := get[Health](ctx, c, path("health"), nil)
	return err
}

// SendRows sends rows of a table, each a map of column to value, at most 32 MiB
// at once. It returns how many are durable; after an error none or all are, and
// the same call can be repeated.
func (c *Client) SendRows(ctx context.Context, source string, rows []map[string]any) (int64, error) {
	lines := make([]json.RawMessage, len(rows))
	for i, row := range rows {
		line, err := json.Marshal(row)
		if err != nil {
			return 0, errors.New("parley: a row holds a value that JSON cannot express")
		}
		lines[i] = line
	}
	return c.SendLines(ctx, source, lines)
}

// SendLines is SendRows for rows that are JSON already. Beside objects it takes
// the lists in which parley import writes rows that could not be read, so that
// they reach the quarantine too.
func (c *Client) SendLines(ctx context.Context, source string, lines []json.RawMessage) (int64, error) {
	if len(lines) == 0 {
		return 0, nil
	}
	var body bytes.Buffer
	for _, line := range lines {
		if err := json.Compact(&body, line); err != nil {
			return 0, errors.New("parley: a row is not JSON")
		}
		body.WriteByte('\n')
	}
	out, err := call[RowsResult](ctx, c, request{method: http.MethodPost, path: path("sources", source, "rows"),
		body: body.Bytes(), contentType: "application/x-ndjson"})
	return out.Accepted, err
}

// Import says whether a file was imported already; if not, the error's kind is not_found.
func (c *Client) Import(ctx context.Context, source, sha256 string) (Import, error) {
	return get[Import](ctx, c, path("sources", source, "imports", sha256), nil)
}

// PutImport records that a file was imported to its end.
func (c *Client) PutImport(ctx context.Context, source, sha256 string, in ImportReport) (Import, error) {
	return post[Import](ctx, c, http.MethodPut, path("sources", source, "imports", sha256), in)
}

// Package api is the HTTP and JSON side of Parley for people and programs. The
// OpenAPI 3.1 document is generated from the Go types of this package, served at
// /openapi.json, committed beside this file and rendered at /docs.
//
// Every operation but health needs a bearer token (package auth). An error is
// {"error":{"kind","message"}} with a sentence that is safe to show; its cause
// goes to the log with the operation's name, never with a path, a query or a
// body, because those hold personal values (I12).
//
// Reads are answered from one read transaction of state, that is from one
// consistent picture, and as of journal time. What changes people goes through
// the functions of Options, so that the journal stays the only way in.
package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"parley/internal/auth"
	"parley/internal/fault"
	"parley/internal/lifecycle"
	"parley/internal/source"
	"parley/internal/state"
	"parley/internal/workspace"
)

// Options is all that the API needs of the rest. Functions must be safe for
// concurrent use; those documented as optional may be nil.
type Options struct {
	Store *state.Store
	// Workspace returns the version that governs now, nil before the first.
	Workspace func() *workspace.Compiled
	// Clock dates what does not go through the journal: asks and imports.
	Clock  lifecycle.Clock
	Tokens *auth.Tokens
	Logger *slog.Logger

	// Apply makes a canonical workspace govern and returns its version once it does.
	Apply func(ctx context.Context, canonical []byte, author string) (int64, error)
	// Replay gives records to the pipeline again and returns when they are processed.
	Replay func(ctx context.Context, records []state.QuarantinedRecord) error
	// Rows accepts rows of a table. It returns when they are durable (I1).
	Rows func(ctx context.Context, source string, rows RowsRequest) (RowsResult, error)
	// Nudge tells a destination's dispatcher that there is work. Optional.
	Nudge func(destination string)
	// Destinations tells how each destination is doing, by name. Optional.
	Destinations func() []Destination
	// Healthy fails when the process cannot do its work. Optional.
	Healthy func(ctx context.Context) error
	// Pending counts, by source, what the journal holds beyond the pipeline's
	// position. Optional: nothing is pending.
	Pending func(ctx context.Context) (map[string]int64, error)
}

// RowsRequest is rows of one table, each as its source holds it.
type RowsRequest struct {
	Rows []source.Row
	// Malformed are rows that the sender could not read, in the form of
	// importer.Malformed; they go into quarantine.
	Malformed []json.RawMessage
}

// RowsResult says how many rows are durable.
type RowsResult struct {
	Accepted int64 `json:"accepted" doc:"Rows that are durable now; the pipeline tells new from unchanged ones."`
}

type service struct {
	Options
	api huma.API
}

// New returns the handler of every operation, of /openapi.json and of /docs.
func New(o Options) http.Handler {
	s, mux := build(o)
	document, err := Document(s.api.OpenAPI())
	page, pageErr := renderDocs(s.api.OpenAPI())
	if err != nil || pageErr != nil {
		o.Logger.Error("the API description cannot be rendered", "error", err, "page_error", pageErr)
	}
	mux.HandleFunc("GET /openapi.json", static("application/json", document))
	mux.HandleFunc("GET /docs", static("text/html; charset=utf-8", page))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeFailure(w, newFailure(fault.NotFound, "There is no such operation; /docs lists all of them."))
	})
	return s.recovered(mux)
}

// build registers the operations.
func build(o Options) (*service, *http.ServeMux) {
	mux := http.NewServeMux()
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Parley", Version: "1",
				Description: "The data collaboration platform that IT and marketing run together. Times are RFC 3339 in UTC."},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token": {Type: "http", Scheme: "bearer", Description: "The admin token, or where an operation says so the ask token."},
				},
			},
		},
		Formats:       huma.DefaultFormats,
		DefaultFormat: "application/json",
	}
	s := &service{Options: o, api: humago.New(mux, config)}
	s.people()
	s.asks()
	s.audiences()
	s.receipts()
	s.quarantine()
	s.workspaces()
	s.deliveries()
	s.completeness()
	s.books()
	s.sources()
	s.status()
	return s, mux
}

// Document returns the OpenAPI document as it is served and committed: indented
// and with the same bytes on every run.
func Document(o *huma.OpenAPI) ([]byte, error) {
	body, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return nil, fault.Wrap("api.document", err)
	}
	return append(body, '\n'), nil
}

func static(contentType string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = w.Write(body) // the reader went away; nobody is left to tell
	}
}

// current returns the governing workspace, or Conflict before the first one.
func (s *service) current(op string) (*workspace.Compiled, error) {
	if ws := s.Workspace(); ws != nil {
		return ws, nil
	}
	return nil, fault.New(fault.Conflict, op, "No workspace has been applied yet; apply one first.")
}

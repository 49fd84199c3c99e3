package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"parley/internal/fault"
	"parley/internal/source"
	"parley/internal/state"
)

// Import is a file that was imported to its end.
type Import struct {
	Source    string    `json:"source"`
	SHA256    string    `json:"sha256"`
	Name      string    `json:"name"`
	At        time.Time `json:"at"`
	Read      int64     `json:"read" doc:"Rows in the file."`
	Sent      int64     `json:"sent" doc:"Rows that were accepted."`
	Malformed int64     `json:"malformed" doc:"Rows that could not be read."`
}

// ImportReport says how an import ended.
type ImportReport struct {
	Name      string `json:"name" maxLength:"1000"`
	Read      int64  `json:"read" minimum:"0"`
	Sent      int64  `json:"sent" minimum:"0"`
	Malformed int64  `json:"malformed" minimum:"0"`
}

type rowsInput struct {
	Name    string `path:"name" doc:"The source."`
	RawBody []byte `contentType:"application/x-ndjson"`
}

type importInput struct {
	Name   string `path:"name" doc:"The source."`
	SHA256 string `path:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the file's bytes, in lower-case hexadecimal."`
}

type importReportInput struct {
	Name   string `path:"name" doc:"The source."`
	SHA256 string `path:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the file's bytes, in lower-case hexadecimal."`
	Body   ImportReport
}

const maxRows = 32 << 20 // bytes of one request

func (s *service) sources() {
	register(s, operation{id: "send-rows", method: http.MethodPost, path: "/v1/sources/{name}/rows", tag: "sources",
		summary: "Send rows of a table", maxBody: maxRows,
		description: "One JSON object of column to value a line. Either all rows are durable when this returns, or none was taken. The same row again is a duplicate, another content under its key an update, so a request may be repeated."}, s.sendRows)
	register(s, operation{id: "get-import", method: http.MethodGet, path: "/v1/sources/{name}/imports/{sha256}", tag: "sources",
		summary: "Whether a file was imported already"}, s.getImport)
	register(s, operation{id: "put-import", method: http.MethodPut, path: "/v1/sources/{name}/imports/{sha256}", tag: "sources",
		summary: "Record that a file was imported to its end"}, s.putImport)
}

// table returns the name of a source that takes rows.
func (s *service) table(name string) error {
	ws, err := s.current("api.source")
	if err != nil {
		return err
	}
	src, err := ws.FindSource(name)
	if err != nil {
		return err
	}
	if src.Mapping == nil {
		return fault.New(fault.Invalid, "api.source", "The source %s has no mapping and takes events, not rows; send them with its write key.", name)
	}
	return nil
}

func (s *service) sendRows(ctx context.Context, in *rowsInput) (RowsResult, error) {
	if err := s.table(in.Name); err != nil {
		return RowsResult{}, err
	}
	rows, err := decodeRows(in.RawBody)
	if err != nil || len(rows.Rows)+len(rows.Malformed) == 0 {
		return RowsResult{}, err
	}
	return s.Rows(ctx, in.Name, rows)
}

// decodeRows reads one JSON object a line; blank lines count only for the line numbers.
func decodeRows(body []byte) (RowsRequest, error) {
	out := RowsRequest{Rows: make([]source.Row, 0, bytes.Count(body, []byte{'\n'})+1)}
	number := 0
	for line := range bytes.Lines(body) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if line[0] == '[' {
			out.Malformed = append(out.Malformed, json.RawMessage(line))
			continue
		}
		row, err := source.DecodeRow(line)
		if err != nil {
			return RowsRequest{}, fault.WrapAs(fault.KindOf(err), "api.rows", err, "Line %d: %s", number, fault.Message(err))
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

func (s *service) getImport(ctx context.Context, in *importInput) (Import, error) {
	var f state.ImportedFile
	err := s.Store.View(ctx, func(tx *state.Tx) (err error) {
		f, err = tx.ImportedFileBySum(ctx, in.Name, in.SHA256)
		return err
	})
	return Import(f), err
}

func (s *service) putImport(ctx context.Context, in *importReportInput) (Import, error) {
	if err := s.table(in.Name); err != nil {
		return Import{}, err
	}
	f := state.ImportedFile{Source: in.Name, SHA256: in.SHA256, Name: in.Body.Name, At: s.Clock.Now(),
		Read: in.Body.Read, Sent: in.Body.Sent, Malformed: in.Body.Malformed}
	// Without the record the file would be imported again: duplicates, but work.
	err := s.Store.Update(ctx, state.Replayable, func(tx *state.Tx) error { return tx.PutImportedFile(ctx, f) })
	return Import(f), err
}

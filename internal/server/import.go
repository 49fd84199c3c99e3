package server

import (
	"context"
	"path/filepath"

	"parley/internal/api"
	"parley/internal/fault"
	"parley/internal/importer"
	"parley/internal/journal"
	"parley/internal/workspace"
)

// ImportRequest names a file and the source it is for.
type ImportRequest struct {
	Source, Path string
	// Again imports the file even if the same bytes were imported before.
	Again    bool
	Progress func(importer.Progress)
}

// Import brings a file in and returns when all its rows are durable.
func (s *Server) Import(ctx context.Context, r ImportRequest) (importer.Report, error) {
	src, err := s.source(r.Source)
	if err != nil {
		return importer.Report{}, err
	}
	return importer.File(ctx, importer.Options{Source: src, Path: r.Path, Sink: s.journal, Clock: s.cfg.Clock,
		Ledger: importer.StateLedger{Store: s.store}, Again: r.Again, Progress: r.Progress})
}

func (s *Server) source(name string) (*workspace.Source, error) {
	ws := s.ws.Load()
	if ws == nil {
		return nil, fault.New(fault.Conflict, "server.source", "No workspace governs yet; apply one first with parley apply.")
	}
	return ws.FindSource(name)
}

// rows takes rows of a table in over the API.
func (s *Server) rows(ctx context.Context, name string, r api.RowsRequest) (api.RowsResult, error) {
	src, err := s.source(name)
	if err != nil {
		return api.RowsResult{}, err
	}
	now := s.now()
	entries := make([]journal.Entry, len(r.Rows))
	for i, row := range r.Rows {
		if entries[i], err = importer.Entry(src, row, now); err != nil {
			return api.RowsResult{}, err
		}
	}
	for _, payload := range r.Malformed {
		m, err := importer.ReadMalformed(payload)
		if err != nil {
			return api.RowsResult{}, fault.WrapAs(fault.Invalid, "server.rows", err,
				"One of the lines is a list; send each row as one JSON object of column to value.")
		}
		entries = append(entries, importer.MalformedEntry(src, m, now))
	}
	if err := s.journal.Append(ctx, entries...); err != nil {
		return api.RowsResult{}, err
	}
	return api.RowsResult{Accepted: int64(len(entries))}, nil
}

// runWatcher imports what appears in the sources' folders.
func (s *Server) runWatcher(ctx context.Context) error {
	w := importer.NewWatcher(importer.WatcherOptions{Sources: s.watched, Sink: s.journal,
		Ledger: importer.StateLedger{Store: s.store}, Clock: s.cfg.Clock, Logger: s.cfg.Logger})
	return w.Run(ctx)
}

func (s *Server) watched() []importer.WatchedSource {
	ws := s.ws.Load()
	if ws == nil {
		return nil
	}
	var out []importer.WatchedSource
	for _, spec := range ws.Workspace.Sources {
		if spec.Watch == "" {
			continue
		}
		folder := spec.Watch
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(s.cfg.Data, folder)
		}
		out = append(out, importer.WatchedSource{Source: ws.Sources[spec.Name], Folder: folder})
	}
	return out
}

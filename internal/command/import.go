package command

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"parley/internal/fault"
	"parley/internal/importer"
	"parley/internal/server"
)

type importCommand struct {
	Source string   `arg:"" help:"Source of the workspace that the files are for."`
	Files  []string `arg:"" name:"file" help:"CSV, JSON Lines or Parquet files." type:"path"`
	Again  bool     `help:"Import files again whose bytes were imported before."`
}

// imported is the answer for one file.
type imported struct {
	File       string    `json:"file"`
	Rows       int64     `json:"rows"`
	Accepted   int64     `json:"accepted"`
	Malformed  int64     `json:"malformed"`
	Skipped    bool      `json:"skipped"`
	ImportedAt time.Time `json:"imported_at,omitzero"`
	SHA256     string    `json:"sha256"`
}

// importFile brings one file in, wherever the server is.
type importFile func(ctx context.Context, path string, progress func(importer.Progress)) (imported, error)

// Run imports files one after another.
func (c *importCommand) Run(ctx context.Context, s *session) (err error) {
	bring, done, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	answers := []imported{}
	for _, path := range c.Files {
		b := s.newBar(filepath.Base(path))
		answer, err := bring(ctx, path, b.show)
		b.end()
		if err != nil {
			return inFile(path, err)
		}
		answers = append(answers, answer)
	}
	return s.print(answers, importTable(answers))
}

// open finds out where to import to.
func (c *importCommand) open(ctx context.Context, s *session) (importFile, func() error, error) {
	if s.remote() {
		api, done, err := s.connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		r, err := openRemote(ctx, api, c.Source, c.Again)
		if err != nil {
			return nil, nil, errors.Join(err, done())
		}
		return r.file, done, nil
	}
	l, err := s.inProcess(ctx, everything...)
	if err != nil {
		return nil, nil, err
	}
	bring := func(ctx context.Context, path string, progress func(importer.Progress)) (imported, error) {
		r, err := l.Import(ctx, server.ImportRequest{Source: c.Source, Path: path, Again: c.Again, Progress: progress})
		return answerOf(path, r), err
	}
	return bring, func() error { return errors.Join(l.Idle(ctx), l.stop()) }, nil
}

// inFile says in which file it went wrong.
func inFile(path string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	err = classified(err)
	return fault.WrapAs(fault.KindOf(err), "command.import", err, "%s: %s", filepath.Base(path), fault.Message(err))
}

func answerOf(path string, r importer.Report) imported {
	return imported{File: path, Rows: r.Read, Accepted: r.Sent, Malformed: r.Malformed, Skipped: r.Skipped, ImportedAt: r.ImportedAt, SHA256: r.SHA256}
}

func importTable(answers []imported) *table {
	t := &table{head: []string{"FILE", "ROWS", "ACCEPTED", "UNREADABLE"}}
	for _, a := range answers {
		t.row(filepath.Base(a.File), a.Rows, a.Accepted, a.Malformed)
		if a.Skipped {
			t.say("%s was imported before, %s; nothing was sent (--again sends it once more).", filepath.Base(a.File), instant(a.ImportedAt))
		}
	}
	return t
}

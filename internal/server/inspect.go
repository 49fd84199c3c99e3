package server

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"parley/internal/journal"
	"parley/internal/journal/natsjournal"
	"parley/internal/lake/duckdblake"
	"parley/internal/state"
	"parley/internal/state/migration"
	"parley/internal/state/pgstate"
	"parley/internal/state/sqlitestate"
	"parley/internal/workspace"
)

// Inspection is what Inspect saw of an installation at rest.
type Inspection struct {
	Journal, State, Lake error // why it cannot be opened; nil: it can
	// Schema is the version of the state's tables after opening, which upgrades them.
	Schema string
	// Workspace governs, nil before the first; WorkspaceError says why it cannot be used.
	Workspace      *workspace.Compiled
	WorkspaceError error
	// Clock is journal time: the last instant at which something was received.
	Clock time.Time
}

// Inspect opens each store of a data folder that no process uses, looks, and
// closes it again. It waits for the folder's lock like Open and fails when it is taken.
func Inspect(ctx context.Context, cfg Config) (Inspection, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Inspection{}, err
	}
	held, err := lock(cfg.Data)
	if err != nil {
		return Inspection{}, err
	}
	var out Inspection
	out.Journal = inspectJournal(ctx, cfg)
	lake, err := duckdblake.Open(ctx, filepath.Join(cfg.Data, fileLake), duckdblake.Options{})
	if err == nil {
		err = lake.Close()
	}
	out.Lake = err
	out.State = out.inspectState(ctx, cfg)
	return out, held.Close()
}

func inspectJournal(ctx context.Context, cfg Config) error {
	var driver journal.Driver
	var err error
	if cfg.Journal == "" {
		driver, err = natsjournal.OpenEmbedded(ctx, natsjournal.Options{Dir: filepath.Join(cfg.Data, dirJournal)})
	} else {
		driver, err = natsjournal.Connect(ctx, cfg.Journal, natsjournal.Options{})
	}
	if err != nil {
		return err
	}
	return errors.Join(driver.Healthy(ctx), driver.Close())
}

func (i *Inspection) inspectState(ctx context.Context, cfg Config) error {
	var store *state.Store
	var err error
	if cfg.State == "" {
		store, err = sqlitestate.Open(ctx, filepath.Join(cfg.Data, fileState))
	} else {
		store, err = pgstate.Open(ctx, cfg.State)
	}
	if err != nil {
		return err
	}
	i.Schema = schemaVersion()
	var version state.WorkspaceVersion
	err = store.View(ctx, func(tx *state.Tx) error {
		progress, err := tx.Progress(ctx)
		if err != nil {
			return err
		}
		i.Clock = progress.Clock
		version, err = tx.Workspace(ctx)
		return err
	})
	if err == nil && version.Version > 0 {
		decoded, decodeErr := workspace.Decode(version.Body)
		if decodeErr == nil {
			i.Workspace, decodeErr = decoded.Compile(version.Version)
		}
		i.WorkspaceError = decodeErr
	}
	return errors.Join(err, store.Close())
}

// schemaVersion is the number of the newest migration step.
func schemaVersion() string {
	names, err := fs.Glob(migration.Files, "*.sql") // sorted
	if err != nil || len(names) == 0 {
		return "unknown"
	}
	number, _, _ := strings.Cut(names[len(names)-1], "_")
	return strings.TrimLeft(number, "0")
}

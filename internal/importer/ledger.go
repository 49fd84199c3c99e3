package importer

import (
	"context"

	"parley/internal/fault"
	"parley/internal/state"
)

// StateLedger is the Ledger of an installation.
type StateLedger struct{ Store *state.Store }

// Imported looks the bytes up.
func (l StateLedger) Imported(ctx context.Context, source, sha256 string) (state.ImportedFile, bool, error) {
	var file state.ImportedFile
	err := l.Store.View(ctx, func(tx *state.Tx) (err error) {
		file, err = tx.ImportedFileBySum(ctx, source, sha256)
		return err
	})
	if fault.KindOf(err) == fault.NotFound {
		return state.ImportedFile{}, false, nil
	}
	return file, err == nil, fault.Wrap("importer.imported", err)
}

// Record keeps a finished import. It is written without an fsync of its own: if
// a power loss takes it, the file is merely imported again.
func (l StateLedger) Record(ctx context.Context, file state.ImportedFile) error {
	return fault.Wrap("importer.record", l.Store.Update(ctx, state.Replayable, func(tx *state.Tx) error {
		return tx.PutImportedFile(ctx, file)
	}))
}

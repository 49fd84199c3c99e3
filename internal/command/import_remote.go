package command

import (
	"context"
	"encoding/json"
	"errors"

	"parley/client"
	"parley/internal/fault"
	"parley/internal/importer"
	"parley/internal/journal"
	"parley/internal/lifecycle"
	"parley/internal/state"
	"parley/internal/workspace"
)

// remoteImport reads files here and sends their rows to a server elsewhere.
type remoteImport struct {
	api     *client.Client
	source  *workspace.Source
	missing error // why there is no source; told for each file, as a local import does
	again   bool
}

// openRemote asks the server for the source's mapping, by which files are read.
func openRemote(ctx context.Context, api *client.Client, source string, again bool) (*remoteImport, error) {
	governing, err := api.Workspace(ctx)
	if err != nil {
		return nil, err
	}
	decoded, err := workspace.Decode(governing.Body)
	if err != nil {
		return nil, err
	}
	compiled, err := decoded.Compile(governing.Version)
	if err != nil {
		return nil, err
	}
	found, missing := compiled.FindSource(source)
	return &remoteImport{api: api, source: found, missing: missing, again: again}, nil
}

func (r *remoteImport) file(ctx context.Context, path string, progress func(importer.Progress)) (imported, error) {
	if r.missing != nil {
		return imported{}, r.missing
	}
	sink := &rowSink{api: r.api, source: r.source.Name}
	report, err := importer.File(ctx, importer.Options{Source: r.source, Path: path, Sink: sink, Clock: lifecycle.System{},
		Ledger: remoteLedger{r.api}, Again: r.again, Progress: progress})
	return answerOf(path, report), err
}

// rowSink sends the rows of entries over the API, with those that could not be read.
type rowSink struct {
	api    *client.Client
	source string
}

// maxRequest bounds the rows of one request, in bytes; the API takes 32 MiB.
const maxRequest = 8 << 20

// Append implements importer.Sink.
func (k *rowSink) Append(ctx context.Context, entries ...journal.Entry) error {
	var lines []json.RawMessage
	size := 0
	for i := range entries {
		if n := len(entries[i].Payload); size+n > maxRequest {
			if err := k.send(ctx, lines); err != nil {
				return err
			}
			lines, size = nil, 0
		}
		lines, size = append(lines, entries[i].Payload), size+len(entries[i].Payload)
	}
	return k.send(ctx, lines)
}

func (k *rowSink) send(ctx context.Context, lines []json.RawMessage) error {
	_, err := k.api.SendLines(ctx, k.source, lines)
	return classified(err)
}

// remoteLedger is the server's memory of imported files.
type remoteLedger struct{ api *client.Client }

// Imported implements importer.Ledger.
func (l remoteLedger) Imported(ctx context.Context, source, sha256 string) (state.ImportedFile, bool, error) {
	f, err := l.api.Import(ctx, source, sha256)
	var answer *client.Error
	switch {
	case errors.As(err, &answer) && answer.Kind == fault.NotFound.String():
		return state.ImportedFile{}, false, nil
	case err != nil:
		return state.ImportedFile{}, false, classified(err)
	}
	return state.ImportedFile{Source: f.Source, SHA256: f.SHA256, Name: f.Name, At: f.At, Read: f.Read, Sent: f.Sent, Malformed: f.Malformed}, true, nil
}

// Record implements importer.Ledger.
func (l remoteLedger) Record(ctx context.Context, f state.ImportedFile) error {
	_, err := l.api.PutImport(ctx, f.Source, f.SHA256, client.ImportReport{Name: f.Name, Read: f.Read, Sent: f.Sent, Malformed: f.Malformed})
	return classified(err)
}

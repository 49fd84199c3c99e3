package importer

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/lifecycle"
	"parley/internal/workspace"
)

// WatchedSource is a source with the folder whose files are its own. Two
// sources must not share a folder.
type WatchedSource struct {
	Source *workspace.Source
	Folder string
}

// WatcherOptions say what to watch. Ledger and Interval may be left out.
type WatcherOptions struct {
	// Sources is asked at each poll: a new workspace version may change them.
	Sources  func() []WatchedSource
	Sink     Sink
	Ledger   Ledger
	Clock    lifecycle.Clock
	Logger   *slog.Logger
	Interval time.Duration // between polls; 0: one second
}

// Watcher imports the files that appear in folders.
//
// A file is taken when two polls have found it with the same size and time of
// change, so a file that is being copied in is left to grow; who wants to be
// certain writes under a name that ends in .tmp or .part, or begins with a dot,
// and renames it. The files of a folder are imported in the order of their
// names, each after the one before has settled, because a later file's rows are
// updates of an earlier one's.
//
// An imported file goes to the folder done inside of the watched one. A file
// with which something is wrong as a whole goes to failed, beside a text that
// says what to do. While the journal cannot store, the file stays and is tried
// again. A crash leaves the file where it was: it is imported again, and the
// rows that had got through count as duplicates.
//
// It polls because notifications do not cross network shares and containers'
// mounts, where such folders usually lie.
type Watcher struct {
	o    WatcherOptions
	seen map[string]sighting // by path
}

// sighting is what the last poll knew about a file.
type sighting struct {
	size    int64
	changed time.Time
	// After failures that may pass by themselves:
	failures  int
	notBefore time.Time
}

// The waits after a failure that may pass.
const (
	firstRetry = 2 * time.Second
	lastRetry  = time.Minute
)

// NewWatcher returns a watcher that does nothing until Run.
func NewWatcher(o WatcherOptions) *Watcher {
	o.Interval = cmp.Or(o.Interval, time.Second)
	return &Watcher{o: o, seen: map[string]sighting{}}
}

// Run polls until ctx ends and returns its error. A failure with one source
// never ends it. Sources take turns: one file is imported at a time, and while the
// journal is busy all wait.
func (w *Watcher) Run(ctx context.Context) error {
	for {
		w.poll(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.o.Clock.After(w.o.Interval):
		}
	}
}

// poll looks at every folder once.
func (w *Watcher) poll(ctx context.Context) {
	there := map[string]bool{}
	for _, s := range w.o.Sources() {
		if ctx.Err() != nil {
			return
		}
		w.folder(ctx, s, there)
	}
	for path := range w.seen {
		if !there[path] {
			delete(w.seen, path)
		}
	}
}

// folder imports what has settled, and ends at the first file that has not.
func (w *Watcher) folder(ctx context.Context, s WatchedSource, there map[string]bool) {
	files, err := waiting(s.Folder)
	if err != nil {
		w.trouble(ctx, s, s.Folder, err, there)
		return
	}
	delete(w.seen, s.Folder)
	for _, f := range files {
		there[f.path] = true
	}
	for i, f := range files {
		if ctx.Err() != nil {
			return
		}
		before, known := w.seen[f.path]
		if !known || before.size != f.size || !before.changed.Equal(f.changed) {
			// The files behind are only looked at, so that they need not
			// settle one after another.
			for _, later := range files[i:] {
				w.look(later)
			}
			return
		}
		if w.o.Clock.Now().Before(before.notBefore) {
			return
		}
		if err := w.take(ctx, s, f); err != nil {
			w.trouble(ctx, s, f.path, err, there)
			return
		}
		delete(w.seen, f.path)
	}
}

// look notes a file's size and time, and forgets failures of other bytes.
func (w *Watcher) look(f found) {
	if before, known := w.seen[f.path]; known && before.size == f.size && before.changed.Equal(f.changed) {
		return
	}
	w.seen[f.path] = sighting{size: f.size, changed: f.changed}
}

// trouble waits ever longer before the same file is tried again or the same
// folder is spoken of again.
func (w *Watcher) trouble(ctx context.Context, s WatchedSource, path string, err error, there map[string]bool) {
	there[path] = true
	before := w.seen[path]
	if ctx.Err() != nil || w.o.Clock.Now().Before(before.notBefore) {
		return
	}
	wait := min(firstRetry<<min(before.failures, 10), lastRetry)
	before.failures++
	before.notBefore = w.o.Clock.Now().Add(wait)
	w.seen[path] = before
	w.o.Logger.Warn("a watched folder could not be imported", "source", s.Source.Name,
		"file", event.SafeName(filepath.Base(path)), "why", fault.Message(err), "again_in", wait.String())
}

// take imports a file and moves it away. An error is one that may pass.
func (w *Watcher) take(ctx context.Context, s WatchedSource, f found) error {
	r, err := File(ctx, Options{Source: s.Source, Path: f.path, Sink: w.o.Sink, Clock: w.o.Clock, Ledger: w.o.Ledger})
	name := event.SafeName(filepath.Base(f.path))
	switch {
	case err == nil:
		if err := moveTo(s.Folder, doneFolder, f.path, w.o.Clock.Now()); err != nil {
			return err
		}
		w.o.Logger.Info("a file was imported", "source", s.Source.Name, "file", name, "rows", r.Read,
			"malformed", r.Malformed, "skipped", r.Skipped)
		return nil
	case passing(err):
		return err
	}
	if err := reject(s.Folder, f.path, w.o.Clock.Now(), sentence(err, r)); err != nil {
		return err
	}
	w.o.Logger.Warn("a file was refused", "source", s.Source.Name, "file", name, "rows", r.Sent, "why", fault.Message(err))
	return nil
}

// passing says whether a failure may be gone at the next try with the same file.
func passing(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Busy, fault.Conflict, fault.NotFound:
		return true
	}
	return false
}

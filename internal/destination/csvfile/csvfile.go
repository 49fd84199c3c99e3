// Package csvfile hands batches over as files: one CSV file of changes per
// batch, and beside it a manifest that says the file is complete. Readers wait
// for the manifest; both appear whole or not at all.
package csvfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/destination"
	"parley/internal/fault"
)

const op = "csvfile.deliver"

// Manifest describes one file.
type Manifest struct {
	File       string           `json:"file"`
	Batch      string           `json:"batch"`
	Activation string           `json:"activation"`
	Audience   string           `json:"audience"`
	Mode       destination.Mode `json:"mode"`
	At         time.Time        `json:"at"`
	SHA256     string           `json:"sha256"` // of the file, lower-case hex
	Bytes      int              `json:"bytes"`
	Rows       int              `json:"rows"` // without the header
	Columns    []string         `json:"columns"`
}

// Connector writes into one folder.
type Connector struct {
	dataDir string
	folder  string
}

// Open is the destination.Opener of type csv. The folder is created with the
// first batch.
func Open(s destination.Spec, env destination.Env) (destination.Connector, error) {
	if s.CSV == nil || !filepath.IsLocal(s.CSV.Folder) || env.DataDir == "" {
		return nil, fault.New(fault.Invalid, "csvfile.open", "Destination %s needs csv.folder, a path inside the data directory.", s.Name)
	}
	return &Connector{dataDir: env.DataDir, folder: s.CSV.Folder}, nil
}

// Close does nothing: no file stays open between batches.
func (c *Connector) Close() error { return nil }

// Deliver writes ACTIVATION__BATCH.csv and then its manifest. Delivering the
// same batch again changes nothing; the same id with other content is a
// Conflict, and the file already there stays.
func (c *Connector) Deliver(ctx context.Context, b destination.Batch) ([]destination.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.WrapAs(fault.Unavailable, op, err, "The hand-over was interrupted.")
	}
	if !destination.ValidName(b.Activation) || !destination.ValidName(b.ID) {
		return nil, fault.New(fault.Invalid, op, "The activation or batch id cannot be part of a file name; use letters, digits, - and _.")
	}
	content, columns := render(b)
	name := b.Activation + "__" + b.ID + ".csv"
	sum := sha256.Sum256(content)
	manifest, err := json.MarshalIndent(Manifest{
		File: name, Batch: b.ID, Activation: b.Activation, Audience: b.Audience, Mode: b.Mode, At: b.At.UTC(),
		SHA256: hex.EncodeToString(sum[:]), Bytes: len(content), Rows: len(b.Members), Columns: columns,
	}, "", "  ")
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	dir, err := c.openFolder()
	if err != nil {
		return nil, failed(err)
	}
	defer dir.Close()
	if err := put(dir, name, content); err != nil {
		return nil, err
	}
	if err := put(dir, strings.TrimSuffix(name, ".csv")+".manifest.json", append(manifest, '\n')); err != nil {
		return nil, err
	}
	return make([]destination.Result, len(b.Members)), nil
}

// openFolder goes through os.Root, so that no symbolic link leads out of the
// data directory. Folders it creates are made durable from the top.
func (c *Connector) openFolder() (*os.Root, error) {
	root, err := os.OpenRoot(c.dataDir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if _, err := root.Stat(c.folder); errors.Is(err, fs.ErrNotExist) {
		if err := root.MkdirAll(c.folder, 0o750); err != nil {
			return nil, err
		}
		for dir := filepath.Dir(filepath.Clean(c.folder)); ; dir = filepath.Dir(dir) {
			if err := syncDir(root, dir); err != nil {
				return nil, err
			}
			if dir == "." {
				break
			}
		}
	}
	return root.OpenRoot(c.folder)
}

// render returns the file and its columns: the fixed ones, then the field
// names in order. A field named like a fixed column gets "fields." in front.
func render(b destination.Batch) ([]byte, []string) {
	columns := []string{"person", "version", "action", "mode"}
	fixed := len(columns)
	names := map[string]bool{}
	for _, m := range b.Members {
		for f := range m.Fields {
			names[f] = true
		}
	}
	fields := slices.Sorted(maps.Keys(names))
	for _, f := range fields {
		if slices.Contains(columns[:fixed], f) {
			f = "fields." + f
		}
		columns = append(columns, f)
	}
	var out strings.Builder
	appendRow(&out, columns)
	for _, m := range b.Members {
		row := []string{m.Person, strconv.FormatInt(m.Version, 10), string(m.Action), string(b.Mode)}
		for _, f := range fields {
			row = append(row, m.Fields[f])
		}
		appendRow(&out, row)
	}
	return []byte(out.String()), columns
}

// put makes name hold exactly content, durably and in one step. The temporary
// name is fixed, so that a crash leaves nothing behind but what the next
// attempt overwrites.
func put(dir *os.Root, name string, content []byte) error {
	switch old, err := dir.ReadFile(name); {
	case err == nil && bytes.Equal(old, content):
		// The rename was seen; the crash may have come before it was durable.
		return failed(syncDir(dir, "."))
	case err == nil:
		return fault.New(fault.Conflict, op, "The file %s exists with other content; move it away so that the batch can be written.", name)
	case !errors.Is(err, fs.ErrNotExist):
		return failed(err)
	}
	temp := "." + name + ".tmp"
	if err := writeSynced(dir, temp, content); err != nil {
		return failed(err)
	}
	if err := dir.Rename(temp, name); err != nil {
		return failed(err)
	}
	return failed(syncDir(dir, "."))
}

func writeSynced(dir *os.Root, name string, content []byte) error {
	f, err := dir.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir *os.Root, name string) error {
	d, err := dir.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return fault.WrapAs(fault.Unavailable, op, err, "The file could not be written; check the folder's rights and free space.")
}

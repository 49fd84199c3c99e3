package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"parley/internal/fault"
)

// The folders inside of a watched one.
const (
	doneFolder   = "done"
	failedFolder = "failed"
)

const opWatch = "importer.watch"

// found is a file that waits to be imported.
type found struct {
	path    string
	size    int64
	changed time.Time
}

// waiting lists a folder's files in the order of their names, and makes the
// folder if it is missing, so that there is a place to put files. Links and
// devices are left alone: they could point out of the folder.
func waiting(folder string) ([]found, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, unusable(err)
	}
	entries, err := os.ReadDir(folder) // sorted by name
	if err != nil {
		return nil, unusable(err)
	}
	var out []found
	for _, e := range entries {
		if !e.Type().IsRegular() || unfinished(e.Name()) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // taken away since
		}
		if err != nil {
			return nil, unusable(err)
		}
		out = append(out, found{path: filepath.Join(folder, e.Name()), size: info.Size(), changed: info.ModTime()})
	}
	return out, nil
}

func unusable(err error) error {
	return fault.WrapAs(fault.Unavailable, opWatch, err, "The folder cannot be used; check that Parley may read and write it.")
}

// unfinished says whether a name is one that programs give to files they are
// still writing.
func unfinished(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasPrefix(name, ".") || strings.HasSuffix(lower, ".tmp") || strings.HasSuffix(lower, ".part")
}

// moveTo moves a file into a folder inside of the watched one.
func moveTo(watched, folder, path string, now time.Time) error {
	to, err := place(watched, folder, filepath.Base(path), now)
	if err != nil {
		return err
	}
	return moved(os.Rename(path, to))
}

func moved(err error) error {
	if err == nil {
		return nil
	}
	return fault.WrapAs(fault.Unavailable, opWatch, err, "The file cannot be moved away; check that Parley may write in its folder.")
}

// place returns a free name: the file's own or, if one of that name came
// before, with the time in front.
func place(watched, folder, name string, now time.Time) (string, error) {
	dir := filepath.Join(watched, folder)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", unusable(err)
	}
	stamp := now.UTC().Format("20060102T150405.000000Z-")
	for i := 0; ; i++ {
		to := filepath.Join(dir, name)
		switch i {
		case 0:
		case 1:
			to = filepath.Join(dir, stamp+name)
		default:
			to = filepath.Join(dir, fmt.Sprintf("%s%d-%s", stamp, i, name))
		}
		_, err := os.Lstat(to)
		if errors.Is(err, fs.ErrNotExist) {
			return to, nil
		}
		if err != nil {
			return "", unusable(err)
		}
	}
}

// reject moves a file into the folder of failed ones, beside a text of what to
// do. The text comes first: a file without it would not explain itself.
func reject(watched, path string, now time.Time, text string) error {
	to, err := place(watched, failedFolder, filepath.Base(path), now)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to+".error.txt", []byte(text+"\n"), 0o640); err != nil {
		return unusable(err)
	}
	return moved(os.Rename(path, to))
}

// sentence tells what to do with a failed file.
func sentence(err error, r Report) string {
	text := fault.Message(err)
	if r.Sent > 0 {
		text += fmt.Sprintf(" %d rows before that were accepted; they do not count twice when they come again.", r.Sent)
	}
	return text + " Then put the file into the watched folder again."
}

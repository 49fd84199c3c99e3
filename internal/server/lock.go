package server

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"parley/internal/fault"
)

// lock takes the data folder for this process until the file is closed or the
// process ends, however it ends.
func lock(data string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(data, fileLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.WrapAs(fault.Unavailable, "server.lock", err, "The data folder cannot be written; check its rights and its disk.")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(f.Close(), fault.WrapAs(fault.Conflict, "server.lock", err,
			"Another parley is using this data folder; stop it, or choose another folder with --data."))
	}
	return f, nil
}

// Locked says whether a process is using the data folder.
func Locked(data string) bool {
	f, err := lock(data)
	if err != nil {
		return fault.KindOf(err) == fault.Conflict
	}
	_ = f.Close() // taken only to look
	return false
}

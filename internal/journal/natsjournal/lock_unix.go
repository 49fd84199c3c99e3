//go:build unix

package natsjournal

import (
	"os"
	"syscall"
)

// lockFile takes a lock that ends with the process at the latest. Two servers
// on one directory would overwrite each other's blocks.
func lockFile(path string) (func() error, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f.Close, nil
}

//go:build !unix

package natsjournal

import "os"

// lockFile only makes the file: these systems have no lock that a crash releases.
func lockFile(path string) (func() error, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return f.Close, nil
}

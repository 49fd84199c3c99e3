// Package tokenfile keeps the API's tokens in files of the data directory,
// readable by their owner alone. It makes them on the first start.
package tokenfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"parley/internal/auth"
	"parley/internal/fault"
)

// The files below the data directory.
const (
	AdminFile = "token"
	AskFile   = "ask-token"
)

// Tokens reads or makes both token files of a data directory. A token given in
// admin (of the environment's PARLEY_TOKEN) takes the place of the admin file's.
func Tokens(dir, admin string) (*auth.Tokens, error) {
	var err error
	if admin == "" {
		if admin, err = LoadOrCreate(filepath.Join(dir, AdminFile)); err != nil {
			return nil, err
		}
	}
	ask, err := LoadOrCreate(filepath.Join(dir, AskFile))
	if err != nil {
		return nil, err
	}
	return auth.NewTokens(admin, ask)
}

// LoadOrCreate returns the token in a file. Where there is no file it makes one
// with 256 random bits and mode 0600; of several processes that start at once
// all get the same token. An empty file is Invalid, one that cannot be read or
// written Unavailable.
func LoadOrCreate(path string) (string, error) {
	token, err := load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fault.WrapAs(fault.Unavailable, "tokenfile.create", err, "The token file cannot be written; check the data directory.")
	}
	return load(path)
}

func load(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err != nil {
		return "", fault.WrapAs(fault.Unavailable, "tokenfile.load", err, "The token file cannot be read; check its owner and mode.")
	}
	token := strings.TrimSpace(string(raw))
	if token == "" {
		return "", fault.New(fault.Invalid, "tokenfile.load", "A token file is empty; delete it and a new token is made.")
	}
	return token, nil
}

// create writes aside and links, so that no process ever reads half a token.
func create(path string) error {
	bits := make([]byte, 32)
	if _, err := rand.Read(bits); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".token-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // the link keeps the content
	_, err = f.WriteString(hex.EncodeToString(bits) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

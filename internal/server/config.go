// Package server puts Parley together: it is the only package that knows drivers
// and connectors. It opens the three stores, starts the parts in order, serves
// HTTP, and stops everything in the opposite order.
package server

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"parley/internal/auth/tokenfile"
	"parley/internal/fault"
	"parley/internal/lifecycle"
)

// Config says where an installation lives. The zero value of every field but
// Data has a meaning.
type Config struct {
	// Data is the folder for everything this process keeps. It is created.
	Data string
	// Listen is the address of the HTTP server; empty: 127.0.0.1:8377. Port 0 chooses one.
	Listen string
	// Journal is nats://… for an outside NATS server; empty: embedded.
	Journal string
	// State is postgres://… for PostgreSQL; empty: SQLite.
	State string
	// Roles are the parts this process plays: collect, work, api; empty: all.
	// Several processes may share an outside journal and state; one of those
	// that work is active at a time, the others stand by.
	Roles []string
	// Clock defaults to the machine's.
	Clock lifecycle.Clock
	// Logger defaults to none.
	Logger *slog.Logger
	// Getenv defaults to os.Getenv; destinations take their secrets from it.
	Getenv func(string) string
}

// DefaultListen is where a server listens unless told otherwise.
const DefaultListen = "127.0.0.1:8377"

// The roles.
const (
	RoleCollect = "collect" // takes events in
	RoleWork    = "work"    // pipeline, hand-over, watched folders
	RoleAPI     = "api"     // answers people and programs
)

func (c Config) has(role string) bool { return len(c.Roles) == 0 || slices.Contains(c.Roles, role) }

func (c Config) withDefaults() (Config, error) {
	if c.Data == "" {
		return c, fault.New(fault.Invalid, "server.config", "Name the data folder with --data.")
	}
	abs, err := filepath.Abs(c.Data)
	if err != nil {
		return c, fault.Wrap("server.config", err)
	}
	c.Data = abs
	for _, r := range c.Roles {
		if r != RoleCollect && r != RoleWork && r != RoleAPI {
			return c, fault.New(fault.Invalid, "server.config", "There is no role %q; use collect, work and api.", r)
		}
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Clock == nil {
		c.Clock = lifecycle.System{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	return c, nil
}

// The files of a data folder.
const (
	fileLock    = "lock"
	fileHolder  = "holder"
	fileAddress = "address"
	fileState   = "state.db"
	fileLake    = "lake.duckdb"
	dirJournal  = "journal"
)

// TokenFile and AddressFile let a command on the same machine find a running
// server and speak to it.
func TokenFile(data string) string { return filepath.Join(data, tokenfile.AdminFile) }

// AddressFile names the file that holds the URL of a running server.
func AddressFile(data string) string { return filepath.Join(data, fileAddress) }

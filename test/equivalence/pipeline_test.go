// Package equivalence_test holds drivers against each other: whatever stores the
// state, the same journal gives the same people, audiences and disclosures (I4).
package equivalence_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	"pgregory.net/rapid"

	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lake"
	"parley/internal/lake/laketest"
	"parley/internal/pipeline/pipelinetest"
	"parley/internal/state"
	"parley/internal/state/pgstate"
	"parley/internal/state/sqlitestate"
)

// server returns the address of the PostgreSQL server that tests may use.
func server(t *testing.T) string {
	t.Helper()
	address := os.Getenv("PARLEY_TEST_POSTGRES")
	if address == "" {
		const how = "there is no PostgreSQL: run the test under scripts/with-postgres.sh"
		if os.Getenv("PARLEY_TEST_REQUIRE") == "1" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	return address
}

// database returns the address of a new, empty database of the server.
func database(t rapid.TB, admin *sql.DB, address string, n int) (string, func()) {
	t.Helper()
	name := fmt.Sprintf("equivalence_%d_%d", os.Getpid(), n)
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("PARLEY_TEST_POSTGRES is not an address")
	}
	u.Path = "/" + name
	return u.String(), func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	}
}

// run processes a history on a store and dumps what state then holds.
func run(t rapid.TB, h pipelinetest.History, store *state.Store, err error, blocks int, driver, address string) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	defer shut(t, store.Close)
	j, err := h.Journal(ctx, pipelinetest.Chunked{Driver: journaltest.NewMemory(), Blocks: blocks})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, j.Close)
	if err := pipelinetest.Process(ctx, j, store, lake.New(laketest.NewMemory()), journal.Position(len(h))); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, db.Close)
	out, err := pipelinetest.Dump(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func shut(t rapid.TB, fn func() error) {
	t.Helper()
	if err := fn(); err != nil {
		t.Error(err)
	}
}

func TestI4SameJournalSameStateOnEveryDriver(t *testing.T) {
	address := server(t)
	admin, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, admin.Close)
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		if n++; n > 15 {
			return // each needs a database of its own; the laws of the pipeline run many more
		}
		ctx := context.Background()
		h := pipelinetest.Draw(t, pipelinetest.Options{Blocks: 30})
		path := filepath.Join(dir, fmt.Sprintf("%d.db", n))
		sqlite, err := sqlitestate.Open(ctx, path)
		want := run(t, h, sqlite, err, 64, "sqlite3", path)
		at, drop := database(t, admin, address, n)
		defer drop()
		postgres, err := pgstate.Open(ctx, at)
		got := run(t, h, postgres, err, 7, "pgx", at)
		if d := pipelinetest.Difference(want, got); d != "" {
			t.Fatalf("PostgreSQL differs from SQLite: %s", d)
		}
	})
}

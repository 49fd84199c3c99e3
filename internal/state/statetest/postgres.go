package statetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named pgx
)

var databases atomic.Int64

// Postgres returns the postgres:// address of a new, empty database that is
// dropped when the test ends. Its server is that of PARLEY_TEST_POSTGRES, which
// scripts/with-postgres.sh sets; without one the test is skipped, or fails if
// PARLEY_TEST_REQUIRE is 1.
//
// Where the server can, the database sorts text as English speakers do: what
// leaves an order to the database then fails the tests instead of an installation.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv("PARLEY_TEST_POSTGRES")
	if server == "" {
		const how = "no PostgreSQL: run with scripts/with-postgres.sh, which sets PARLEY_TEST_POSTGRES"
		if os.Getenv("PARLEY_TEST_REQUIRE") == "1" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("PARLEY_TEST_POSTGRES is no address") // the error would show its password
	}
	name := fmt.Sprintf("parley_%d_%d", os.Getpid(), databases.Add(1))
	admin(t, server, func(ctx context.Context, db *sql.DB) error {
		english := "CREATE DATABASE " + name + " TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"
		if _, err := db.ExecContext(ctx, english); err == nil {
			return nil
		}
		_, err := db.ExecContext(ctx, "CREATE DATABASE "+name)
		return err
	})
	t.Cleanup(func() {
		admin(t, server, func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
			return err
		})
	})
	u.Path = "/" + name
	return u.String()
}

// TerminateBackends ends every other session of the database at address, as an
// administrator or a failing server does.
func TerminateBackends(t testing.TB, address string) {
	t.Helper()
	admin(t, address, func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		return err
	})
}

func admin(t testing.TB, address string, do func(context.Context, *sql.DB) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal("the PostgreSQL address cannot be read")
	}
	defer func() { _ = db.Close() }() // nothing is left to lose
	if err := do(ctx, db); err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
}

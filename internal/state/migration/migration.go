// Package migration holds the numbered steps that build the state schema. They
// use TEXT and BIGINT only, so that the same files serve SQLite and PostgreSQL
// (ADR 0003). Times are microseconds since 1970 in UTC; flags are 0 or 1;
// documents are JSON.
package migration

import "embed"

// Files are the steps, applied in order, each in one transaction.
//
//go:embed *.sql
var Files embed.FS

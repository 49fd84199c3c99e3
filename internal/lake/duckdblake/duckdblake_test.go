package duckdblake

import (
	"context"
	"path/filepath"
	"testing"

	"parley/internal/lake"
	"parley/internal/lake/laketest"
)

func openIn(dir string) (*lake.Lake, error) {
	return Open(context.Background(), filepath.Join(dir, "lake.duckdb"), Options{})
}

func TestConforms(t *testing.T) { laketest.Run(t, openIn) }

func TestI4AnswersLikeTheReference(t *testing.T) { laketest.Equivalent(t, openIn) }

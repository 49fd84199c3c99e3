package sqlitestate

import (
	"context"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"parley/internal/state"
	"parley/internal/state/statetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	statetest.Run(t, func(t testing.TB) *state.Store {
		return openAt(t, filepath.Join(t.TempDir(), "odd name ü%20?#&'.db"))
	})
}

func TestReopen(t *testing.T) {
	statetest.RunReopen(t, func(t testing.TB) statetest.OpenFunc {
		path := filepath.Join(t.TempDir(), "state.db")
		return func(ctx context.Context) (*state.Store, error) { return Open(ctx, path) }
	})
}

func openAt(t testing.TB, path string) *state.Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

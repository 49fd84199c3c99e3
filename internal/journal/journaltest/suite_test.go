package journaltest_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"parley/internal/journal"
	"parley/internal/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryKeepsTheContract(t *testing.T) {
	journaltest.Run(t, func(*testing.T) journaltest.OpenFunc {
		store := journaltest.NewStore()
		return func(context.Context) (journal.Driver, error) { return store.Open(), nil }
	})
}

// The wrapper must be invisible until it is told to break.
func TestUnbrokenFaultyKeepsTheContract(t *testing.T) {
	journaltest.Run(t, func(*testing.T) journaltest.OpenFunc {
		store := journaltest.NewStore()
		return func(context.Context) (journal.Driver, error) { return journaltest.Break(store.Open()), nil }
	})
}

func TestFaultyBreaksAsTold(t *testing.T) {
	wanted := errors.New("as told")
	tests := []struct {
		name    string
		breakIt func(*journaltest.Faulty)
		append  error
		read    error
		stored  journal.Position
	}{
		{"nothing", func(*journaltest.Faulty) {}, nil, nil, 1},
		{"appends", func(f *journaltest.Faulty) { f.FailAppends(wanted) }, wanted, nil, 0},
		{"acknowledgements", func(f *journaltest.Faulty) { f.FailAfterStoring(wanted) }, wanted, nil, 1},
		{"reads", func(f *journaltest.Faulty) { f.FailReads(wanted) }, nil, wanted, 1},
		{"all", func(f *journaltest.Faulty) { f.CutAfter(0) }, journaltest.ErrDown, journaltest.ErrDown, 0},
		{"all after one", func(f *journaltest.Faulty) { f.CutAfter(1) }, nil, journaltest.ErrDown, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := journaltest.Break(journaltest.NewMemory())
			tt.breakIt(f)
			if _, err := f.Append(t.Context(), []byte("x")); !errors.Is(err, tt.append) {
				t.Errorf("append: %v, want %v", err, tt.append)
			}
			if _, err := f.Last(t.Context()); !errors.Is(err, tt.read) {
				t.Errorf("last: %v, want %v", err, tt.read)
			}
			f.Heal()
			if last, err := f.Last(t.Context()); last != tt.stored || err != nil {
				t.Errorf("%d stored, %v; want %d", last, err, tt.stored)
			}
		})
	}
}

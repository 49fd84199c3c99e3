package pgstate

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"parley/internal/fault"
	"parley/internal/state"
	"parley/internal/state/statetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	statetest.Run(t, func(t testing.TB) *state.Store { return openAt(t, statetest.Postgres(t)) })
}

func TestReopen(t *testing.T) {
	statetest.RunReopen(t, func(t testing.TB) statetest.OpenFunc {
		address := statetest.Postgres(t)
		return func(ctx context.Context) (*state.Store, error) { return Open(ctx, address) }
	})
}

func openAt(t testing.TB, address string) *state.Store {
	t.Helper()
	s, err := Open(t.Context(), address)
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

// TestI3LostServer ends the store's sessions at the worst moments: the call
// fails as Unavailable and leaves nothing, and the next one works.
func TestI3LostServer(t *testing.T) {
	address := statetest.Postgres(t)
	s := openAt(t, address)
	ctx := t.Context()
	write := func(key string, lose bool) error {
		return s.Update(ctx, state.Durable, func(tx *state.Tx) error {
			if err := tx.SetMeta(ctx, key, "first"); err != nil {
				return err
			}
			if lose {
				statetest.TerminateBackends(t, address)
			}
			return tx.SetMeta(ctx, key+" again", "second")
		})
	}
	if err := write("middle", true); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("in the middle of an update: %v", err)
	}
	if err := write("next", false); err != nil {
		t.Errorf("the next update: %v", err)
	}
	err := s.Update(ctx, state.Durable, func(tx *state.Tx) error {
		if err := tx.SetMeta(ctx, "commit", "x"); err != nil {
			return err
		}
		statetest.TerminateBackends(t, address)
		return nil
	})
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("before the commit: %v", err)
	}
	err = s.View(ctx, func(tx *state.Tx) error {
		statetest.TerminateBackends(t, address)
		_, _, err := tx.Meta(ctx, "next")
		return err
	})
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("in the middle of a view: %v", err)
	}
	got, err := statetest.Dump(ctx, s)
	if err != nil {
		t.Fatalf("the next view: %v", err)
	}
	if want := "meta key=\"next again\" value=\"second\"\nmeta key=\"next\" value=\"first\"\n"; string(got) != want {
		t.Errorf("left:\n%swant:\n%s", got, want)
	}
	// Lost while idle: at most one call of each pool notices.
	statetest.TerminateBackends(t, address)
	if err := write("idle", false); err != nil && fault.KindOf(err) != fault.Unavailable {
		t.Errorf("lost while idle: %v", err)
	}
	if err := write("idle", false); err != nil {
		t.Errorf("after an idle loss: %v", err)
	}
}

// TestI12OpenErrorsHideThePassword covers what people read; the address is theirs to know.
func TestI12OpenErrorsHideThePassword(t *testing.T) {
	for _, address := range []string{
		"postgres://u:secretpw@127.0.0.1:1/x?sslmode=disable", "postgres://u:secretpw@127.0.0.1:port/x", "postgres://u:secretpw@%zz/", "secretpw",
	} {
		s, err := Open(t.Context(), address)
		if err == nil {
			_ = s.Close() // it should not have opened
			t.Errorf("%q opened", address)
			continue
		}
		if kind := fault.KindOf(err); kind != fault.Unavailable && kind != fault.Invalid {
			t.Errorf("kind %v: %v", kind, err)
		}
		if strings.Contains(err.Error()+fault.Message(err), "secretpw") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

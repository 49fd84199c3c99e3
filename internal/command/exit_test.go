package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"parley/client"
	"parley/internal/fault"
	"parley/internal/workspace"
)

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
	}{
		{"nothing", nil, exitOK},
		{"unclassified", errors.New("x"), exitInternal},
		{"internal", fault.New(fault.Internal, "t", "x"), exitInternal},
		{"usage", &usageError{"x"}, exitUsage},
		{"invalid", fault.New(fault.Invalid, "t", "x"), exitInvalid},
		{"too large", fault.New(fault.TooLarge, "t", "x"), exitInvalid},
		{"workspace with mistakes", &invalidWorkspace{issues: []workspace.Issue{{Message: "x"}}}, exitInvalid},
		{"failed check", errChecked, exitInvalid},
		{"not found", fault.New(fault.NotFound, "t", "x"), exitNotFound},
		{"conflict", fault.New(fault.Conflict, "t", "x"), exitConflict},
		{"denied", fault.New(fault.Denied, "t", "x"), exitDenied},
		{"busy", fault.New(fault.Busy, "t", "x"), exitUnavailable},
		{"unavailable", fault.New(fault.Unavailable, "t", "x"), exitUnavailable},
		{"cancelled", fmt.Errorf("x: %w", context.Canceled), exitInterrupted},
		{"cancelled and wrapped", fault.WrapAs(fault.Unavailable, "t", context.Canceled, "x"), exitInterrupted},
		{"answer of the API", fmt.Errorf("x: %w", &client.Error{Status: 409, Kind: "conflict", Message: "x"}), exitConflict},
		{"answer of a kind unknown", &client.Error{Status: 500, Kind: "new", Message: "x"}, exitInternal},
		{"no server", fmt.Errorf("x: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}), exitUnavailable},
		{"with a failure to stop", errors.Join(fault.New(fault.NotFound, "t", "x"), errors.New("y")), exitNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := exitCode(c.err); got != c.code {
				t.Errorf("got %d, want %d", got, c.code)
			}
		})
	}
}

// TestExitCodesAreDocumented holds docs/commands.md to the table.
func TestExitCodesAreDocumented(t *testing.T) {
	raw, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exits {
		if row := fmt.Sprintf("| %d | %s |", e.code, e.meaning); !strings.Contains(string(raw), row) {
			t.Errorf("docs/commands.md lacks the row %q", row)
		}
	}
}

// TestI12ReportHidesTheCause shows the chain only of what nobody classified.
func TestI12ReportHidesTheCause(t *testing.T) {
	var b bytes.Buffer
	report(&b, false, fault.WrapAs(fault.Unavailable, "t", errors.New("ada@example.org"), "The server is away."))
	if got := b.String(); got != "parley: The server is away.\n" {
		t.Errorf("got %q", got)
	}
}

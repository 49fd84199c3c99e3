package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"parley/internal/fault"
	"parley/internal/workspace"
)

// The exit codes; docs/commands.md lists them for people who write scripts.
const (
	exitOK          = 0
	exitInternal    = 1
	exitUsage       = 2
	exitInvalid     = 3
	exitNotFound    = 4
	exitConflict    = 5
	exitDenied      = 6
	exitUnavailable = 7
	exitInterrupted = 130 // as shells count a process that SIGINT ended
)

// exits says what each code means, in order.
var exits = []struct {
	code    int
	meaning string
}{
	{exitOK, "done"},
	{exitInternal, "something went wrong on our side"},
	{exitUsage, "the command line is wrong"},
	{exitInvalid, "the input is invalid, or a check failed"},
	{exitNotFound, "no such thing"},
	{exitConflict, "it clashes with what is there"},
	{exitDenied, "not allowed"},
	{exitUnavailable, "a dependency is down, full or busy; try again later"},
	{exitInterrupted, "stopped by a signal before it was done"},
}

func exitHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:")
	for _, e := range exits {
		fmt.Fprintf(&b, "\n%4d  %s", e.code, e.meaning)
	}
	return b.String()
}

// usageError is a mistake on the command line.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// usage words the parser's complaint as a sentence.
func usage(err error) error {
	return &usageError{strings.TrimSuffix(err.Error(), ".") + "; parley --help lists the commands."}
}

// invalidWorkspace is a workspace folder with mistakes in it.
type invalidWorkspace struct {
	dir    string
	issues []workspace.Issue
}

func (e *invalidWorkspace) Error() string {
	return "The workspace has " + plural(int64(len(e.issues)), "mistake", "mistakes") + "."
}

// exitCode is what a failure means to the shell.
func exitCode(err error) int {
	err = classified(err)
	var wrong *usageError
	var issues *invalidWorkspace
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		return exitUsage
	case errors.As(err, &issues), errors.Is(err, errChecked):
		return exitInvalid
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge:
		return exitInvalid
	case fault.NotFound:
		return exitNotFound
	case fault.Conflict:
		return exitConflict
	case fault.Denied:
		return exitDenied
	case fault.Busy, fault.Unavailable:
		return exitUnavailable
	}
	return exitInternal
}

// message is the sentence for people.
func message(err error) string {
	err = classified(err)
	var wrong *usageError
	if errors.As(err, &wrong) {
		return wrong.message
	}
	if errors.Is(err, context.Canceled) { // where it was stopped is nobody's fault
		return "Stopped before it was done; the same command can be given again."
	}
	return fault.Message(err)
}

// report tells a failure on standard error and returns its exit code.
func report(stderr io.Writer, asJSON bool, err error) int {
	code := exitCode(err)
	var invalid *invalidWorkspace
	switch {
	case errors.As(err, &invalid):
		if !asJSON { // in JSON the issues are the answer
			for _, i := range invalid.issues {
				i.File = filepath.Join(invalid.dir, i.File)
				fmt.Fprintf(stderr, "parley: %s\n", i)
			}
		}
	case errors.Is(err, errChecked):
	case asJSON:
		line, marshalErr := json.Marshal(map[string]any{"error": map[string]any{"kind": kindOf(err), "message": message(err)}})
		if marshalErr != nil {
			return exitInternal
		}
		fmt.Fprintf(stderr, "%s\n", line)
	default:
		fmt.Fprintf(stderr, "parley: %s\n", message(err))
		if cause := err.Error(); code == exitInternal {
			fmt.Fprintf(stderr, "cause: %s\n", cause)
		}
	}
	return code
}

func kindOf(err error) string {
	switch exitCode(err) {
	case exitUsage:
		return "usage"
	case exitInterrupted:
		return "interrupted"
	}
	return fault.KindOf(classified(err)).String()
}

// Package fault gives every error two readers: people get Message, a safe
// sentence with the way out; operators get the whole chain with the operation
// that failed and the cause. Messages never contain personal values or secrets (I12).
package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure it is; the API and the CLI map it to a status
// and to an exit code.
type Kind uint8

// The kinds. Internal is the zero value, so an error nobody classified is ours.
const (
	Internal    Kind = iota
	Invalid          // the input is wrong; the sender can mend it
	NotFound         // no such thing
	Conflict         // it clashes with what is there
	Denied           // not allowed, or not signed in
	TooLarge         // over a size limit
	Busy             // slow down and try again
	Unavailable      // a dependency is down or full; try again later
)

var kindNames = [...]string{"internal", "invalid", "not_found", "conflict", "denied", "too_large", "busy", "unavailable"}

// String returns the kind's name in snake case, as the API shows it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

// Error is a failure with its kind, the operation that failed, a safe sentence
// and the cause.
type Error struct {
	Kind    Kind
	Op      string // package.operation, e.g. "journal.append"
	Message string // for people: what is wrong and the way out
	Err     error  // for operators; may be nil
}

// Error returns the operator's view.
func (e *Error) Error() string {
	switch {
	case e.Err == nil && e.Message == "":
		return e.Op + ": " + e.Kind.String()
	case e.Err == nil:
		return e.Op + ": " + e.Message
	case e.Message == "":
		return e.Op + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s: %s: %v", e.Op, e.Message, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of a kind with a sentence for people.
func New(kind Kind, op, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Message: fmt.Sprintf(format, args...)}
}

// Wrap adds the operation to a cause and keeps the cause's kind and sentence.
// It returns nil for a nil cause.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindOf(err), Op: op, Err: err}
}

// WrapAs is Wrap with a kind and a sentence of its own.
func WrapAs(kind Kind, op string, err error, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Message: fmt.Sprintf(format, args...), Err: err}
}

// KindOf returns the kind of the outermost Error in the chain, Internal if there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Message returns the outermost safe sentence in the chain, or a general one.
func Message(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			break
		}
		if e.Message != "" {
			return e.Message
		}
		err = e.Err
	}
	return "Something went wrong on our side; the log has the cause."
}

package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/fault"
)

// statuses maps a kind to its HTTP status.
var statuses = map[fault.Kind]int{
	fault.Internal:    http.StatusInternalServerError,
	fault.Invalid:     http.StatusBadRequest,
	fault.NotFound:    http.StatusNotFound,
	fault.Conflict:    http.StatusConflict,
	fault.Denied:      http.StatusForbidden,
	fault.TooLarge:    http.StatusRequestEntityTooLarge,
	fault.Busy:        http.StatusTooManyRequests,
	fault.Unavailable: http.StatusServiceUnavailable,
}

// retryAfter is what a sender waits before it tries again, in seconds: about
// the time a full queue or a lost disk needs to be noticed.
const retryAfter = "2"

// Failure is the body of every answer that is not a success.
type Failure struct {
	status int
	Body   FailureBody `json:"error"`
}

// FailureBody says what went wrong.
type FailureBody struct {
	Kind    string `json:"kind" enum:"internal,invalid,not_found,conflict,denied,too_large,busy,unavailable" doc:"What sort of failure it is."`
	Message string `json:"message" doc:"What is wrong and the way out, without personal values."`
}

func newFailure(kind fault.Kind, message string) *Failure {
	return &Failure{status: statuses[kind], Body: FailureBody{Kind: kind.String(), Message: message}}
}

// Error implements error.
func (f *Failure) Error() string { return f.Body.Message }

// GetStatus implements huma.StatusError.
func (f *Failure) GetStatus() int { return f.status }

// GetHeaders implements huma.HeadersError.
func (f *Failure) GetHeaders() http.Header {
	h := http.Header{}
	if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter)
	}
	return h
}

// failed logs the cause of an error and returns what the caller may see.
func (s *service) failed(operation string, err error) error {
	kind := fault.KindOf(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return newFailure(fault.Unavailable, "The request ended before its answer was ready; try again.")
	}
	switch kind {
	case fault.Internal, fault.Unavailable:
		s.Logger.Error("a request failed", "operation", operation, "kind", kind.String(), "error", err)
	default:
		s.Logger.Info("a request was refused", "operation", operation, "kind", kind.String(), "error", err)
	}
	return newFailure(kind, fault.Message(err))
}

func writeFailure(w http.ResponseWriter, f *Failure) {
	body, err := json.Marshal(f)
	if err != nil {
		body = []byte(`{}`) // two texts always marshal
	}
	w.Header().Set("Content-Type", "application/json")
	for name, values := range f.GetHeaders() {
		w.Header()[name] = values
	}
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // the reader went away; nobody is left to tell
}

// The framework is configured by two variables of its package: how it words its
// own refusals, which must not echo what was sent (I12), and that lists are
// never null.
func init() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return &Failure{status: status, Body: FailureBody{Kind: kindOf(status).String(), Message: sentence(status, message, errs)}}
	}
}

func kindOf(status int) fault.Kind {
	for kind, s := range statuses {
		if s == status {
			return kind
		}
	}
	switch {
	case status == http.StatusUnauthorized:
		return fault.Denied
	case status >= 500:
		return fault.Internal
	}
	return fault.Invalid
}

// sentence words a refusal of the framework.
func sentence(status int, message string, errs []error) string {
	switch {
	case status == http.StatusRequestEntityTooLarge:
		return "The body is too large; send less at once."
	case status >= 500:
		return fault.Message(nil)
	case len(errs) == 0:
		return message
	}
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			if text := detail(d.ErrorDetail()); text != "" {
				return "The request does not fit: " + text + "."
			}
		}
	}
	return "The request cannot be read; compare it with /docs."
}

var (
	// place is a path that the API itself names; a longer one may hold a key of the sender's.
	place = regexp.MustCompile(`^(body|query|path|header)(\.[a-z_]+|\[[0-9]+\])*$`)
	// rule is how the framework begins what it says of the schema.
	rule = regexp.MustCompile(`^(expected|required|invalid (integer|boolean|number)|unexpected property)`)
)

func detail(d *huma.ErrorDetail) string {
	if !rule.MatchString(d.Message) {
		return ""
	}
	where := d.Location
	if strings.HasPrefix(d.Message, "unexpected property") {
		where = where[:max(strings.LastIndexByte(where, '.'), 0)]
	}
	if !place.MatchString(where) {
		return d.Message
	}
	return where + ": " + d.Message
}

package collect

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"parley/internal/fault"
)

var errNoSuchPath = fault.New(fault.NotFound, "collect.route",
	"Nothing is collected here; send to /v1/batch, /v1/track, /v1/identify, /v1/page, /v1/screen, /v1/group or /v1/alias.")

// Headers and bodies that are the same for every success.
var (
	jsonType    = []string{"application/json"}
	successBody = []byte(`{"success":true}`)
)

func (h *Handler) succeed(w http.ResponseWriter) {
	w.Header()["Content-Type"] = jsonType
	h.metrics.answered(http.StatusOK)
	// Who does not read the answer has still been served.
	_, _ = w.Write(successBody)
}

// status returns the code for an error and after how many seconds to try
// again, "" for never. The SDKs drop what is answered with another 4xx than
// 408 or 429 and repeat the rest, so all that is ours to mend must be a 5xx.
func status(err error) (code int, retryAfter string) {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, "1"
	case errors.Is(err, errTooSlow):
		return http.StatusRequestTimeout, ""
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return http.StatusBadRequest, ""
	case fault.Denied:
		return http.StatusUnauthorized, ""
	case fault.NotFound:
		return http.StatusNotFound, ""
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge, ""
	case fault.Busy:
		return http.StatusTooManyRequests, "1"
	case fault.Unavailable:
		return http.StatusServiceUnavailable, "5"
	}
	return http.StatusInternalServerError, ""
}

// fail answers with the error's safe sentence. A 401 carries no
// WWW-Authenticate: with it, browsers would ask a site's visitors for a password.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	code, retryAfter := status(err)
	if code >= http.StatusInternalServerError {
		h.report(r, err)
	}
	if retryAfter != "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	message := fault.Message(err)
	switch {
	case errors.Is(err, errTooSlow):
		message = "The body did not arrive in time; send it again."
	case code == http.StatusServiceUnavailable && fault.KindOf(err) == fault.Internal:
		message = "The events could not be stored in time; send them again."
	}
	discard(r)
	h.answer(w, code, message)
}

func (h *Handler) answer(w http.ResponseWriter, code int, message string) {
	h.metrics.answered(code)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.Error(w, message, code)
}

func (h *Handler) wrongMethod(w http.ResponseWriter, r *http.Request, allowed string) {
	discard(r)
	w.Header().Set("Allow", allowed)
	h.answer(w, http.StatusMethodNotAllowed, "This path takes "+allowed+" only.")
}

// allowOrigin lets pages of every site read the answer: a write key is public,
// and the sites that use one are known to nobody but their owner.
func allowOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Set("Access-Control-Expose-Headers", "Retry-After")
	header.Add("Vary", "Origin")
}

// preflight allows every header: the SDKs send their own (AnonymousId, SentAt,
// Rsa-*), and new ones come with new versions.
func (h *Handler) preflight(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		header.Set("Access-Control-Allow-Headers", asked)
		header.Add("Vary", "Access-Control-Request-Headers")
	}
	header.Set("Access-Control-Max-Age", "900")
	h.metrics.answered(http.StatusNoContent)
	w.WriteHeader(http.StatusNoContent)
}

// reportEvery is the least time between two lines in the log about failures: a
// full disk must not fill the log with a line for every request.
const reportEvery = 10 * time.Second

// quiet counts failures between two lines.
type quiet struct {
	last   atomic.Int64 // when the last line was written, in microseconds
	unsaid atomic.Int64
}

func (h *Handler) report(r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return // the client has left; nothing is wrong here
	}
	now := h.opts.Clock.Now().UnixMicro()
	last := h.troubles.last.Load()
	if now-last < reportEvery.Microseconds() || !h.troubles.last.CompareAndSwap(last, now) {
		h.troubles.unsaid.Add(1)
		return
	}
	h.opts.Logger.ErrorContext(r.Context(), "Events could not be stored; senders are told to try again.",
		"error", err, "not_logged", h.troubles.unsaid.Swap(0))
}

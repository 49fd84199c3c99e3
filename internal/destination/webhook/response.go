package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/internal/destination"
	"parley/internal/fault"
)

// maxWait bounds a Retry-After.
const maxWait = 24 * time.Hour

// read turns an answer into one result per member:
//
//	2xx            delivered, unless the body says otherwise per member
//	408, 425, 429  retry, after Retry-After
//	other 4xx      rejected, final for these versions
//	3xx, 5xx       retry, after Retry-After; redirects are not followed
//
// A 2xx body that begins a JSON object which cannot be read, or one beyond the
// limit, leaves the outcome unknown: an error, so that the batch is sent again.
func read(b destination.Batch, status int, h http.Header, body []byte, now time.Time) ([]destination.Result, error) {
	switch {
	case status >= 200 && status < 300:
		return accepted(b, body)
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests,
		status < 400, status >= 500:
		reason := fmt.Sprintf("the receiver answered %d", status)
		if status >= 300 && status < 400 {
			reason += "; redirects are not followed, set the final address as url"
		}
		return all(b, destination.Result{Outcome: destination.Retry, Reason: reason, After: retryAfter(h, now)}), nil
	}
	return all(b, destination.Result{Outcome: destination.Rejected, Reason: fmt.Sprintf("the receiver answered %d", status)}), nil
}

func all(b destination.Batch, r destination.Result) []destination.Result {
	out := make([]destination.Result, len(b.Members))
	for i := range out {
		out[i] = r
	}
	return out
}

// retryAfter reads seconds or a date. A date is taken relative to the
// answer's own Date where there is one, since the clocks may differ.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("retry-after"))
	var wait time.Duration
	if s, err := strconv.ParseInt(text, 10, 64); err == nil {
		wait = time.Duration(min(max(s, 0), int64(maxWait/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		if theirs, err := http.ParseTime(h.Get("date")); err == nil {
			now = theirs
		}
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxWait)
}

type verdict struct {
	Person string `json:"person"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}

// accepted reads the body of a success: {"results":[{"person","status","reason"}]}
// with status delivered, rejected or retry. Members it does not name are
// delivered; one named twice keeps the first that is not delivered.
func accepted(b destination.Batch, body []byte) ([]destination.Result, error) {
	const op = "webhook.deliver"
	out := all(b, destination.Result{})
	if len(body) > maxResponse {
		return nil, fault.New(fault.Unavailable, op, "The receiver's answer is longer than %d bytes; name only the members that failed.", maxResponse)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return out, nil // "ok" and the like
	}
	var answer struct {
		Results []verdict `json:"results"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fault.New(fault.Unavailable, op, "The receiver's answer is not the JSON it seems to be; the outcome is unknown.")
	}
	at := make(map[string]int, len(b.Members))
	for i, m := range b.Members {
		at[m.Person] = i
	}
	for _, v := range answer.Results {
		i, ok := at[v.Person]
		if !ok || out[i].Outcome != destination.Delivered {
			continue
		}
		switch v.Status {
		case "delivered":
		case "rejected":
			out[i] = destination.Result{Outcome: destination.Rejected, Reason: safe(v.Reason, b.Members[i].Fields)}
		case "retry":
			out[i] = destination.Result{Outcome: destination.Retry, Reason: safe(v.Reason, b.Members[i].Fields)}
		default:
			out[i] = destination.Result{Outcome: destination.Retry, Reason: "the receiver answered a status that is not delivered, rejected or retry"}
		}
	}
	return out, nil
}

// maxReason bounds a receiver's reason, in words and in bytes per word.
const maxReason, maxWord = 30, 40

// safe keeps of a receiver's sentence the words that cannot be personal: no
// digit, no @, and no part of a value that was handed over (I12).
func safe(reason string, fields map[string]string) string {
	personal := map[string]bool{}
	for _, v := range fields {
		for _, w := range words(v) {
			personal[w] = true
		}
	}
	var kept []string
	for _, w := range strings.Fields(reason) {
		if len(kept) == maxReason {
			break
		}
		if hides(w, personal) {
			w = "…"
		}
		kept = append(kept, w)
	}
	if len(kept) == 0 {
		return "the receiver gave no reason"
	}
	return "the receiver says: " + strings.Join(kept, " ")
}

func hides(word string, personal map[string]bool) bool {
	if len(word) > maxWord || strings.ContainsAny(word, "@0123456789") {
		return true
	}
	for _, part := range words(word) {
		if personal[part] {
			return true
		}
	}
	// Letters and plain punctuation only: nothing that could carry control codes.
	for _, r := range word {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return true
		}
	}
	return false
}

// words splits into lower-case runs of letters; what surrounds them is dropped.
func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return r < 0x80 && (r < 'a' || r > 'z')
	})
}

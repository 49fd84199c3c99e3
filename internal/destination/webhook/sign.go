// Package webhook hands batches to an HTTP address as JSON, signed as in
// Standard Webhooks 1.0.0 (standardwebhooks.com).
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/internal/fault"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// Tolerance is how far a receiver lets the timestamp lie from its own clock.
const Tolerance = 5 * time.Minute

// The specification asks for keys of 24 to 64 bytes.
const minKey, maxKey = 24, 64

// Secrets are the keys a hand-over is signed with: the current one, and during
// a rotation also the old one.
type Secrets [][]byte

// ParseSecrets reads space-separated secrets, each whsec_ and base64 of 24 to
// 64 bytes. The error, of kind Invalid, never quotes them (I12).
func ParseSecrets(s string) (Secrets, error) {
	const op = "webhook.secret"
	var out Secrets
	for i, word := range strings.Fields(s) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(word, "whsec_"))
		if err != nil || !strings.HasPrefix(word, "whsec_") {
			return nil, fault.New(fault.Invalid, op, "Secret %d is not whsec_ followed by base64.", i+1)
		}
		if len(key) < minKey || len(key) > maxKey {
			return nil, fault.New(fault.Invalid, op, "Secret %d has %d bytes; Standard Webhooks asks for %d to %d.", i+1, len(key), minKey, maxKey)
		}
		out = append(out, key)
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, op, "There is no secret; set the variable to whsec_ and base64 of at least %d random bytes.", minKey)
	}
	return out, nil
}

// Sign returns the signature header: per secret "v1," and the base64 of
// HMAC-SHA256 over id.timestamp.body, separated by spaces (Standard Webhooks
// 1.0.0, "Signature scheme").
func (s Secrets) Sign(id string, at time.Time, body []byte) string {
	out := make([]string, len(s))
	for i, key := range s {
		out[i] = "v1," + base64.StdEncoding.EncodeToString(mac(key, id, strconv.FormatInt(at.Unix(), 10), body))
	}
	return strings.Join(out, " ")
}

// Verify checks a received hand-over at the time now. The error is of kind Denied.
func (s Secrets) Verify(h http.Header, body []byte, now time.Time) error {
	const op = "webhook.verify"
	stamp := h.Get(HeaderTimestamp)
	unix, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fault.New(fault.Denied, op, "The webhook-timestamp header is missing or not a number of seconds.")
	}
	if off := now.Sub(time.Unix(unix, 0)); off > Tolerance || off < -Tolerance {
		return fault.New(fault.Denied, op, "The webhook-timestamp is more than five minutes from now; check both clocks.")
	}
	for _, word := range strings.Fields(h.Get(HeaderSignature)) {
		version, sum, _ := strings.Cut(word, ",")
		given, err := base64.StdEncoding.DecodeString(sum)
		if version != "v1" || err != nil {
			continue // another scheme or version may stand beside ours
		}
		for _, key := range s {
			if hmac.Equal(given, mac(key, h.Get(HeaderID), stamp, body)) {
				return nil
			}
		}
	}
	return fault.New(fault.Denied, op, "No webhook-signature matches; check the secret and that the body is verified unchanged.")
}

func mac(key []byte, id, stamp string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + stamp + "."))
	m.Write(body)
	return m.Sum(nil)
}

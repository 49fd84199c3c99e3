package collect

import (
	"encoding/base64"
	"strings"

	"parley/internal/fault"
	"parley/internal/source"
)

// maxAuthorization is far above the length of any header with a write key.
const maxAuthorization = 1 << 10

var (
	errNoKey = fault.New(fault.Denied, "collect.key",
		"The write key is missing; send it as the user name of HTTP basic authentication, or as writeKey in the body.")
	errUnknownKey = fault.New(fault.Denied, "collect.key",
		"No source has this write key; copy the key from the source in the workspace.")
)

// sourceByHeader finds the source by the Authorization header. Without a key in
// the header it reports false, and the key must be in the body.
func (h *Handler) sourceByHeader(authorization string) (spec source.Spec, known bool, err error) {
	key := basicUser(authorization)
	if key == "" {
		return source.Spec{}, false, nil
	}
	spec, err = h.sourceByKey(key)
	return spec, err == nil, err
}

func (h *Handler) sourceByKey(key string) (source.Spec, error) {
	if key == "" {
		return source.Spec{}, errNoKey
	}
	spec, ok := h.sources.ByWriteKey(key)
	if !ok {
		return source.Spec{}, errUnknownKey
	}
	return spec, nil
}

// basicUser returns the user name of basic authentication, or "". Unlike
// net/http it takes a name without the colon, and base64 without its padding:
// senders written by hand have both. Of an OAuth token nothing is read; its
// sender puts the key into the body.
func basicUser(authorization string) string {
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") || len(encoded) > maxAuthorization {
		return ""
	}
	encoded = strings.TrimRight(strings.TrimSpace(encoded), "=")
	pair, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	user, _, _ := strings.Cut(string(pair), ":")
	return user
}

// Package client is the typed Go client of Parley's API: one method per
// operation of the OpenAPI document, with wire types of its own, so that a
// program can use it without anything else of Parley.
//
// Every error of the API is an *Error with a kind and a sentence for people.
// A Client is safe for concurrent use.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client calls one installation.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// Option changes how a Client works.
type Option func(*Client)

// WithHTTPClient sends requests through h instead of a client with a timeout of
// two minutes.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// New returns a client of the installation at baseURL, such as
// http://127.0.0.1:8080, with an admin or ask token; an empty token is enough
// for Health and for the SDK calls.
func New(baseURL, token string, opts ...Option) *Client {
	c := &Client{base: strings.TrimRight(baseURL, "/"), token: token, http: &http.Client{Timeout: 2 * time.Minute}}
	for _, o := range opts {
		o(c)
	}
	return c
}

// Error is an answer that is not a success.
type Error struct {
	Status  int    // HTTP status
	Kind    string // internal, invalid, not_found, conflict, denied, too_large, busy or unavailable
	Message string // what is wrong and the way out
	// RetryAfter is how long to wait before trying again; 0: not said.
	RetryAfter time.Duration
}

// Error returns kind, status and sentence.
func (e *Error) Error() string {
	return fmt.Sprintf("parley: %s (%d): %s", e.Kind, e.Status, e.Message)
}

// Kind returns the kind of the API's error in err's chain, empty if there is none.
func Kind(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// request is one call to be made.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	contentType  string
	user         string // of basic authentication, in place of the token
}

// path joins segments, each escaped as a whole.
func path(segments ...string) string {
	var b strings.Builder
	b.WriteString("/v1")
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// call sends a request and reads the answer into a T.
func call[T any](ctx context.Context, c *Client, r request) (T, error) {
	var out T
	raw, err := c.send(ctx, r)
	if err != nil {
		return out, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // no digit of a large number in a trait is lost
	if err := d.Decode(&out); err != nil {
		return out, fmt.Errorf("parley: the answer of %s cannot be read: %w", r.method, err)
	}
	return out, nil
}

// post is call with a JSON body.
func post[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		var none T
		return none, fmt.Errorf("parley: the request cannot be written: %w", err)
	}
	return call[T](ctx, c, request{method: method, path: path, body: raw, contentType: "application/json"})
}

func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	return call[T](ctx, c, request{method: http.MethodGet, path: path, query: query})
}

func (c *Client) send(ctx context.Context, r request) ([]byte, error) {
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, errors.New("parley: the base URL is not valid")
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	switch {
	case r.user != "":
		req.SetBasicAuth(r.user, "")
	case c.token != "":
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // its text holds the path, and that a person's identifier
			err = u.Err
		}
		return nil, fmt.Errorf("parley: %s failed: %w", r.method, err)
	}
	defer func() { _ = res.Body.Close() }() // everything that matters was read
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("parley: the answer broke off: %w", err)
	}
	if res.StatusCode >= 300 {
		return nil, failure(res, raw)
	}
	return raw, nil
}

func failure(res *http.Response, raw []byte) error {
	e := &Error{Status: res.StatusCode, Kind: "internal", Message: http.StatusText(res.StatusCode)}
	var body Failure
	if json.Unmarshal(raw, &body) == nil && body.Error.Kind != "" {
		e.Kind, e.Message = body.Error.Kind, body.Error.Message
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}

// values collects query parameters, leaving out what is not set.
func values(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := pairs[i+1]; v != "" && v != "0" && v != "false" {
			q.Set(pairs[i], v)
		}
	}
	return q
}

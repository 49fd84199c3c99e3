package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/auth"
	"parley/internal/fault"
)

// operation is what one endpoint says about itself.
type operation struct {
	id, method, path string
	tag, summary     string
	description      string
	roles            []auth.Role // beside Admin; see open
	open             bool        // needs no token
	maxBody          int64       // bytes; 0: 1 MiB
}

type reply[T any] struct{ Body T }

// none is the input of an operation that takes nothing.
type none struct{}

// register adds an operation whose answer is a T.
func register[I, T any](s *service, op operation, handle func(context.Context, *I) (T, error)) {
	spec := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag}, Summary: op.summary, Description: op.description,
		MaxBodyBytes: op.maxBody,
	}
	if op.maxBody > 0 {
		spec.BodyReadTimeout = 2 * time.Minute // large bodies come over slow lines
	}
	if !op.open {
		spec.Security = []map[string][]string{{"token": {}}}
		spec.Middlewares = huma.Middlewares{s.guard(op.roles)}
		if slices.Contains(op.roles, auth.Ask) {
			spec.Description += " The ask token is enough."
		}
	}
	huma.Register(s.api, spec, func(ctx context.Context, in *I) (*reply[T], error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.failed(op.id, err)
		}
		return &reply[T]{Body: out}, nil
	})
}

// guard lets admins and the given roles through.
func (s *service) guard(roles []auth.Role) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		role, known := s.Tokens.Role(auth.Bearer(ctx.Header("Authorization")))
		switch {
		case !known:
			ctx.SetHeader("WWW-Authenticate", "Bearer")
			_ = huma.WriteErr(s.api, ctx, http.StatusUnauthorized, "Send a valid token: Authorization: Bearer TOKEN.")
		case role != auth.Admin && !slices.Contains(roles, role):
			_ = huma.WriteErr(s.api, ctx, http.StatusForbidden, "This token may not do that; use the admin token.")
		default:
			next(ctx)
		}
	}
}

// recovered turns a panic into an answer. The value of a panic may quote data,
// so only its kind is logged (I12).
func (s *service) recovered(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				s.Logger.Error("a request panicked", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				writeFailure(w, newFailure(fault.Internal, fault.Message(nil)))
			}
		}()
		h.ServeHTTP(w, r)
		drain(r)
	})
}

// drainBytes is how much of a refused body is read all the same.
const drainBytes = 16 << 20

// drain reads what is left of a body: a client that is cut off while sending
// sees a broken connection instead of the answer. One that waits to be asked for
// its body has sent nothing.
func drain(r *http.Request) {
	if r.Body != nil && r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, drainBytes) // the answer is there already
	}
}

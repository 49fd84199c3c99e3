// Package collect is the way in for events over HTTP. It speaks the protocols
// of Segment's and RudderStack's SDKs, so that they work unchanged.
//
// It judges as little as it can: it finds the source by the write key, splits
// the body into events, and puts each one into the journal as it came. Whether
// an event is any good is for the pipeline, where a bad one goes into
// quarantine and can be mended. Clients drop a whole batch on a 4xx answer, so
// one bad event never causes one; what is refused is a body that cannot be
// split, or is too large, or a single call whose sender can be told at once.
//
// An unknown write key is answered 401, although Segment answers 200 and drops
// the events: a sender who believes that all is well is the worst outcome. The
// price is that Segment's Go SDK tries such a request ten times.
//
// Success is answered only after the journal has everything (I1). Bodies never
// reach a log, a metric or an answer (I12).
package collect

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"parley/internal/journal"
	"parley/internal/lifecycle"
	"parley/internal/source"
)

// Appender is the part of *journal.Journal that is needed here. It must not keep
// anything of the entries once Append has returned: their memory is used again.
type Appender interface {
	// Append returns nil once all entries are durable (I1).
	Append(ctx context.Context, entries ...journal.Entry) error
}

// Sources finds the source that a write key admits to. It is asked for every
// request, so that a change of the workspace counts at once, and from many goroutines.
type Sources interface {
	ByWriteKey(key string) (source.Spec, bool)
}

// SourcesFunc is a function as Sources.
type SourcesFunc func(key string) (source.Spec, bool)

// ByWriteKey calls f.
func (f SourcesFunc) ByWriteKey(key string) (source.Spec, bool) { return f(key) }

// Defaults of Options.
const (
	DefaultMaxEvent       = 64 << 10
	DefaultMaxBatch       = 4 << 20
	DefaultMaxBatchEvents = 2500 // Segment's limit
)

// Options tune a Handler. Zero values mean the defaults.
type Options struct {
	Clock lifecycle.Clock // default: the machine's
	// MaxEvent is how many bytes the body of a single call may have, unpacked.
	// An event in a batch may be longer: it must not cost the others their way
	// in, and the pipeline has a limit of its own.
	MaxEvent int
	// MaxBatch is how many bytes the body of a batch may have, packed and
	// unpacked. Twice as many may come of it when what stands around the
	// events is written into each of them.
	MaxBatch int
	// MaxBatchEvents is how many events one batch may carry.
	MaxBatchEvents int
	Logger         *slog.Logger         // default: none
	Registry       *prometheus.Registry // for the counters; nil: not registered
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = lifecycle.System{}
	}
	if o.MaxEvent <= 0 {
		o.MaxEvent = DefaultMaxEvent
	}
	if o.MaxBatch <= 0 {
		o.MaxBatch = DefaultMaxBatch
	}
	if o.MaxBatchEvents <= 0 {
		o.MaxBatchEvents = DefaultMaxBatchEvents
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Handler answers the paths that Owns names. It starts no goroutine and is safe
// for concurrent use. Time limits for slow senders are the http.Server's.
type Handler struct {
	appender Appender
	sources  Sources
	opts     Options
	metrics  metrics
	intakes  sync.Pool // of *intake
	troubles quiet
}

// New returns a handler. It panics when the registry already has its counters.
func New(appender Appender, sources Sources, opts Options) *Handler {
	h := &Handler{appender: appender, sources: sources, opts: opts.withDefaults()}
	h.metrics = newMetrics(h.opts.Registry)
	h.intakes.New = func() any { return newIntake() }
	return h
}

// Owns says whether a request's path belongs to a Handler. Ask it before an
// http.ServeMux: that one redirects the double slashes which some SDKs send,
// and they do not follow.
func Owns(path string) bool {
	path = strings.TrimSuffix(squeeze(path), "/")
	name, versioned := strings.CutPrefix(path, "/v1/")
	if !versioned {
		return path == "/sourceConfig"
	}
	_, isCall := calls[name]
	_, isSettings := settingsKey(name)
	return isCall || isSettings
}

// settingsKey takes the write key from Segment's path of settings.
func settingsKey(name string) (key string, ok bool) {
	key, ok = strings.CutPrefix(name, "projects/")
	if ok {
		key, ok = strings.CutSuffix(key, "/settings")
	}
	return key, ok && !strings.Contains(key, "/")
}

// ServeHTTP routes a request. It has its own few lines for that because SDKs
// send double slashes.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowOrigin(w, r)
	path := squeeze(r.URL.Path)
	if r.Method == http.MethodOptions {
		h.preflight(w, r)
		return
	}
	if name, ok := strings.CutPrefix(path, "/v1/"); ok {
		name = strings.TrimSuffix(name, "/")
		if c, ok := calls[name]; ok {
			h.call(w, r, c)
			return
		}
		if key, ok := settingsKey(name); ok {
			h.segmentSettings(w, r, key)
			return
		}
	}
	if strings.TrimSuffix(path, "/") == "/sourceConfig" {
		h.rudderConfig(w, r)
		return
	}
	h.fail(w, r, errNoSuchPath)
}

// squeeze makes one slash of several in a row.
func squeeze(path string) string {
	if !strings.Contains(path, "//") {
		return path
	}
	var b strings.Builder
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			b.WriteByte(path[i])
		}
	}
	return b.String()
}

// call is what a path under /v1/ takes.
type call struct {
	kind    string // the type of a single call's event; "" for a batch
	dropped bool   // read and forgotten
}

func (c call) isBatch() bool { return c.kind == "" }

// calls has Segment's long names, the one-letter names of its browser SDK, and
// RudderStack's import. The SDKs' own metrics (m) are not wanted, but without
// a 200 they would be sent again.
var calls = map[string]call{
	"track": {kind: "track"}, "t": {kind: "track"},
	"identify": {kind: "identify"}, "i": {kind: "identify"},
	"page": {kind: "page"}, "p": {kind: "page"},
	"screen": {kind: "screen"}, "s": {kind: "screen"},
	"group": {kind: "group"}, "g": {kind: "group"},
	"alias": {kind: "alias"}, "a": {kind: "alias"},
	"batch": {}, "b": {}, "import": {},
	"m": {dropped: true},
}

// call takes in one event or one batch.
func (h *Handler) call(w http.ResponseWriter, r *http.Request, c call) {
	if r.Method != http.MethodPost {
		h.wrongMethod(w, r, "POST, OPTIONS")
		return
	}
	if c.dropped {
		discard(r)
		h.succeed(w)
		return
	}
	in := h.intakes.Get().(*intake)
	defer h.release(in)
	n, err := h.accept(r, c, in)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.metrics.events.Add(float64(n))
	h.succeed(w)
}

// accept returns how many events have become durable.
func (h *Handler) accept(r *http.Request, c call, in *intake) (int, error) {
	received := h.opts.Clock.Now().UTC().Truncate(time.Microsecond)
	spec, known, err := h.sourceByHeader(r.Header.Get("Authorization"))
	if err != nil {
		return 0, err
	}
	limit := h.opts.MaxBatch
	if !c.isBatch() {
		limit = h.opts.MaxEvent
	}
	body, err := in.read(r, limit)
	h.metrics.bytes.Add(float64(len(in.wire)))
	if err != nil {
		return 0, err
	}
	if err := in.cut(body, c, limits{events: h.opts.MaxBatchEvents, merged: 2 * h.opts.MaxBatch}, received); err != nil {
		return 0, err
	}
	if !known {
		if spec, err = h.sourceByKey(in.writeKey); err != nil {
			return 0, err
		}
	}
	if len(in.entries) == 0 {
		return 0, nil
	}
	for i := range in.entries {
		in.entries[i].Source = spec.Name
		in.entries[i].ReceivedAt = received
	}
	return len(in.entries), h.appender.Append(r.Context(), in.entries...)
}

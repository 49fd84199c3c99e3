package collect_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"parley/internal/collect"
	"parley/internal/journal"
)

func inUTF16(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

// What each bad body is answered, and what reached the journal.
func TestBadInput(t *testing.T) {
	const good = `{"messageId":"1","type":"track","event":"A"}`
	bomb := packed(t, make([]byte, 64<<20))
	tests := []struct {
		name, path, body string
		headers          []string
		code             int
		stored           []string
	}{
		{"empty body", "/v1/batch", ``, nil, 400, nil},
		{"blank body", "/v1/batch", " \n", nil, 400, nil},
		{"only a byte order mark", "/v1/batch", "\ufeff", nil, 400, nil},
		{"malformed", "/v1/batch", `{"batch":[` + good, nil, 400, nil},
		{"malformed single", "/v1/track", `{"event":}`, nil, 400, nil},
		{"two values", "/v1/track", good + good, nil, 400, nil},
		{"a comma too many", "/v1/batch", `{"batch":[` + good + `,]}`, nil, 400, nil},
		{"NaN", "/v1/track", `{"type":"track","event":"A","properties":{"a":NaN}}`, nil, 400, nil},
		{"a form", "/v1/track", `event=A&userId=1`, []string{"Content-Type: application/x-www-form-urlencoded"}, 400, nil},
		{"batch is an array", "/v1/batch", `[` + good + `]`, nil, 400, nil},
		{"no batch", "/v1/batch", good, nil, 400, nil},
		{"batch twice", "/v1/batch", `{"batch":[` + good + `],"batch":[]}`, nil, 400, nil},
		{"batch is an object", "/v1/batch", `{"batch":` + good + `}`, nil, 400, nil},
		{"batch is null", "/v1/batch", `{"batch":null}`, nil, 400, nil},
		{"empty batch", "/v1/batch", `{"batch":[]}`, nil, 200, nil},
		{"single is an array", "/v1/track", `[1]`, nil, 400, nil},
		{"single is null", "/v1/track", `null`, nil, 400, nil},
		{"UTF-16", "/v1/batch", inUTF16(`{"batch":[]}`), nil, 400, nil},
		{"Latin-1 single", "/v1/track", "{\"type\":\"track\",\"event\":\"Caf\xe9\"}", nil, 400, nil},
		{"Latin-1 in a batch", "/v1/batch", "{\"batch\":[{\"event\":\"Caf\xe9\"}," + good + "]}", nil, 200,
			[]string{"{\"event\":\"Caf\xe9\"}", good}},
		{"a raw NUL", "/v1/track", "{\"event\":\"a\x00b\"}", nil, 400, nil},
		{"a raw line break in a text", "/v1/track", "{\"event\":\"a\nb\"}", nil, 400, nil},
		{"an escaped NUL", "/v1/track", `{"type":"track","event":"a\u0000b"}`, nil, 200, []string{`{"type":"track","event":"a\u0000b"}`}},
		{"2^63", "/v1/track", `{"type":"track","event":"A","properties":{"n":9223372036854775808}}`, nil, 200,
			[]string{`{"type":"track","event":"A","properties":{"n":9223372036854775808}}`}},
		{"1e400", "/v1/track", `{"type":"track","event":"A","properties":{"n":-1e400}}`, nil, 200,
			[]string{`{"type":"track","event":"A","properties":{"n":-1e400}}`}},
		{"empty identifiers", "/v1/track", `{"type":"track","messageId":"","userId":"","anonymousId":null}`, nil, 200,
			[]string{`{"type":"track","messageId":"","userId":"","anonymousId":null}`}},
		{"a byte order mark", "/v1/track", "\ufeff" + good, nil, 200, []string{good}},
		{"items that are no objects", "/v1/batch", `{"batch":[1,null,"x",[2],` + good + `,true]}`, nil, 200,
			[]string{"1", "null", `"x"`, "[2]", good, "true"}},
		{"items that are empty", "/v1/batch", `{"batch":[{},[]]}`, nil, 200, []string{"{}", "[]"}},
		{"brotli", "/v1/track", "\x0b\x02\x80", []string{"Content-Encoding: br"}, 400, nil},
		{"gzip header, plain body", "/v1/track", good, []string{"Content-Encoding: gzip"}, 200, []string{good}},
		{"gzip cut short", "/v1/track", packed(t, []byte(good))[:40], []string{"Content-Encoding: gzip"}, 400, nil},
		{"gzip with a wrong checksum", "/v1/track", packed(t, []byte(good))[:len(packed(t, []byte(good)))-5] + "12345", nil, 400, nil},
		{"gzip magic alone", "/v1/track", "\x1f\x8b", nil, 400, nil},
		{"gzip bomb", "/v1/batch", bomb, []string{"Content-Encoding: gzip"}, 413, nil},
		{"gzip bomb, single", "/v1/track", bomb, nil, 413, nil},
		{"10 MB", "/v1/batch", `{"batch":["` + strings.Repeat("x", 10<<20) + `"]}`, nil, 413, nil},
		{"single above its limit", "/v1/track", `{"a":"` + strings.Repeat("x", collect.DefaultMaxEvent) + `"}`, nil, 413, nil},
		{"too many events", "/v1/batch", `{"batch":[0` + strings.Repeat(",0", collect.DefaultMaxBatchEvents) + `]}`, nil, 413, nil},
		{"depth bomb", "/v1/batch", `{"batch":` + strings.Repeat("[", 3<<20), nil, 400, nil},
		{"depth bomb, closed", "/v1/batch", `{"batch":` + strings.Repeat(`{"":`, 20_000) + "1" + strings.Repeat("}", 20_001), nil, 400, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, journal.Options{}, collect.Options{})
			w := r.post(tt.path, tt.body, tt.headers...)
			if w.Code != tt.code {
				t.Errorf("answered %d %q, want %d", w.Code, w.Body, tt.code)
			}
			if got := r.payloads(t); !slices.Equal(got, tt.stored) {
				t.Errorf("stored %.200q, want %.200q", got, tt.stored)
			}
			if success := w.Body.String() == `{"success":true}`; success != (tt.code == 200) {
				t.Errorf("body %q with code %d", w.Body, w.Code)
			}
		})
	}
}

// An event above the limit of single calls must not cost the others their way in.
func TestLongEventInABatchIsTaken(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{})
	long := `{"messageId":"long","a":"` + strings.Repeat("x", 2*collect.DefaultMaxEvent) + `"}`
	if w := r.post("/v1/batch", `{"batch":[`+long+`,{"messageId":"b"}]}`); w.Code != 200 {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if got := r.payloads(t); len(got) != 2 || got[0] != long {
		t.Errorf("stored %.80q", got)
	}
}

// A packed body of 64 MiB zeros must not be unpacked to find out that it is too large.
func TestGzipBombTakesNoMemory(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{MaxBatch: 1 << 20})
	bomb := packed(t, make([]byte, 64<<20))
	r.post("/v1/batch", bomb) // fills the pools
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if w := r.post("/v1/batch", bomb); w.Code != 413 {
		t.Fatalf("answered %d", w.Code)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("allocated %d bytes", used)
	}
}

// A small body whose context is written into each of thousands of events is a bomb, too.
func TestContextBomb(t *testing.T) {
	r := newRig(t, journal.Options{}, collect.Options{MaxBatch: 100_000}) // far below what the journal takes
	body := `{"context":{"a":"` + strings.Repeat("x", 50_000) + `"},"batch":[{}` + strings.Repeat(",{}", 20) + `]}`
	if w := r.post("/v1/batch", body); w.Code != 413 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if got := r.stored(t); len(got) != 0 {
		t.Errorf("%d stored", len(got))
	}
}

func TestKeys(t *testing.T) {
	const event = `{"messageId":"1","type":"track","event":"A"}`
	inBody := func(key string) string { return `{"writeKey":"` + key + `",` + event[1:] }
	tests := []struct {
		name, authorization, body string
		code                      int
	}{
		{"header", basic("k-web"), event, 200},
		{"header without colon", "Basic ay13ZWI=", event, 200},
		{"header without padding", "Basic ay13ZWI", event, 200},
		{"scheme in small letters", "basic ay13ZWI6", event, 200},
		{"with a password", "Basic ay13ZWI6eA==", event, 200},
		{"body", "", inBody("k-web"), 200},
		{"body beside an OAuth token", "Bearer abc", inBody("k-web"), 200},
		{"body beside an empty user", "Basic Og==", inBody("k-web"), 200},
		{"body beside a broken header", "Basic %%%", inBody("k-web"), 200},
		{"none", "", event, 401},
		{"not text", "", `{"writeKey":1,"event":"A"}`, 401},
		{"unknown in the header", basic("k-old"), inBody("k-web"), 401},
		{"unknown in the body", "", inBody("k-old"), 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, journal.Options{}, collect.Options{})
			for _, path := range []string{"/v1/track", "/v1/batch"} {
				body := tt.body
				if path == "/v1/batch" { // the key stands around the events
					body = strings.Replace(tt.body, "{", `{"batch":[`+event+`],`, 1)
				}
				w := r.post(path, body, "Authorization: "+tt.authorization)
				if w.Code != tt.code {
					t.Errorf("%s answered %d %s, want %d", path, w.Code, w.Body, tt.code)
				}
				if w.Header().Get("WWW-Authenticate") != "" {
					t.Error("a browser would ask for a password")
				}
			}
			if stored := len(r.stored(t)); (stored == 2) != (tt.code == 200) || stored == 1 {
				t.Errorf("%d stored", stored)
			}
		})
	}
}

// No answer may quote what was sent (I12).
func TestI12AnswersAndLogsQuoteNothing(t *testing.T) {
	const secret = "ada@example.org"
	for _, body := range []string{
		`{"` + secret + `":`, `"` + secret + `"`, `{"batch":"` + secret + `"}`, `{"writeKey":"` + secret + `"}`,
		secret, "\x1f\x8b" + secret,
	} {
		for _, path := range []string{"/v1/batch", "/v1/track", "/v1/" + secret} {
			r := newRig(t, journal.Options{}, collect.Options{})
			w := r.post(path, body, "Authorization: ")
			if w.Code < 400 || strings.Contains(w.Body.String(), secret) {
				t.Errorf("%s %q: answered %d %q", path, body, w.Code, w.Body)
			}
		}
	}
}

// broken is a body that fails on the way.
type broken struct {
	io.Reader
	err error
}

func (b broken) Read(p []byte) (int, error) {
	if n, err := b.Reader.Read(p); err == nil {
		return n, nil
	}
	return 0, b.err
}

// A client that is cut off while it sends does not see the answer.
func TestRefusedBodyIsReadToItsEnd(t *testing.T) {
	for _, announced := range []int64{1 << 20, -1} {
		r := newRig(t, journal.Options{}, collect.Options{MaxBatch: 1000})
		body := bytes.NewReader(make([]byte, 1<<20))
		req := httptest.NewRequest(http.MethodPost, "/v1/batch", body)
		req.ContentLength = announced
		req.Header.Set("Authorization", basic("k-web"))
		w := httptest.NewRecorder()
		if r.ServeHTTP(w, req); w.Code != 413 || body.Len() != 0 {
			t.Errorf("announced %d: answered %d with %d bytes unread", announced, w.Code, body.Len())
		}
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		code int
	}{
		{"connection lost", io.ErrUnexpectedEOF, 400},
		{"too slow", os.ErrDeadlineExceeded, http.StatusRequestTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, journal.Options{}, collect.Options{})
			req := httptest.NewRequest(http.MethodPost, "/v1/track",
				broken{bytes.NewBufferString(`{"type":"track"}`), tt.err})
			req.Header.Set("Authorization", basic("k-web"))
			w := httptest.NewRecorder()
			r.ServeHTTP(w, req)
			if w.Code != tt.code || len(r.stored(t)) != 0 {
				t.Errorf("answered %d %s with %d stored, want %d and none", w.Code, w.Body, len(r.stored(t)), tt.code)
			}
		})
	}
}

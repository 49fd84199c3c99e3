package webhook

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley/internal/destination"
)

func two() destination.Batch {
	return destination.Batch{ID: "b", Members: []destination.Member{
		{Person: "1", Fields: map[string]string{"email": "ada@example.org", "name": "Ada King"}}, {Person: "2"}}}
}

func TestReadAnswers(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const d, j, r = destination.Delivered, destination.Rejected, destination.Retry
	for name, c := range map[string]struct {
		status  int
		headers map[string]string
		body    string
		want    [2]destination.Outcome
		after   time.Duration
		unknown bool
	}{
		"200 empty":                  {status: 200, want: [2]destination.Outcome{d, d}},
		"204":                        {status: 204, want: [2]destination.Outcome{d, d}},
		"200 text":                   {status: 200, body: "ok", want: [2]destination.Outcome{d, d}},
		"200 other object":           {status: 200, body: `{"status":"fine"}`, want: [2]destination.Outcome{d, d}},
		"200 broken object":          {status: 200, body: `{"results":[{"person":"1"`, unknown: true},
		"200 wrong shape":            {status: 200, body: `{"results":"none"}`, unknown: true},
		"200 endless":                {status: 200, body: strings.Repeat(" ", maxResponse+1), unknown: true},
		"one rejected":               {status: 200, body: `{"results":[{"person":"2","status":"rejected"}]}`, want: [2]destination.Outcome{d, j}},
		"one retry, one delivered":   {status: 202, body: `{"results":[{"person":"1","status":"retry"},{"person":"2","status":"delivered"}]}`, want: [2]destination.Outcome{r, d}},
		"stranger named":             {status: 200, body: `{"results":[{"person":"9","status":"rejected"}]}`, want: [2]destination.Outcome{d, d}},
		"named twice":                {status: 200, body: `{"results":[{"person":"1","status":"rejected"},{"person":"1","status":"delivered"}]}`, want: [2]destination.Outcome{j, d}},
		"unknown status":             {status: 200, body: `{"results":[{"person":"1","status":"perhaps"}]}`, want: [2]destination.Outcome{r, d}},
		"redirect":                   {status: 302, want: [2]destination.Outcome{r, r}},
		"400":                        {status: 400, want: [2]destination.Outcome{j, j}},
		"gone":                       {status: 410, want: [2]destination.Outcome{j, j}},
		"408":                        {status: 408, want: [2]destination.Outcome{r, r}},
		"425":                        {status: 425, want: [2]destination.Outcome{r, r}},
		"429 seconds":                {status: 429, headers: map[string]string{"retry-after": "120"}, want: [2]destination.Outcome{r, r}, after: 2 * time.Minute},
		"429 negative":               {status: 429, headers: map[string]string{"retry-after": "-5"}, want: [2]destination.Outcome{r, r}},
		"429 absurd":                 {status: 429, headers: map[string]string{"retry-after": "9223372036854775807"}, want: [2]destination.Outcome{r, r}, after: maxWait},
		"503 date by our clock":      {status: 503, headers: map[string]string{"retry-after": "Sun, 01 Mar 2026 12:00:30 GMT"}, want: [2]destination.Outcome{r, r}, after: 30 * time.Second},
		"503 date by their clock":    {status: 503, headers: map[string]string{"retry-after": "Sun, 01 Mar 2026 12:00:30 GMT", "date": "Sun, 01 Mar 2026 12:00:20 GMT"}, want: [2]destination.Outcome{r, r}, after: 10 * time.Second},
		"503 date that has gone by":  {status: 503, headers: map[string]string{"retry-after": "Sun, 01 Mar 2020 12:00:30 GMT"}, want: [2]destination.Outcome{r, r}},
		"503 nonsense":               {status: 503, headers: map[string]string{"retry-after": "soon"}, want: [2]destination.Outcome{r, r}},
		"500 with a body is ignored": {status: 500, body: `{"results":[{"person":"1","status":"delivered"}]}`, want: [2]destination.Outcome{r, r}},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range c.headers {
				h.Set(k, v)
			}
			got, err := read(two(), c.status, h, []byte(c.body), now)
			if (err != nil) != c.unknown {
				t.Fatalf("error %v", err)
			}
			for i := range got {
				if got[i].Outcome != c.want[i] || got[i].After != c.after {
					t.Errorf("member %d: %+v", i, got[i])
				}
				if (got[i].Outcome == d) != (got[i].Reason == "") {
					t.Errorf("member %d: a failure, and only one, has a reason: %+v", i, got[i])
				}
			}
		})
	}
}

func TestI12ReasonsCarryNoPersonalValue(t *testing.T) {
	fields := two().Members[0].Fields
	for in, want := range map[string]string{
		"":                               "the receiver gave no reason",
		"unknown address":                "the receiver says: unknown address",
		"ada@example.org is not known":   "the receiver says: … is not known",
		"<ADA> (King's) bad":             "the receiver says: … … bad",
		"phone +44 20 7946 is wrong":     "the receiver says: phone … … … is wrong",
		"bell\x07 rings":                 "the receiver says: … rings",
		strings.Repeat("x", 100):         "the receiver says: …",
		strings.Repeat("w ", 40) + "end": "the receiver says: " + strings.TrimSpace(strings.Repeat("w ", 30)),
	} {
		if got := safe(in, fields); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestPublicAddresses(t *testing.T) {
	for addr, want := range map[string]bool{
		"93.184.216.34": true, "2606:4700::1111": true, "127.0.0.1": false, "::1": false, "10.1.2.3": false,
		"172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false,
		"fd00::1": false, "0.0.0.0": false, "::": false, "100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false,
		"::ffff:127.0.0.1": false, "::ffff:93.184.216.34": true, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "0.1.2.3": false,
	} {
		if got := public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: public %v", addr, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(200, "", `{"results":[{"person":"1","status":"rejected","reason":"x"}]}`)
	f.Add(429, "120", "")
	f.Add(200, "", "{")
	f.Add(503, "Sun, 01 Mar 2026 12:00:30 GMT", "null")
	f.Fuzz(func(t *testing.T, status int, after, body string) {
		h := http.Header{"Retry-After": {after}}
		got, err := read(two(), status, h, []byte(body), time.Unix(0, 0))
		if err == nil && len(got) != 2 {
			t.Fatalf("%d results", len(got))
		}
		for _, r := range got {
			if r.After < 0 || r.After > maxWait || strings.Contains(strings.ToLower(r.Reason), "ada@example") {
				t.Fatalf("%+v", r)
			}
		}
	})
}

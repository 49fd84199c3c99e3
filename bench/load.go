package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is one run of requests over kept-alive connections. Requests are written
// as bytes and answers read with net/http's parser, so that the generator takes
// little of the machine it shares with the server.
type load struct {
	address     string
	path        string
	connections int
	duration    time.Duration
	// body writes the body of request n of a connection into b.
	body func(b *bytes.Buffer, connection, n int)
}

// figures are what a run measured.
type figures struct {
	requests  int64
	failures  int64 // any answer but 200
	elapsed   time.Duration
	latencies []time.Duration // sorted
}

func (f *figures) rate() float64 { return float64(f.requests) / f.elapsed.Seconds() }

func (f *figures) quantile(q float64) time.Duration {
	if len(f.latencies) == 0 {
		return 0
	}
	return f.latencies[min(int(q*float64(len(f.latencies))), len(f.latencies)-1)]
}

func (l load) run(ctx context.Context) (*figures, error) {
	ctx, cancel := context.WithTimeout(ctx, l.duration)
	defer cancel()
	var failures atomic.Int64
	all := make([][]time.Duration, l.connections)
	errs := make([]error, l.connections)
	var wg sync.WaitGroup
	start := time.Now()
	for c := range l.connections {
		wg.Go(func() { all[c], errs[c] = l.connection(ctx, c, &failures) })
	}
	wg.Wait()
	f := &figures{elapsed: time.Since(start), failures: failures.Load()}
	for c := range all {
		if errs[c] != nil {
			return nil, errs[c]
		}
		f.latencies = append(f.latencies, all[c]...)
	}
	slices.Sort(f.latencies)
	f.requests = int64(len(f.latencies))
	return f, nil
}

func (l load) connection(ctx context.Context, c int, failures *atomic.Int64) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", l.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // a benchmark's client
	in := bufio.NewReaderSize(conn, 4096)
	auth := base64.StdEncoding.EncodeToString([]byte(writeKey + ":"))
	var head, body bytes.Buffer
	var took []time.Duration
	for n := 0; ctx.Err() == nil; n++ {
		body.Reset()
		l.body(&body, c, n)
		head.Reset()
		fmt.Fprintf(&head, "POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: ", l.path, auth)
		head.WriteString(strconv.Itoa(body.Len()))
		head.WriteString("\r\n\r\n")
		began := time.Now()
		head.Write(body.Bytes())
		if _, err := conn.Write(head.Bytes()); err != nil {
			return took, err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return took, err
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return took, err
		}
		if answer.StatusCode != http.StatusOK {
			failures.Add(1)
			continue
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// event writes one track call of a realistic size, about 450 bytes.
func event(b *bytes.Buffer, run string, connection, n int) {
	user := (connection*7919 + n*31) % people
	fmt.Fprintf(b, `{"messageId":"%s-%d-%d","type":"track","event":"Product Viewed","userId":"u%d","anonymousId":"a%d",`, run, connection, n, user, user)
	fmt.Fprintf(b, `"timestamp":"%s","properties":{"sku":"sku-%d","price":%d.95,"currency":"GBP","category":"kitchen","position":%d},`,
		time.Now().UTC().Format(time.RFC3339Nano), n%500, n%90, n%20)
	b.WriteString(`"context":{"ip":"203.0.113.7","locale":"en-GB","page":{"path":"/product","referrer":"https://www.example.org/"},"library":{"name":"bench","version":"1"}}}`)
}

const people = 50000

func batch(size int, run string) func(*bytes.Buffer, int, int) {
	return func(b *bytes.Buffer, connection, n int) {
		b.WriteString(`{"batch":[`)
		for i := range size {
			if i > 0 {
				b.WriteByte(',')
			}
			event(b, run, connection, n*size+i)
		}
		b.WriteString(`]}`)
	}
}

func single(run string) func(*bytes.Buffer, int, int) {
	return func(b *bytes.Buffer, connection, n int) { event(b, run, connection, n) }
}

package natsjournal_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"parley/internal/journal/natsjournal"
)

// slowLine passes bytes between clients and a server and can hold back the
// server's answers, so that acknowledgements are late.
type slowLine struct {
	listener net.Listener
	server   string
	wg       sync.WaitGroup
	publish  chan struct{} // receives for each publish that passes

	mu    sync.Mutex
	open  *sync.Cond
	held  bool
	conns []net.Conn
}

func newSlowLine(t *testing.T, server string) *slowLine {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &slowLine{listener: l, server: server, publish: make(chan struct{}, 16)}
	p.open = sync.NewCond(&p.mu)
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *slowLine) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		upstream, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close() // the client sees it
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, upstream)
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(upstream, client, p.sawRequest) })
		p.wg.Go(func() { p.pass(client, upstream, p.waitOpen) })
	}
}

func (p *slowLine) pass(to, from net.Conn, before func([]byte)) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		before(buf[:n])
		if _, err := io.Copy(to, bytes.NewReader(buf[:n])); err != nil {
			return
		}
	}
}

func (p *slowLine) sawRequest(data []byte) {
	for range bytes.Count(data, []byte("HPUB parley.PARLEY ")) {
		p.publish <- struct{}{}
	}
}

func (p *slowLine) waitOpen([]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.held {
		p.open.Wait()
	}
}

func (p *slowLine) hold(held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = held
	p.open.Broadcast()
}

func (p *slowLine) close() {
	p.hold(false)
	_ = p.listener.Close() // ends accept
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close() // ends pass
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// An acknowledgement that comes late makes the driver publish again; the block
// must be in the journal once all the same.
func TestI1ALateAcknowledgementDuplicatesNothing(t *testing.T) {
	srv := startServer(t, t.TempDir(), server.RANDOM_PORT)
	line := newSlowLine(t, srv.Addr().String())
	d, err := natsjournal.Connect(t.Context(), "nats://"+line.listener.Addr().String(),
		natsjournal.Options{Logger: quiet, AckTimeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }() // the suite checks the result
	line.hold(true)
	type result struct {
		pos uint64
		err error
	}
	done := make(chan result, 1)
	go func() {
		pos, err := d.Append(t.Context(), []byte("once"))
		done <- result{uint64(pos), err}
	}()
	<-line.publish
	<-line.publish // the driver has lost patience and asked again
	line.hold(false)
	if r := <-done; r.err != nil || r.pos != 1 {
		t.Fatalf("append: position %d, %v; want 1", r.pos, r.err)
	}
	if last, err := d.Last(t.Context()); last != 1 || err != nil {
		t.Errorf("the journal ends at %d (%v); the block is there twice", last, err)
	}
}

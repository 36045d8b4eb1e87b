package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// usual are the times of the tests.
var usual = Times{Idle: 10 * time.Second, Message: 3 * time.Second, Write: 10 * time.Second}

// A fakeBackend answers "memory …" from memory. All other messages are passed on:
// "1s …" is answered after that time, "large 5 …" with five replies of 60,000 octets, "soon
// 5 …" in the same way once all messages have been read, and "silent" not at all.
type fakeBackend struct {
	name    string
	times   Times
	serving sync.WaitGroup
	passed  atomic.Int64
	stopped atomic.Bool
}

func (b *fakeBackend) Reply(to, message []byte, _ netip.Addr) []byte {
	if !strings.HasPrefix(string(message), "memory") {
		return to
	}
	to = append(append(to, b.name+" "...), bytes.TrimRight(message, " ")...)
	if string(message) == "memory large" {
		to = append(to, make([]byte, 4000)...)
	}
	return to
}

func (b *fakeBackend) Serve(c net.Conn) {
	b.passed.Add(1)
	b.serving.Go(func() {
		defer c.Close()
		message, err := readMessage(c)
		if err != nil {
			return
		}
		kind, rest, _ := strings.Cut(message, " ")
		if kind == "silent" {
			return
		}
		n := 0
		if kind == "soon" {
			time.Sleep(time.Microsecond)
		}
		if fmt.Sscan(rest, &n); kind == "large" || kind == "soon" {
			for range n {
				if writeMessage(c, strings.Repeat("x", 60_000)) != nil {
					return
				}
			}
			return
		}
		if d, err := time.ParseDuration(kind); err == nil {
			time.Sleep(d)
		}
		_ = writeMessage(c, b.name+" "+message)
	})
}

func (b *fakeBackend) Times() Times { return b.times }

func (b *fakeBackend) Stop(context.Context) { b.stopped.Store(true) }

// A fakeListener accepts the pipes that dial makes.
type fakeListener struct {
	conns    chan net.Conn
	failures chan error // of Accept
	closed   chan struct{}
	expired  chan struct{}
	here     atomic.Bool
}

func newListener() *fakeListener {
	return &fakeListener{conns: make(chan net.Conn), failures: make(chan error), closed: make(chan struct{}), expired: make(chan struct{})}
}

func (l *fakeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case err := <-l.failures:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	case <-l.expired:
		return nil, os.ErrDeadlineExceeded
	}
}
func (l *fakeListener) Close() error          { close(l.closed); return nil }
func (l *fakeListener) Addr() net.Addr        { return &net.TCPAddr{} }
func (l *fakeListener) Steer(here bool) error { l.here.Store(here); return nil }
func (l *fakeListener) SetDeadline(at time.Time) error {
	time.AfterFunc(time.Until(at), func() { close(l.expired) })
	return nil
}

// A pipe is the server's side of a connection, from an address.
type pipe struct {
	net.Conn
	client netip.Addr
	closed atomic.Bool
}

func (p *pipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: p.client.AsSlice(), Port: 4000} }

func (p *pipe) Close() error {
	p.closed.Store(true)
	return p.Conn.Close()
}

// Read ends with the message END, and fails with the message RST.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if at := strings.Index(string(b[:n]), "\x00\x0cEND"); at >= 0 {
		return at, io.EOF
	}
	if strings.Contains(string(b[:n]), "\x00\x0cRST") {
		return 0, syscall.ECONNRESET
	}
	return n, err
}

// A world is a pool with one address.
type world struct {
	*testing.T
	pool     *Pool
	listener *fakeListener
	address  string
	backend  *fakeBackend
	lease    *Lease
	pipes    []*pipe
}

var worlds atomic.Int64

// roomy are limits that no test reaches by accident.
var roomy = Limits{Connections: 1000, PerNetwork: 1000, Memory: 1 << 30}

func newWorld(t *testing.T, l Limits, times Times) *world {
	w := &world{T: t, pool: NewPool(l), listener: newListener(), address: fmt.Sprint(worlds.Add(1))}
	w.backend, w.lease = w.serve("a", times)
	return w
}

func (w *world) serve(name string, times Times) (*fakeBackend, *Lease) {
	w.Helper()
	b := &fakeBackend{name: name, times: times}
	l, err := w.pool.Serve(w.address, b, func() (Listener, error) { return w.listener, nil })
	if err != nil {
		w.Fatal(err)
	}
	return b, l
}

// stop ends the last lease, which closes all connections.
func (w *world) stop() {
	w.Helper()
	if err := w.lease.Close(0); err != nil {
		w.Error(err)
	}
	w.backend.serving.Wait()
	synctest.Wait()
	if n := w.pool.memory + w.pool.long; n != 0 || len(w.pool.conns) != 0 {
		w.Errorf("%d octets of %d connections are counted after the end", n, len(w.pool.conns))
	}
	if w.pool.open != 0 || len(w.pool.networks) != 0 || w.pool.waiting.Len() != 0 {
		w.Errorf("%d connections of %d networks are open after the end, %d wait", w.pool.open, len(w.pool.networks), w.pool.waiting.Len())
	}
}

// dial connects from an address.
func (w *world) dial(from string) net.Conn {
	ours, theirs := net.Pipe()
	p := &pipe{Conn: theirs, client: netip.MustParseAddr(from)}
	w.pipes = append(w.pipes, p)
	w.listener.conns <- p
	return ours
}

// ask sends messages, each of them in one write.
func ask(t *testing.T, c net.Conn, messages ...string) {
	t.Helper()
	for _, m := range messages {
		if err := writeMessage(c, m); err != nil {
			t.Errorf("%s: %v", m, err)
			return
		}
	}
}

func writeMessage(w io.Writer, m string) error {
	_, err := w.Write(framed(m))
	return err
}

// framed returns messages with their lengths. Short ones get spaces.
func framed(messages ...string) (b []byte) {
	for _, m := range messages {
		m += strings.Repeat(" ", max(0, minSize-len(m)))
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(m))), m...)
	}
	return b
}

func readMessage(r io.Reader) (string, error) {
	var size uint16
	if err := binary.Read(r, binary.BigEndian, &size); err != nil {
		return "", err
	}
	b := make([]byte, size)
	_, err := io.ReadFull(r, b)
	return strings.TrimRight(string(b), " "), err
}

// replies reads so many replies, with the time since the start.
func replies(t *testing.T, c net.Conn, start time.Time, n int) (all []string) {
	t.Helper()
	for range n {
		m, err := readMessage(c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%v: %s", time.Since(start), m))
	}
	return all
}

// closedAfter returns the time until the connection is closed.
func closedAfter(t *testing.T, c net.Conn, start time.Time) time.Duration {
	t.Helper()
	if m, err := readMessage(c); !errors.Is(err, io.EOF) {
		t.Errorf("read %q, %v; want an end", m, err)
	}
	return time.Since(start)
}

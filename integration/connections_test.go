package integration

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// longTimeouts is the plain Corefile with long timeouts for TCP connections.
func longTimeouts() string { return corefile("timeouts {", "    read 30s", "    idle 30s", "}") }

// connect opens a TCP connection, which is closed at the end of the test.
func connect(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(processTimeout)) //nolint:errcheck // the next read fails
	return conn
}

// receive reads one message from a connection.
func receive(conn net.Conn) (*dns.Msg, error) { return (&dns.Conn{Conn: conn}).ReadMsg() }

// framed returns q in the TCP wire format, with its length first (RFC 1035, 4.2.2).
func framed(t testing.TB, q *dns.Msg) []byte {
	t.Helper()
	wire, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
}

// Clients that keep connections open, as RFC 7766, 6.2.1 recommends, do not delay
// other clients.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	const held = 200
	s, _ := serve(t, longTimeouts())
	conns := make([]net.Conn, held)
	for i := range conns {
		conns[i] = connect(t, s.addr(""))
	}
	answered := func(when string) (n int) {
		for i, conn := range conns {
			q := question(fc1, dns.TypeA)
			q.Id = uint16(i)
			if _, err := conn.Write(framed(t, q)); err != nil {
				t.Errorf("connection %d, %s: %v", i, when, err)
				continue
			}
			m, err := receive(conn)
			if err != nil || m.Id != q.Id || summary(m) != fc1Served {
				t.Errorf("connection %d, %s: %v, %v; want %s", i, when, m, err, fc1Served)
				continue
			}
			n++
		}
		return n
	}
	before := answered("first query")
	var slowest time.Duration
	for range 50 {
		for _, network := range []string{"udp", "tcp"} {
			for _, name := range []string{blob, "www.corp.example"} {
				began := time.Now()
				exchange(t, network, s.addr(""), question(name, dns.TypeA))
				slowest = max(slowest, time.Since(began))
			}
		}
	}
	if slowest > 2*time.Second {
		t.Errorf("with %d open connections a query took %s; want at most 2s", held, slowest)
	}
	after := answered("second query")
	note(t, "Machines", "200 connections held open", "TCP", fmt.Sprintf("%d of %d, others connect as well", min(before, after), held))
}

func TestByteByByte(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, longTimeouts())
	conn := connect(t, s.addr(""))
	tick := time.NewTicker(time.Millisecond) // so that each byte is sent in its own segment
	defer tick.Stop()
	for _, name := range []string{fc1, "www.corp.example"} {
		for _, b := range framed(t, question(name, dns.TypeA)) {
			<-tick.C
			if _, err := conn.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		m, err := receive(conn)
		if err != nil || m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 {
			t.Errorf("%s byte by byte: %v, %v", name, m, err)
		}
	}
	note(t, "Machines", "client that sends byte by byte", "TCP", "answered")
}

// Every query on a connection is answered, although the client sends all of them
// before it reads, and one of them is slow (RFC 7766, 6.2.1.1).
func TestPipelined(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, longTimeouts())
	slow := make(chan struct{})
	upstream.Script("new.corp.example", func(m *dns.Msg) *dns.Msg { <-slow; return m })
	conn := connect(t, s.addr(""))
	names := []string{"new.corp.example", fc1, blob, "www.corp.example", "none.corp.example", "backup.corp.example"}
	var all []byte
	const rounds = 50
	for id := range rounds * len(names) {
		q := question(names[id%len(names)], dns.TypeA)
		q.Id = uint16(id)
		all = append(all, framed(t, q)...)
	}
	if _, err := conn.Write(all); err != nil {
		t.Fatal(err)
	}
	close(slow)
	answered := map[uint16]bool{}
	for range rounds * len(names) {
		m, err := receive(conn)
		if err != nil {
			t.Fatalf("after %d answers: %v", len(answered), err)
		}
		if want := dns.Fqdn(names[int(m.Id)%len(names)]); answered[m.Id] || m.Question[0].Name != want {
			t.Fatalf("ID %d answered %v, question %s; want %s once", m.Id, answered[m.Id], m.Question[0].Name, want)
		}
		answered[m.Id] = true
	}
}

// A client that closes its side of the connection after the query still receives
// the answer.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, longTimeouts())
	conn := connect(t, s.addr(""))
	for range 3 {
		if _, err := conn.Write(framed(t, question(fc1, dns.TypeA))); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if m, err := receive(conn); err != nil || summary(m) != fc1Served {
			t.Errorf("answer %d: %v, %v; want %s", i, m, err, fc1Served)
		}
	}
	if _, err := receive(conn); !errors.Is(err, io.EOF) {
		t.Errorf("after the answers: %v; want the connection closed", err)
	}
}

// A connection without a complete query is closed after the read timeout, and an
// idle connection after the idle timeout.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile("timeouts {", "    read 1s", "    idle 2s", "}"))
	wire := framed(t, question(fc1, dns.TypeA))
	for _, tt := range []struct {
		name    string
		sends   []byte
		answers int
		after   time.Duration
	}{
		{"nothing", nil, 0, time.Second},
		{"half a length", wire[:1], 0, time.Second},
		{"half a query", wire[:20], 0, time.Second},
		{"a query", wire, 1, 2 * time.Second},
		{"a query and a half", slices.Concat(wire, wire[:20]), 1, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			conn := connect(t, s.addr(""))
			if _, err := conn.Write(tt.sends); err != nil {
				t.Fatal(err)
			}
			answers := 0
			_, err := receive(conn)
			for ; err == nil; _, err = receive(conn) {
				answers++
			}
			if took := time.Since(began); !errors.Is(err, io.EOF) || answers != tt.answers || took < tt.after {
				t.Errorf("%d answers, then %v after %s; want %d, then EOF after %s", answers, err, took, tt.answers, tt.after)
			}
		})
	}
}

// A client that sends queries and never reads does not block other clients.
func TestClientThatNeverReads(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, longTimeouts())
	var wg sync.WaitGroup
	for range 10 {
		conn := connect(t, s.addr(""))
		conn.SetDeadline(time.Now().Add(time.Second)) //nolint:errcheck // the write fails
		wire := framed(t, question("large.queue.core.windows.net", dns.TypeA))
		wg.Go(func() {
			for err := error(nil); err == nil; {
				_, err = conn.Write(wire)
			}
		})
	}
	wg.Wait() // all buffers are full
	ask(t, s.addr(""), []row{
		{"local name", fc1 + " A", fc1Served},
		{"foreign name", "www.corp.example A", "NOERROR ra: A 198.51.100.80, A 198.51.100.81"},
	})
}

// With several sockets on one port, each query is answered exactly once.
func TestMultisocket(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile("multisocket 4"))
	eventually(t, "four sockets", func() bool { return strings.Count(s.out.String(), " on 127.0.0.1") == 4 })
	for range 50 { // the source port changes, so the kernel selects each socket at some point
		for _, network := range []string{"udp", "tcp"} {
			if got := summary(exchange(t, network, s.addr(""), question(fc1, dns.TypeA))); got != fc1Served {
				t.Fatalf("%s over %s = %s; want %s", fc1, network, got, fc1Served)
			}
			exchange(t, network, s.addr(""), question("www.corp.example", dns.TypeA))
		}
	}
	if n := upstream.Asked("www.corp.example"); n != 100 {
		t.Errorf("upstream received %d queries; want 100", n)
	}
}

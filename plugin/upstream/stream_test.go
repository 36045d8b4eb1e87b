package upstream

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// Queries share one connection and are answered in any order.
func TestSharedConnection(t *testing.T) {
	for _, to := range []string{hub, "tls://192.0.2.1:53"} {
		synctest.Test(t, func(t *testing.T) {
			h := &host{answer: records(30)}
			h.serve = reversed(h, 10)
			u := start(t, fakeNetwork{hub: h}, nil, to)
			defer end(u)
			var all sync.WaitGroup
			for i := range 10 {
				all.Go(func() {
					expect(t, to, lookup(t, u, fmt.Sprintf("n%d.example.", i)), "NOERROR 30 after 0s")
				})
			}
			all.Wait()
			expect(t, "connections", fmt.Sprint(h.connects), "1")
		})
	}
}

// reversed answers n queries at once, the last one first.
func reversed(h *host, n int) func(conn net.Conn) {
	return func(conn net.Conn) {
		var all [][]byte
		for len(all) < n {
			b, err := readMessage(conn)
			if err != nil {
				return
			}
			_, response, _ := h.respond("tcp", b)
			all = append(all, append([]byte{byte(len(response) >> 8), byte(len(response))}, response...))
		}
		for i := range all {
			_, _ = conn.Write(all[n-1-i])
		}
	}
}

// If a connection in use fails in any way, a query needs one retry on a new connection.
func TestDeadConnections(t *testing.T) {
	for _, tc := range []struct {
		name string
		dead func(h *host, conn net.Conn)
		want string
	}{
		{"silent, without RST", func(*host, net.Conn) {}, "NOERROR 30 after 200ms"},
		{"reset", func(_ *host, conn net.Conn) { _ = conn.Close() }, "NOERROR 30 after 0s"},
		{"half a message", halfMessage, "NOERROR 30 after 200ms"},
		{"a response to another question", otherQuestion, "NOERROR 30 after 200ms"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := &host{answer: records(30)}
			h.serve = once(h, tc.dead)
			u := start(t, fakeNetwork{hub: h}, func(cfg *config) { cfg.expire = time.Hour }, "tls://"+hub)
			defer end(u)
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() { lookup(t, u, fmt.Sprintf("a%d.example.", i)) })
			}
			all.Wait()
			time.Sleep(time.Second)
			h.set(func(h *host) { h.connects, h.asked = 0, nil })
			for i := range 100 {
				all.Go(func() { expect(t, tc.name, lookup(t, u, fmt.Sprintf("b%d.example.", i)), tc.want) })
			}
			all.Wait()
			if h.connects > 1 {
				t.Errorf("%s: %d fresh connections for 100 queries; want 1", tc.name, h.connects)
			}
		})
	}
}

// once answers on the first connection for a while only, and on the others always.
func once(h *host, dead func(h *host, conn net.Conn)) func(conn net.Conn) {
	first, began := true, time.Now()
	return func(conn net.Conn) {
		if !first {
			h.stream(conn)
			return
		}
		first = false
		for {
			b, err := readMessage(conn)
			if err != nil {
				return
			}
			if time.Since(began) > 0 || h.count("tcp") >= 8 {
				dead(h, conn)
				continue
			}
			_, response, _ := h.respond("tcp", b)
			_, _ = conn.Write(append([]byte{byte(len(response) >> 8), byte(len(response))}, response...))
		}
	}
}

func halfMessage(_ *host, conn net.Conn) {
	go func() { _, _ = conn.Write([]byte{2, 0, 1, 2, 3}) }()
}

func otherQuestion(_ *host, conn net.Conn) {
	m := new(dns.Msg).SetQuestion("other.example.", dns.TypeA)
	m.Response = true
	b, _ := m.Pack()
	go func() { _, _ = conn.Write(append([]byte{0, byte(len(b))}, b...)) }()
}

// A server that answers in order does not make fast queries wait for a slow one.
func TestSlowQueryOnConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{answer: records(1)}
		h.serve = func(conn net.Conn) { // in order
			for {
				b, err := readMessage(conn)
				if err != nil {
					return
				}
				_, response, _ := h.respond("tcp", b)
				r := new(dns.Msg)
				_ = r.Unpack(b)
				if r.Question[0].Name == "slow.example." {
					time.Sleep(3 * time.Second)
				}
				_, _ = conn.Write(append([]byte{0, byte(len(response))}, response...))
			}
		}
		u := start(t, fakeNetwork{hub: h}, nil, "tls://"+hub)
		defer end(u)
		lookup(t, u, "a.example.")
		var all sync.WaitGroup
		all.Go(func() { expect(t, "slow", lookup(t, u, "slow.example."), "NOERROR 1 after 3s") })
		time.Sleep(100 * ms)
		all.Go(func() { expect(t, "fast", lookup(t, u, "b.example."), "NOERROR 1 after 200ms") })
		time.Sleep(200 * ms)
		expect(t, "later", lookup(t, u, "c.example."), "NOERROR 1 after 0s")
		all.Wait()
	})
}

// An idle connection is closed, and one that the upstream closes is not used.
func TestIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{answer: records(1)}
		u := start(t, fakeNetwork{hub: h}, nil, "tls://"+hub)
		defer end(u)
		before := sockets.taken
		lookup(t, u, "a.example.")
		time.Sleep(5 * time.Second)
		lookup(t, u, "b.example.")
		expect(t, "connections", fmt.Sprint(h.connects), "1")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		expect(t, "open sockets", fmt.Sprint(sockets.taken), fmt.Sprint(before))
		lookup(t, u, "c.example.")
		expect(t, "connections", fmt.Sprint(h.connects), "2")
	})
}

// A server may close each connection after some answers. The other queries of a connection
// are repeated, unless it had no answer at all.
func TestClosedConnections(t *testing.T) {
	for _, tc := range []struct {
		name, to    string
		answers     int
		want        string
		connections int
	}{
		{"one answer over TLS", "tls://" + hub, 1, "NOERROR 30 after 30ms", 50},
		{"one answer after a truncated response", hub, 1, "NOERROR 30 after 30ms", 50},
		{"20 answers", "tls://" + hub, 20, "NOERROR 30 after 30ms", 12},
		{"all answers", "tls://" + hub, 50, "NOERROR 30 after 10ms", 1},
		{"no answer", "tls://" + hub, 0, "SERVFAIL EDE 23 after 820ms", 3},
		{"no answer after a truncated response", hub, 0, "SERVFAIL EDE 23 after 10ms", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := &host{answer: records(30)}
			h.serve = closing(h, tc.answers)
			u := start(t, fakeNetwork{hub: h}, nil, tc.to)
			defer end(u)
			var all sync.WaitGroup
			slowest := make([]string, 50)
			for i := range slowest {
				all.Go(func() { slowest[i] = lookup(t, u, fmt.Sprintf("n%d.example.", i)) })
			}
			all.Wait()
			expect(t, tc.name, slices.Max(slowest), tc.want)
			expect(t, tc.name+": connections", fmt.Sprint(h.connects), fmt.Sprint(tc.connections))
		})
	}
}

// closing answers n queries of each connection after 10 ms and closes it.
func closing(h *host, n int) func(conn net.Conn) {
	return func(conn net.Conn) {
		defer conn.Close()
		for left := n; ; left-- {
			b, err := readMessage(conn)
			if err != nil {
				return
			}
			if left == n {
				time.Sleep(10 * ms)
			}
			if left > 0 {
				_, response, _ := h.respond("tcp", b)
				_, _ = conn.Write(append([]byte{byte(len(response) >> 8), byte(len(response))}, response...))
			}
			if left <= 1 {
				return
			}
		}
	}
}

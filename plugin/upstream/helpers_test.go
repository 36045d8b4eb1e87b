package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// A host is an upstream without sockets. All times are those of a synctest bubble.
type host struct {
	mu       sync.Mutex
	delay    time.Duration
	answer   func(r *dns.Msg) *dns.Msg             // nil is silence
	forged   func(query, response []byte) [][]byte // datagrams before the response, or in its place
	refuse   bool                                  // as if the port is closed
	asked    []string                              // "udp" and "tcp" names
	connects int
	serve    func(conn net.Conn) // of TCP; nil: answer
}

func (h *host) set(change func(h *host)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

// count returns the number of queries of a protocol.
func (h *host) count(proto string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.asked {
		if strings.HasPrefix(a, proto+" ") {
			n++
		}
	}
	return n
}

func (h *host) respond(proto string, b []byte) (forged [][]byte, response []byte, delay time.Duration) {
	r := new(dns.Msg)
	if err := r.Unpack(b); err != nil {
		panic(err)
	}
	h.mu.Lock()
	h.asked = append(h.asked, proto+" "+r.Question[0].Name)
	answer, delay, forge := h.answer, h.delay, h.forged
	h.mu.Unlock()
	if answer == nil {
		return nil, nil, 0
	}
	m := answer(r)
	if m == nil {
		return nil, nil, 0
	}
	if proto == "udp" && len(m.Answer) > 10 { // does not fit
		m.Answer, m.Truncated = m.Answer[:1], true
	}
	response, err := m.Pack()
	if err != nil {
		panic(err)
	}
	if forge != nil {
		forged = forge(b, response)
	}
	return forged, response, delay
}

// A fakeNetwork has hosts by address.
type fakeNetwork map[string]*host

func (n fakeNetwork) datagram(to netip.AddrPort) (socket, error) {
	return &fakeSocket{host: n[to.String()], arrived: make(chan []byte, 100), closed: make(chan struct{})}, nil
}

type fakeSocket struct {
	host     *host
	arrived  chan []byte
	closed   chan struct{}
	once     sync.Once
	mu       sync.Mutex
	deadline time.Time
	refused  bool
}

func (s *fakeSocket) Write(b []byte) (int, error) {
	s.host.mu.Lock()
	s.refused = s.host.refuse
	s.host.mu.Unlock()
	if s.refused {
		return len(b), nil
	}
	forged, response, delay := s.host.respond("udp", bytes.Clone(b))
	for _, f := range forged {
		s.arrived <- f
	}
	if response != nil {
		time.AfterFunc(delay, func() { s.arrived <- response })
	}
	return len(b), nil
}

func (s *fakeSocket) Read(b []byte) (int, error) {
	if s.refused {
		s.refused = false // reported once
		return 0, errors.New("connection refused")
	}
	s.mu.Lock()
	timer := time.NewTimer(time.Until(s.deadline))
	s.mu.Unlock()
	defer timer.Stop()
	select {
	case data := <-s.arrived:
		return copy(b, data), nil
	case <-timer.C:
		return 0, os.ErrDeadlineExceeded
	case <-s.closed:
		return 0, net.ErrClosed
	}
}

func (s *fakeSocket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return nil
}

func (s *fakeSocket) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (n fakeNetwork) connect(_ context.Context, e endpoint) (net.Conn, error) {
	h := n[e.addr.String()]
	h.mu.Lock()
	h.connects++
	serve, refuse := h.serve, h.refuse
	h.mu.Unlock()
	if refuse {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	if serve == nil {
		serve = h.stream
	}
	go serve(theirs)
	return ours, nil
}

func (fakeNetwork) close() {}

// stream answers each query after its delay, in any order.
func (h *host) stream(conn net.Conn) {
	var mu sync.Mutex
	for {
		b, err := readMessage(conn)
		if err != nil {
			return
		}
		_, response, delay := h.respond("tcp", b)
		if response != nil {
			time.AfterFunc(delay, func() {
				mu.Lock()
				defer mu.Unlock()
				_, _ = conn.Write(append([]byte{byte(len(response) >> 8), byte(len(response))}, response...))
			})
		}
	}
}

func readMessage(conn net.Conn) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, int(length[0])<<8|int(length[1]))
	_, err := io.ReadFull(conn, b)
	return b, err
}

// records answers each name with n addresses.
func records(n int) func(r *dns.Msg) *dns.Msg {
	return func(r *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(r)
		for i := range n {
			m.Answer = append(m.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, byte(i)),
			})
		}
		if opt := r.IsEdns0(); opt != nil {
			m.SetEdns0(1232, opt.Do())
		}
		return m
	}
}

func rcode(code int) func(r *dns.Msg) *dns.Msg {
	return func(r *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(r, code) }
}

// noEDNS rejects a query with EDNS, with a question or without one.
func noEDNS(code int, question bool) func(r *dns.Msg) *dns.Msg {
	return func(r *dns.Msg) *dns.Msg {
		if r.IsEdns0() == nil {
			return records(1)(r)
		}
		m := rcode(code)(r)
		if !question {
			m.Question = nil
		}
		return m
	}
}

// start returns a handler for a directive that uses the hosts of the network.
func start(t *testing.T, n fakeNetwork, change func(cfg *config), to ...string) *Upstream {
	t.Helper()
	cfg := defaults()
	cfg.from = "."
	var err error
	if cfg.servers, err = endpoints(to); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(cfg)
	}
	return newUpstream(cfg, n)
}

// end ends the handler and waits for the attempts under way.
func end(u *Upstream) {
	u.close()
	time.Sleep(totalTime)
	synctest.Wait()
}

// A writer records the reply.
type writer struct {
	m *dns.Msg
}

func (w *writer) WriteMsg(m *dns.Msg) error { w.m = m; return nil }
func (*writer) Write([]byte) (int, error)   { panic("not used") }
func (*writer) LocalAddr() net.Addr         { return &net.UDPAddr{} }
func (*writer) RemoteAddr() net.Addr        { return &net.UDPAddr{} }
func (*writer) Close() error                { return nil }
func (*writer) TsigStatus() error           { return nil }
func (*writer) TsigTimersOnly(bool)         {}
func (*writer) Hijack()                     {}

// lookup asks for an A record with EDNS and returns the reply and its time, for example
// "NOERROR 1 after 20ms".
func lookup(t *testing.T, u *Upstream, name string) string {
	t.Helper()
	began, w := time.Now(), &writer{}
	r := new(dns.Msg).SetQuestion(name, dns.TypeA)
	r.SetEdns0(4096, false)
	if _, err := u.ServeDNS(t.Context(), w, r); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s after %s", show(w.m), time.Since(began).Round(10*time.Millisecond))
}

func show(m *dns.Msg) string {
	text := dns.RcodeToString[m.Rcode]
	if m.Truncated {
		text += " TC"
	}
	if len(m.Answer) > 0 {
		text += fmt.Sprint(" ", len(m.Answer))
	}
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if ede, ok := o.(*dns.EDNS0_EDE); ok {
				text += fmt.Sprint(" EDE ", ede.InfoCode)
			}
		}
	}
	return text
}

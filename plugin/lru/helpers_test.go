package lru

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

// An upstream is a next plugin with configurable responses.
type upstream struct {
	mu      sync.Mutex
	reply   func(r *dns.Msg, client net.Addr) *dns.Msg // nil: it does not answer
	delay   time.Duration
	asked   atomic.Int32
	queries []*dns.Msg
}

func (*upstream) Name() string { return "upstream" }

func (u *upstream) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	u.asked.Add(1)
	u.mu.Lock()
	u.queries = append(u.queries, r)
	reply, delay := u.reply, u.delay
	u.mu.Unlock()
	if delay > 0 { // the race detector of Go 1.26 crashes at a timer of synctest that is due at once
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return dns.RcodeServerFailure, ctx.Err()
		}
	}
	if reply == nil {
		return dns.RcodeServerFailure, errors.New("no answer")
	}
	m := reply(r, w.RemoteAddr())
	if m == nil {
		return dns.RcodeServerFailure, errors.New("no answer")
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// responds makes the upstream answer every question with the text, see parseReply.
func (u *upstream) responds(t testing.TB, text string) {
	m := parseReply(t, text)
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg { return responseTo(m, r) })
}

// timesOut makes the upstream return an error after a while.
func (u *upstream) timesOut(after time.Duration) { u.set(after, nil) }

func (u *upstream) set(delay time.Duration, reply func(*dns.Msg, net.Addr) *dns.Msg) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.delay, u.reply = delay, reply
}

func responseTo(m, r *dns.Msg) *dns.Msg {
	c := m.Copy()
	c.Id, c.Question, c.Response = r.Id, r.Question, true
	return c
}

func newLRU(u *upstream, size int) *LRU {
	return &LRU{Next: u, stale: time.Hour, prefetch: 10, store: newStore(size, time.Hour)}
}

type writer struct {
	test.ResponseWriter
	m *dns.Msg
}

func (w *writer) WriteMsg(m *dns.Msg) error { w.m = m; return nil }

func ask(t testing.TB, l *LRU, r *dns.Msg) *dns.Msg {
	t.Helper()
	w := &writer{}
	if _, err := l.ServeDNS(t.Context(), w, r); err != nil {
		t.Fatal(err)
	}
	return w.m
}

func query(name, qtype string) *dns.Msg {
	return new(dns.Msg).SetQuestion(name, dns.StringToType[qtype])
}

// parseReply parses the notation of package dnstest.
func parseReply(t testing.TB, text string) *dns.Msg {
	t.Helper()
	m, err := dnstest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// show writes a reply in the notation of package dnstest, with TTLs.
func show(m *dns.Msg) string { return dnstest.Show(m) }

// wait blocks until no flight is under way.
func (f *flights) wait() {
	for {
		var next *flight
		f.mu.Lock()
		for _, next = range f.all {
			break
		}
		f.mu.Unlock()
		if next == nil {
			return
		}
		<-next.done
	}
}

// len returns the number of entries.
func (s *store) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries.len()
}

package lru

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// An upstream is a next plugin that is told what to answer.
type upstream struct {
	mu     sync.Mutex
	reply  func(r *dns.Msg, client net.Addr) *dns.Msg // nil: it does not answer
	delay  time.Duration
	asked  atomic.Int32
	before []*dns.Msg // the queries
}

func (*upstream) Name() string { return "upstream" }

func (u *upstream) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	u.asked.Add(1)
	u.mu.Lock()
	u.before = append(u.before, r)
	reply, delay := u.reply, u.delay
	u.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return dns.RcodeServerFailure, ctx.Err()
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

// says makes the upstream answer every question with the text, see parseReply.
func (u *upstream) says(t testing.TB, text string) {
	m := parseReply(t, text)
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg { return answering(m, r) })
}

// dies makes the upstream give no answer, after a while.
func (u *upstream) dies(after time.Duration) { u.set(after, nil) }

func (u *upstream) set(delay time.Duration, reply func(*dns.Msg, net.Addr) *dns.Msg) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.delay, u.reply = delay, reply
}

func answering(m, r *dns.Msg) *dns.Msg {
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

// parseReply reads "RCODE flags: answer; answer / authority / additional", each
// record in full.
func parseReply(t testing.TB, text string) *dns.Msg {
	t.Helper()
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, RecursionDesired: true, RecursionAvailable: true}}
	head, sections, _ := strings.Cut(text, ":")
	for i, word := range strings.Fields(head) {
		switch {
		case i == 0:
			m.Rcode = dns.StringToRcode[word]
		case word == "aa":
			m.Authoritative = true
		case word == "ad":
			m.AuthenticatedData = true
		case word == "tc":
			m.Truncated = true
		default:
			t.Fatalf("%q in %q", word, text)
		}
	}
	to := []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra}
	for i, section := range strings.Split(sections, " / ") {
		for line := range strings.SplitSeq(section, ";") {
			rr, err := dns.NewRR(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			if rr != nil {
				*to[i] = append(*to[i], rr)
			}
		}
	}
	return m
}

// show writes a reply as parseReply reads it: TTLs too, an SOA record without
// its data, and EDE codes behind the RCODE.
func show(m *dns.Msg) string {
	var b strings.Builder
	b.WriteString(dns.RcodeToString[m.Rcode])
	for _, flag := range []struct {
		on   bool
		name string
	}{{m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.AuthenticatedData, "ad"}} {
		if flag.on {
			b.WriteString(" " + flag.name)
		}
	}
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			fmt.Fprintf(&b, " EDE %d", o.(*dns.EDNS0_EDE).InfoCode)
		}
	}
	b.WriteString(":")
	for i, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		var rrs []string
		for _, rr := range section {
			if rr.Header().Rrtype != dns.TypeOPT {
				rrs = append(rrs, showRR(rr))
			}
		}
		if len(rrs) > 0 {
			b.WriteString([]string{" ", " / ", " / "}[i] + strings.Join(rrs, "; "))
		}
	}
	return b.String()
}

func showRR(rr dns.RR) string {
	h := rr.Header()
	if h.Rrtype == dns.TypeSOA {
		return fmt.Sprintf("%s %d SOA", h.Name, h.Ttl)
	}
	return fmt.Sprintf("%s %d %s %s", h.Name, h.Ttl, dns.TypeToString[h.Rrtype], strings.TrimPrefix(rr.String(), h.String()))
}

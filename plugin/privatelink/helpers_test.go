package privatelink

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// estate has a fallthrough zone, a strict one, and a DNS zone endpoint.
const estate = `privatelink privatelink.fall.test privatelink.hard.test {
	strict privatelink.hard.test
	record a.privatelink.fall.test 10.0.0.1 10.0.0.2
	record b.privatelink.hard.test 10.0.0.3
	record six.fall.test fd00::1
	record deep.sub.privatelink.hard.test 10.0.0.4
	record p.z7.blob.storage.azure.net 10.0.0.5
	record v.we.backup.windowsazure.com 10.0.0.6
}`

// start returns a handler that has loaded the sources of the Corefile.
func start(t testing.TB, corefile string, next plugin.Handler) *Privatelink {
	t.Helper()
	cfg, err := parse(caddy.NewTestController("dns", corefile), "")
	if err != nil {
		t.Fatal(err)
	}
	p := newPrivatelink(cfg, t.Name())
	p.Next = next
	t.Cleanup(p.close)
	p.zones.Begin()
	p.zones.Commit()
	return p
}

// upstream is a next plugin that gives one reply to everything.
func upstream(reply *dns.Msg) plugin.Handler {
	return plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		m := reply.Copy()
		m.Id, m.Question = r.Id, r.Question
		return dns.RcodeSuccess, w.WriteMsg(m)
	})
}

// nobody is a next plugin that must not be asked.
func nobody(t testing.TB) plugin.Handler {
	return plugin.HandlerFunc(func(_ context.Context, _ dns.ResponseWriter, r *dns.Msg) (int, error) {
		t.Errorf("the next plugin is asked for %s", r.Question[0].Name)
		return dns.RcodeServerFailure, nil
	})
}

// ask returns the reply as the client sees it, the server's own errors too.
func ask(t testing.TB, p plugin.Handler, r *dns.Msg) *dns.Msg {
	t.Helper()
	w := &writer{}
	rcode, err := p.ServeDNS(t.Context(), w, r)
	if err != nil {
		t.Fatal(err)
	}
	if w.Msg == nil {
		w.Msg = new(dns.Msg).SetRcode(r, rcode)
	}
	return w.Msg
}

// A writer keeps the message that is written.
type writer struct {
	test.ResponseWriter
	Msg *dns.Msg
}

func (w *writer) WriteMsg(m *dns.Msg) error   { w.Msg = m; return nil }
func (w *writer) RemoteAddr() net.Addr        { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40212} }
func (w *writer) Write(b []byte) (int, error) { w.Msg = new(dns.Msg); return len(b), w.Msg.Unpack(b) }

func query(name, qtype string) *dns.Msg {
	return new(dns.Msg).SetQuestion(name, dns.StringToType[qtype])
}

// parseReply reads the notation of show, with every record in full.
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
	for i, section := range strings.Split(sections, "/") {
		for line := range strings.SplitSeq(section, ";") {
			rr, err := dns.NewRR(strings.TrimSpace(line))
			if rr == nil && err == nil { // an empty section
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			*to[i] = append(*to[i], rr)
		}
	}
	return m
}

// show writes a reply in one line: "RCODE flags: answer; answer / authority /
// additional", with TTLs left out, SOA records as the zone's name alone and
// without the OPT record.
func show(m *dns.Msg) string {
	var b strings.Builder
	b.WriteString(dns.RcodeToString[m.Rcode])
	for _, flag := range []struct {
		on   bool
		name string
	}{{m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.AuthenticatedData, "ad"}, {!m.RecursionAvailable, "no-ra"}} {
		if flag.on {
			b.WriteString(" " + flag.name)
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
		if len(rrs) == 0 {
			continue
		}
		if i > 0 {
			b.WriteString(" /")
		}
		b.WriteString(" " + strings.Join(rrs, "; "))
	}
	return b.String()
}

func showRR(rr dns.RR) string {
	h := rr.Header()
	if h.Rrtype == dns.TypeSOA {
		return "SOA " + h.Name
	}
	return fmt.Sprintf("%s %s %s", h.Name, dns.TypeToString[h.Rrtype], strings.TrimPrefix(rr.String(), h.String()))
}

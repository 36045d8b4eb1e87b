package privatelink

import (
	"context"
	"net"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

// testCorefile has a fallthrough zone, a strict zone, and a DNS zone endpoint.
const testCorefile = `privatelink privatelink.fall.test privatelink.hard.test {
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

// upstream returns a next plugin that answers every query with the reply.
func upstream(reply *dns.Msg) plugin.Handler {
	return plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		m := reply.Copy()
		m.Id, m.Question = r.Id, r.Question
		return dns.RcodeSuccess, w.WriteMsg(m)
	})
}

// nobody returns a next plugin that fails the test when it is queried.
func nobody(t testing.TB) plugin.Handler {
	return plugin.HandlerFunc(func(_ context.Context, _ dns.ResponseWriter, r *dns.Msg) (int, error) {
		t.Errorf("the next plugin is queried for %s", r.Question[0].Name)
		return dns.RcodeServerFailure, nil
	})
}

// ask returns the reply that the client receives. If the plugin writes none, the
// server makes it of the RCODE. There is exactly one.
func ask(t testing.TB, p plugin.Handler, r *dns.Msg) *dns.Msg {
	t.Helper()
	w := &writer{}
	rcode, err := p.ServeDNS(t.Context(), w, r)
	if err != nil {
		t.Fatal(err)
	}
	switch written := w.Msg != nil; {
	case written != plugin.ClientWrite(rcode):
		t.Errorf("%s: written: %v, and the server makes a reply of %s: want one reply", r.Question[0].Name, written, dns.RcodeToString[rcode])
	case !written:
		w.Msg = new(dns.Msg).SetRcode(r, rcode)
	}
	return w.Msg
}

// A writer keeps the written message.
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

// parseReply parses the notation of package dnstest.
func parseReply(t testing.TB, text string) *dns.Msg {
	t.Helper()
	m, err := dnstest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

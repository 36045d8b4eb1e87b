package integration

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// question returns a query like a stub resolver's, with RD and without EDNS.
func question(name string, qtype uint16) *dns.Msg {
	return new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
}

// exchange sends q over network, "udp" or "tcp". It is for tests that need more
// control than dig has.
func exchange(t testing.TB, network, addr string, q *dns.Msg) *dns.Msg {
	t.Helper()
	m, _, err := (&dns.Client{Net: network, Timeout: processTimeout, UDPSize: dns.MaxMsgSize}).Exchange(q, addr)
	if err != nil {
		t.Fatalf("%s over %s: %v", q.Question[0].Name, network, err)
	}
	return m
}

// summary formats m like [reply.String].
func summary(m *dns.Msg) string {
	r := reply{status: dns.RcodeToString[m.Rcode]}
	if len(m.Question) > 0 {
		r.asked = m.Question[0].Name
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{{"aa", m.Authoritative}, {"tc", m.Truncated}, {"ra", m.RecursionAvailable}, {"ad", m.AuthenticatedData}, {"cd", m.CheckingDisabled}} {
		if flag.set {
			r.flags = append(r.flags, flag.name)
		}
	}
	if opt := m.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if ede, ok := option.(*dns.EDNS0_EDE); ok {
				r.ede = fmt.Sprintf("%d (%s)", ede.InfoCode, dns.ExtendedErrorCodeToString[ede.InfoCode])
			}
		}
	}
	r.answer, r.authority = recordsOf(m.Answer), recordsOf(m.Ns)
	return r.String()
}

func recordsOf(rrs []dns.RR) (all []rr) {
	for _, record := range rrs {
		h := record.Header()
		all = append(all, rr{owner: h.Name, rrtype: dns.TypeToString[h.Rrtype], data: strings.TrimPrefix(record.String(), h.String())})
	}
	return all
}

// handle runs handler in the test process, over UDP and TCP on one port of host.
func handle(t testing.TB, host string, handler dns.Handler) (addr string) {
	t.Helper()
	for range 10 {
		udp, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err != nil { // the port is in use for TCP
			udp.Close()
			continue
		}
		for _, server := range []*dns.Server{{PacketConn: udp, Handler: handler}, {Listener: tcp, Handler: handler}} {
			started := make(chan struct{})
			server.NotifyStartedFunc = func() { close(started) }
			go server.ActivateAndServe() //nolint:errcheck // Shutdown ends it
			<-started
			t.Cleanup(func() { server.Shutdown() }) //nolint:errcheck // the test is over
		}
		return udp.LocalAddr().String()
	}
	t.Fatalf("no port of %s is free over both UDP and TCP", host)
	return ""
}

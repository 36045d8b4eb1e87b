package upstream

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	"github.com/miekg/dns"
)

func TestMain(m *testing.M) {
	dnsserver.Quiet, caddy.Quiet = true, true
	if err := dnsserver.SetDirectives([]string{"bind", "upstream"}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// answering starts an upstream on the network that answers with one address.
func answering(t *testing.T, last byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := records(1)(r)
		m.Answer[0].(*dns.A).A = net.IPv4(192, 0, 2, last)
		_ = w.WriteMsg(m)
	})}
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String()
}

func input(corefile string) caddy.Input {
	return caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(corefile), ServerTypeName: "dns"}
}

// A server answers before and after a reload, by the directive of the name, and leaves no
// socket open.
func TestServer(t *testing.T) {
	one, two, three := answering(t, 1), answering(t, 2), answering(t, 3)
	corefile := fmt.Sprintf(".:0 {\nbind 127.0.0.1\nupstream a.example %s {\nexcept x.a.example\n}\nupstream . %s\n}\n", one, two)
	instance, err := caddy.Start(input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		addr := instance.Servers()[0].LocalAddr().String()
		for name, want := range map[string]string{"www.a.example.": "192.0.2.1", "x.a.example.": "192.0.2.2", "b.example.": "192.0.2.2", "c.example.": "192.0.2.2"} {
			r := new(dns.Msg).SetQuestion(name, dns.TypeA)
			m, _, err := (&dns.Client{Timeout: 10 * time.Second}).Exchange(r, addr)
			if err != nil || len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != want {
				t.Errorf("%s: %v, %v; want %s", name, m, err, want)
			}
		}
		if instance, err = instance.Restart(input(corefile + "d.example:0 {\nbind 127.0.0.1\nupstream . " + three + "\n}\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(append(instance.ShutdownCallbacks(), instance.Stop())...); err != nil {
		t.Fatal(err)
	}
	sockets.mu.Lock()
	defer sockets.mu.Unlock()
	if sockets.taken != 0 {
		t.Errorf("%d sockets are open after the end", sockets.taken)
	}
}

// Requests that a plugin before this one may pass on are forwarded or rejected.
func TestRequests(t *testing.T) {
	u := start(t, fakeNetwork{hub: {answer: records(1)}}, nil, hub)
	defer u.close()
	for _, tc := range []struct {
		name   string
		change func(r *dns.Msg)
		want   int
	}{
		{"query", func(*dns.Msg) {}, dns.RcodeSuccess},
		{"NOTIFY", func(r *dns.Msg) { r.Opcode = dns.OpcodeNotify }, dns.RcodeNotImplemented},
		{"UPDATE", func(r *dns.Msg) { r.Opcode = dns.OpcodeUpdate }, dns.RcodeNotImplemented},
		{"class CH", func(r *dns.Msg) { r.Question[0].Qclass = dns.ClassCHAOS }, dns.RcodeRefused},
		{"zone transfer", func(r *dns.Msg) { r.Question[0].Qtype = dns.TypeAXFR }, dns.RcodeRefused},
		{"name that is too long", func(r *dns.Msg) { r.Question[0].Name = many(40) }, dns.RcodeFormatError},
	} {
		r := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
		tc.change(r)
		if got, err := u.ServeDNS(t.Context(), &writer{}, r); got != tc.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", tc.name, dns.RcodeToString[got], err, dns.RcodeToString[tc.want])
		}
	}
}

// No EDNS option of a client is sent upstream, and only extended errors are returned.
func TestEDNSIsHopByHop(t *testing.T) {
	var asked *dns.Msg
	u := start(t, fakeNetwork{hub: {answer: func(r *dns.Msg) *dns.Msg {
		asked = r
		m := records(1)(r)
		if opt := m.IsEdns0(); opt != nil {
			opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"}, &dns.EDNS0_EDE{InfoCode: 3})
		}
		return m
	}}}, nil, hub)
	defer u.close()
	r := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	r.SetEdns0(4096, true)
	r.IsEdns0().Option = append(r.IsEdns0().Option, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(192, 0, 2, 0)})
	w := &writer{}
	if _, err := u.ServeDNS(t.Context(), w, r); err != nil {
		t.Fatal(err)
	}
	if opt := asked.IsEdns0(); opt == nil || opt.UDPSize() != ednsSize || !opt.Do() || len(opt.Option) != 0 {
		t.Errorf("the upstream gets %v", asked)
	}
	if got := show(w.m); got != "NOERROR 1 EDE 3" {
		t.Errorf("the client gets %s", got)
	}
	if _, err := u.ServeDNS(t.Context(), w, new(dns.Msg).SetQuestion("www.example.", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	if asked.IsEdns0() != nil || w.m.IsEdns0() != nil {
		t.Errorf("without EDNS: the upstream gets %v, the client %v", asked, w.m)
	}
}

// A client gets one OPT record at most, however many a response has, and in any section.
func TestSeveralOPTRecords(t *testing.T) {
	for _, tc := range []struct {
		name                   string
		edns                   bool
		answer, ns, additional []uint16 // OPT records, each with a cookie and an extended error
		want                   string
	}{
		{"none", true, nil, nil, nil, "NOERROR 1, 0 OPT"},
		{"one", true, nil, nil, []uint16{3}, "NOERROR 1 EDE 3, 1 OPT"},
		{"two", true, nil, nil, []uint16{3, 22}, "NOERROR 1 EDE 3, 1 OPT"},
		{"three", true, nil, nil, []uint16{22, 3, 3}, "NOERROR 1 EDE 22, 1 OPT"},
		{"in each section", true, []uint16{3}, []uint16{15}, []uint16{22}, "NOERROR 1 EDE 22, 1 OPT"},
		{"in the wrong sections only", true, []uint16{3}, []uint16{15}, nil, "NOERROR 1, 0 OPT"},
		{"two without EDNS", false, nil, nil, []uint16{3, 22}, "NOERROR 1, 0 OPT"},
		{"in each section without EDNS", false, []uint16{3}, []uint16{15}, []uint16{22}, "NOERROR 1, 0 OPT"},
	} {
		r := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
		m := records(1)(r)
		m.Answer, m.Ns, m.Extra = append(m.Answer, opts(tc.answer)...), opts(tc.ns), opts(tc.additional)
		if tc.edns {
			r.SetEdns0(4096, true)
		}
		prepare(m, r)
		count := 0
		for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
			if opt, ok := rr.(*dns.OPT); ok {
				count++
				expect(t, tc.name, fmt.Sprint(opt.UDPSize(), opt.Do(), len(opt.Option)), "1232 true 1")
			}
		}
		expect(t, tc.name, fmt.Sprintf("%s, %d OPT", show(m), count), tc.want)
	}
}

// opts returns OPT records with unusual flags, a cookie and an extended error.
func opts(codes []uint16) (all []dns.RR) {
	for _, code := range codes {
		opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: 65535, Ttl: 0xffff}}
		opt.Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"}, &dns.EDNS0_EDE{InfoCode: code}}
		all = append(all, opt)
	}
	return all
}

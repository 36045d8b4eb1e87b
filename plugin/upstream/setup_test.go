package upstream

import (
	"errors"
	"fmt"
	"net"
	"os"
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

package fastpath_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
)

// serve starts a server and returns when its sockets are open, with the port that
// it listens on.
func serve(t testing.TB, corefile string) (*caddy.Instance, int) {
	t.Helper()
	instance, port := begin(t, corefile)
	t.Cleanup(func() { stop(t, instance) })
	return instance, port
}

// begin is serve for an instance that the test stops.
func begin(t testing.TB, corefile string) (*caddy.Instance, int) {
	t.Helper()
	served := make(chan bool, 8)
	defer fastpath.OnServe(func(_ *dnsserver.Server, d *fastpath.Desk) { served <- d != nil })()
	instance, err := caddy.Start(input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	for range instance.Servers() {
		select {
		case <-served:
		case <-time.After(10 * time.Second):
			t.Fatal("the server does not listen")
		}
	}
	return instance, instance.Servers()[0].LocalAddr().(*net.UDPAddr).Port
}

// query asks from an address, or from any, and returns the reply and its source.
func query(t testing.TB, from, to string, m *dns.Msg) (*dns.Msg, netip.AddrPort) {
	t.Helper()
	local := &net.UDPAddr{}
	if from != "" {
		local.IP = net.ParseIP(from)
	}
	conn, err := net.ListenUDP("udp", local) // not connected: it sees a reply from any source
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteToUDPAddrPort(wire, netip.MustParseAddrPort(to)); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, source, err := conn.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatalf("%s from %s: %v", m.Question[0].Name, from, err)
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(buf[:n]); err != nil || reply.Id != m.Id {
		t.Fatalf("%x: %v", buf[:n], err)
	}
	return reply, netip.AddrPortFrom(source.Addr().Unmap().WithZone(""), source.Port())
}

func held() *dns.Msg {
	return new(dns.Msg).SetQuestion("a.privatelink.blob.core.windows.net.", dns.TypeA)
}

// counter returns the sum of a metric's series that have the label.
func counter(t testing.TB, name, label string) (sum float64) {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if strings.Contains(fmt.Sprint(m.GetLabel()), label) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// A reply comes from the address that was asked, also when the server listens on
// all of them, from the fast path and from the chain.
func TestSourceAddress(t *testing.T) {
	for _, tc := range []struct{ name, bind, from, to string }{
		{"IPv4", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
		{"IPv6", "::1", "::1", "::1"},
		{"wildcard, IPv4", "", "127.0.0.1", "127.0.0.1"},
		{"wildcard, another address", "", "127.0.0.1", "127.0.0.77"},
		{"wildcard, another client", "", "127.0.0.5", "127.0.0.78"},
		{"wildcard, IPv6", "", "::1", "::1"},
		{"wildcard of IPv4", "0.0.0.0", "127.0.0.1", "127.0.0.79"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bind := ""
			if tc.bind != "" {
				bind = "bind " + tc.bind + "\n"
			}
			_, port := serve(t, ".:0 {\n"+bind+"fastpath\n"+small+"}")
			to := netip.AddrPortFrom(netip.MustParseAddr(tc.to), uint16(port)) //nolint:gosec // G115: a port
			answers := counter(t, "coredns_fastpath_answers_total", "privatelink")
			for range 4 { // one for each socket at least
				m, source := query(t, tc.from, to.String(), held())
				if len(m.Answer) != 1 || source != to {
					t.Errorf("%d records from %s; want one from %s", len(m.Answer), source, to)
				}
				soa := held().SetQuestion("privatelink.blob.core.windows.net.", dns.TypeDS) // for the chain
				if _, source := query(t, tc.from, to.String(), soa); source != to {
					t.Errorf("the chain's reply is from %s; want %s", source, to)
				}
			}
			if got := counter(t, "coredns_fastpath_answers_total", "privatelink") - answers; got != 4 {
				t.Errorf("%v of 4 queries were answered at the socket", got)
			}
		})
	}
}

// descriptors returns the number of open file descriptors.
func descriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// CoreDNS leaves a socket open if it is stopped before it reads from it. The
// query after the end of the fast path reaches that socket and waits for a reply.
func TestNoDescriptorIsLeft(t *testing.T) {
	before := 0
	for i := range 4 {
		instance, port := begin(t, ".:0 {\nbind 127.0.0.1\nfastpath\n"+small+"}")
		if err := errors.Join(instance.ShutdownCallbacks()...); err != nil {
			t.Error(err)
		}
		query(t, "", fmt.Sprintf("127.0.0.1:%d", port), held())
		if err := instance.Stop(); err != nil {
			t.Error(err)
		}
		if i == 0 {
			before = descriptors(t)
		}
	}
	eventually(t, fmt.Sprintf("%d descriptors after three more servers", before), func() bool { return descriptors(t) <= before }) // one may be closing
}

// If the kernel refuses, the chain answers, and the log has one line.
func TestKernelRefuses(t *testing.T) {
	text := capture(t)
	defer fastpath.RefuseToSteer()()
	before := descriptors(t)
	_, port := serve(t, ".:0 {\nbind 127.0.0.1\nfastpath\n"+small+"}")
	answers := counter(t, "coredns_fastpath_answers_total", "")
	if m, _ := query(t, "", fmt.Sprintf("127.0.0.1:%d", port), held()); len(m.Answer) != 1 {
		t.Errorf("%v; want one record", m)
	}
	if got := counter(t, "coredns_fastpath_answers_total", ""); got != answers {
		t.Error("the query was answered at a socket of the fast path")
	}
	want := "[WARNING] plugin/fastpath: Off for dns://127.0.0.1:0, the chain answers: the kernel does not steer packets: operation not permitted\n"
	if got := text.String(); strings.Count(got, "fastpath") != 1 || !strings.Contains(got, want) {
		t.Errorf("the log is\n%swant %s", got, want)
	}
	if after := descriptors(t); after > before+8 {
		t.Errorf("%d descriptors, %d before: the sockets are left open", after, before)
	}
}

// A boot storm of 1,000 packets is answered.
func TestBurst(t *testing.T) {
	const packets = 1000
	if os.Geteuid() != 0 {
		t.Skip("the receive buffer is net.core.rmem_max without CAP_NET_ADMIN")
	}
	_, port := serve(t, ".:0 {\nbind 127.0.0.1\nfastpath\n"+small+"}")
	conn, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadBuffer(4 << 20); err != nil {
		t.Fatal(err)
	}
	wire, err := held().Pack()
	if err != nil {
		t.Fatal(err)
	}
	for i := range packets {
		wire[0], wire[1] = byte(i>>8), byte(i) //nolint:gosec // G115: an ID
		if _, err := conn.Write(wire); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 512)
	for i := range packets {
		if _, err := conn.Read(buf); err != nil {
			t.Fatalf("%d replies to %d packets: %v", i, packets, err)
		}
	}
}

package fastpath_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/any"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/bufsize"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/header"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/local"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/multisocket"
	_ "github.com/coredns/coredns/plugin/proxyproto"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/tsig"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	_ "github.com/privatelink-dns/privatelink-dns/plugin/cookies"
	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
	_ "github.com/privatelink-dns/privatelink-dns/plugin/lru"
	_ "github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
)

func TestMain(m *testing.M) {
	dnsserver.Quiet, caddy.Quiet = true, true
	if err := dnsserver.SetDirectives([]string{
		"proxyproto", "multisocket", "bufsize", "bind", "fastpath", "prometheus", "errors", "log", "rewrite", "acl", "cookies", "local", "any", "tsig", "header",
		"privatelink", "hosts", "file", "lru", "forward",
	}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// start starts a server and stops it with the test.
func start(t testing.TB, corefile string) *caddy.Instance {
	t.Helper()
	instance, err := caddy.Start(input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, instance) })
	return instance
}

func stop(t testing.TB, instance *caddy.Instance) {
	if err := errors.Join(append(instance.ShutdownCallbacks(), instance.Stop())...); err != nil {
		t.Error(err)
	}
}

func input(corefile string) caddy.Input {
	return caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(corefile), ServerTypeName: "dns"}
}

// A pair is one server and its two ways to answer.
type pair struct {
	server *dnsserver.Server
	desk   *fastpath.Desk
}

// newPair starts a server with a Corefile of one server block.
func newPair(t testing.TB, block string) *pair {
	t.Helper()
	served := make(chan *pair, 1)
	defer fastpath.OnServe(func(s *dnsserver.Server, d *fastpath.Desk) { served <- &pair{s, d} })()
	start(t, ".:0 {\nbind 127.0.0.1\nfastpath\n"+block+"\n}")
	p := <-served
	if p.desk == nil {
		t.Fatal("the fast path is off")
	}
	return p
}

// A sink keeps the reply of the chain.
type sink struct {
	client net.Addr
	wire   []byte
}

func (s *sink) WriteMsg(m *dns.Msg) error {
	wire, err := m.Pack()
	s.wire = wire
	return err
}
func (s *sink) Write(b []byte) (int, error) { s.wire = bytes.Clone(b); return len(b), nil }
func (*sink) LocalAddr() net.Addr           { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53} }
func (s *sink) RemoteAddr() net.Addr        { return s.client }
func (*sink) Close() error                  { return nil }
func (*sink) TsigStatus() error             { return nil }
func (*sink) TsigTimersOnly(bool)           {}
func (*sink) Hijack()                       {}

// chain returns the reply of the chain to a packet, as the server would send it.
func (p *pair) chain(packet []byte, client netip.AddrPort) []byte {
	return p.chainFor(packet, net.UDPAddrFromAddrPort(client))
}

func (p *pair) chainFor(packet []byte, client net.Addr) []byte {
	s := &sink{client: client}
	if len(packet) < 12 {
		return nil
	}
	header := dns.Header{Bits: binary.BigEndian.Uint16(packet[2:])}
	counts := [...]*uint16{&header.Qdcount, &header.Ancount, &header.Nscount, &header.Arcount}
	for i, count := range counts {
		*count = binary.BigEndian.Uint16(packet[4+2*i:])
	}
	m := new(dns.Msg)
	if dns.DefaultMsgAcceptFunc(header) != dns.MsgAccept || m.Unpack(packet) != nil {
		return []byte("rejected")
	}
	ctx := context.WithValue(context.Background(), dnsserver.Key{}, p.server)
	w := dns.ResponseWriter(s)
	if client.Network() == "tcp" {
		w = fastpath.WithKeepalive(s, m)
	}
	p.server.ServeDNS(context.WithValue(ctx, dnsserver.LoopKey{}, 0), w, m)
	return s.wire
}

// compare returns the reply of the fast path over UDP, and how that of the chain differs,
// over UDP or over TCP.
func (p *pair) compare(packet []byte, client netip.AddrPort) (fast, difference string) {
	if _, difference = p.compareBy(p.desk.Stream, packet, client, net.TCPAddrFromAddrPort(client)); difference != "" {
		return "", difference
	}
	return p.compareBy(p.desk, packet, client, net.UDPAddrFromAddrPort(client))
}

// compareBy compares the replies of a desk and of the chain. A fast path that declines is
// no difference. The TTLs may run down between the two replies, so a difference has to
// show twice.
func (p *pair) compareBy(desk *fastpath.Desk, packet []byte, client netip.AddrPort, addr net.Addr) (fast, difference string) {
	for range 2 {
		reply := desk.Answer(bytes.Clone(packet), client.Addr().WithZone(""))
		if reply == nil {
			return "", ""
		}
		fast = meaning(reply)
		chain := meaning(p.chainFor(bytes.Clone(packet), addr))
		if fast == chain {
			return fast, ""
		}
		difference = fmt.Sprintf("%x from %s over %s:\nfast path: %s\nchain:     %s", packet, client, addr.Network(), fast, chain)
	}
	return fast, difference
}

// meaning returns everything of a reply but its compression.
func meaning(wire []byte) string {
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return fmt.Sprintf("%q: %v", wire, err)
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			rr.Header().Rdlength = 0
		}
	}
	return strings.ReplaceAll(m.String(), "\n", " | ")
}

// snapshot returns the counters of the metrics, by series.
func snapshot(t testing.TB, names []string) map[string]float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		if !slices.Contains(names, f.GetName()) {
			continue
		}
		for _, m := range f.GetMetric() {
			all[f.GetName()+fmt.Sprint(m.GetLabel())] = m.GetCounter().GetValue()
		}
	}
	return all
}

// grown returns the series that have grown, and by how much.
func grown(before, after map[string]float64) string {
	var all []string
	for series, value := range after {
		if value != before[series] {
			all = append(all, fmt.Sprintf("%s +%v", series, value-before[series]))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

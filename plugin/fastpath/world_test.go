package fastpath_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// estate has all kinds of zones and names of privatelink: zones with and without
// fallthrough, several addresses, an empty non-terminal, wildcards, a DNS zone
// endpoint, an answer that is longer than a datagram.
var estate = `privatelink privatelink.fall.test privatelink.hard.test {
	strict privatelink.hard.test
	record a.privatelink.fall.test 10.0.0.1 10.0.0.2 fd00::1
	record b.privatelink.hard.test 10.0.0.3
	record six.fall.test fd00::1
	record deep.sub.privatelink.hard.test 10.0.0.4
	record *.wild.privatelink.hard.test 10.0.0.7
	record *.privatelink.fall.test 10.0.0.8
	record p.z7.blob.storage.azure.net 10.0.0.5
	record v.we.backup.windowsazure.com 10.0.0.6
	record localhost.privatelink.hard.test 10.0.0.9
	record many.privatelink.hard.test` + manyAddresses(100) + `
	ptr
}`

func manyAddresses(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, " 10.1.0.%d", i+1)
	}
	return all.String()
}

// public are the records of the upstream. Some chains end in the zones.
const public = `
www.example.org. 60 A 192.0.2.1
alias.example.org. 60 CNAME www.example.org.
long.example.org. 60 CNAME a-very-long-name-that-takes-many-octets.without-compression.example.org.
a-very-long-name-that-takes-many-octets.without-compression.example.org. 60 A 192.0.2.9
Mixed.example.org. 60 CNAME WWW.Example.Org.
into.example.org. 60 CNAME b.privatelink.hard.test.
through.example.org. 60 CNAME none.privatelink.far.test.
vault.example.org. 60 CNAME v-ab-pod01-id1.privatelink.eus.backup.windowsazure.com.
v-ab-pod01-id1.privatelink.eus.backup.windowsazure.com. 60 A 192.0.2.5
large.example.org. 60 CNAME other-with-a-very-long-name-that-takes-many-octets.privatelink.queue.core.windows.net.
other-with-a-very-long-name-that-takes-many-octets.privatelink.queue.core.windows.net. 60 A 192.0.2.1
other-with-a-very-long-name-that-takes-many-octets.privatelink.queue.core.windows.net. 60 A 192.0.2.2
other-with-a-very-long-name-that-takes-many-octets.privatelink.queue.core.windows.net. 60 A 192.0.2.3
other-with-a-very-long-name-that-takes-many-octets.privatelink.queue.core.windows.net. 60 A 192.0.2.4
hints.example.org. 60 CNAME apod01ecs1.privatelink.queue.core.windows.net.
apod01ecs1.privatelink.queue.core.windows.net. 60 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
mx.example.org. 60 MX 10 www.example.org.
mx.example.org. 60 MX 20 mail.mx.example.org.
svc.example.org. 60 HTTPS 1 b.privatelink.hard.test. alpn=h2
ok.example.org. 60 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
odd.example.org. 60 CNAME a\.b.example.org.
a\.b.example.org. 60 A 192.0.2.3
txt.example.org. 60 TXT "a" "b"
example.org. 60 SOA ns.example.org. host.example.org. 1 2 3 4 60
localhost.example.org. 60 A 192.0.2.4
`

// tooLong are labels below a wildcard for which the label privatelink leaves no room.
var tooLong = strings.Repeat(strings.Repeat("w", 63)+".", 3) + strings.Repeat("w", 40)

// names are asked for. Some exist nowhere.
var names = []string{
	"a.privatelink.fall.test.", "a.fall.test.", "b.privatelink.hard.test.", "b.hard.test.", "six.fall.test.", "six.privatelink.fall.test.",
	"sub.privatelink.hard.test.", "deep.sub.privatelink.hard.test.", "none.privatelink.hard.test.", "none.hard.test.", "privatelink.hard.test.",
	tooLong + ".fall.test.", tooLong + ".wild.hard.test.",
	"privatelink.fall.test.", "x.wild.privatelink.hard.test.", "x.y.wild.privatelink.hard.test.", "x.wild.hard.test.", "other.fall.test.",
	"p.z7.blob.storage.azure.net.", "p.z8.blob.storage.azure.net.", "v.we.backup.windowsazure.com.", "no.we.backup.windowsazure.com.",
	"localhost.privatelink.hard.test.", "localhost.hard.test.", "many.privatelink.hard.test.", "many.hard.test.",
	"www.example.org.", "alias.example.org.", "long.example.org.", "mixed.example.org.", "into.example.org.", "through.example.org.", "mx.example.org.",
	"vault.example.org.", "large.example.org.", "hints.example.org.", "v-ab-pod01-id1.privatelink.eus.backup.windowsazure.com.",
	"svc.example.org.", "ok.example.org.", "odd.example.org.", "txt.example.org.", "example.org.", "no.example.org.", "localhost.example.org.",
	"localhost.", "a.localhost.", "1.0.0.127.in-addr.arpa.", "127.in-addr.arpa.", "4.3.2.10.in-addr.arpa.",
	"3.0.0.10.in-addr.arpa.", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.", "x.invalid.", "x.onion.", ".", "test.",
	"_ldap._tcp.example.org.", "under_score.privatelink.hard.test.", "*.wild.privatelink.hard.test.", "xn--a.test.", `a\.b.example.org.`, `a\032b.test.`,
	strings.Repeat("a23456789012345678901234567890123456789012345678901234567890123.", 3) + "privatelink.hard.test.",
	strings.Repeat("a.", 110) + "privatelink.hard.test.",
}

var types = []uint16{
	dns.TypeA, dns.TypeA, dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeCNAME, dns.TypeTXT, dns.TypeMX, dns.TypeSOA, dns.TypeNS, dns.TypePTR,
	dns.TypeHINFO, dns.TypeANY, dns.TypeAXFR, dns.TypeDS, dns.TypeDNSKEY, dns.TypeRRSIG, dns.TypeSRV, 65280, 0, dns.TypeOPT, 128,
}

// clients are some that acl allows and some that it does not.
var clients = []netip.AddrPort{
	netip.MustParseAddrPort("127.0.0.1:4000"), netip.MustParseAddrPort("127.0.0.2:4000"), netip.MustParseAddrPort("127.0.0.3:4000"),
	netip.MustParseAddrPort("127.9.0.1:4000"), netip.MustParseAddrPort("10.1.2.3:4000"), netip.MustParseAddrPort("10.200.2.3:4000"),
	netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("[::1]:4000"), netip.MustParseAddrPort("[fd00::1]:4000"),
	netip.MustParseAddrPort("[2001:db8::1]:4000"), netip.MustParseAddrPort("[fe80::1%2]:4000"),
}

// newUpstream starts the server of the public names. Its answers are valid
// for a minute, so that tests see no prefetch.
func newUpstream(t testing.TB) string {
	t.Helper()
	records := map[string][]dns.RR{}
	parser := dns.NewZoneParser(strings.NewReader(public), ".", "public")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		name := strings.ToLower(rr.Header().Name)
		records[name] = append(records[name], rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		_ = w.WriteMsg(upstreamReply(records, r))
	})}
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String()
}

func upstreamReply(records map[string][]dns.RR, r *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(r)
	m.RecursionAvailable, m.AuthenticatedData = true, len(r.Question[0].Name)%2 == 0
	if opt := r.IsEdns0(); opt != nil {
		m.SetEdns0(1232, opt.Do())
	}
	name := strings.ToLower(r.Question[0].Name)
	for {
		target := ""
		for _, rr := range records[name] {
			if link, ok := rr.(*dns.CNAME); ok && r.Question[0].Qtype != dns.TypeCNAME {
				target = strings.ToLower(link.Target)
				m.Answer = append(m.Answer, rr)
			} else if rr.Header().Rrtype == r.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		if target == "" {
			break
		}
		name = target
	}
	if n := len(m.Answer); n == 0 || m.Answer[n-1].Header().Rrtype == dns.TypeCNAME && r.Question[0].Qtype != dns.TypeCNAME {
		m.Ns = records["example.org."][len(records["example.org."])-1:]
		if len(records[name]) == 0 {
			m.Rcode = dns.RcodeNameError
		}
	}
	return m
}

// packet returns a query, or something that was one.
func packet(random *rand.Rand) []byte {
	m := new(dns.Msg)
	name := names[random.IntN(len(names))]
	if random.IntN(4) == 0 {
		name = randomCase(random, name)
	}
	m.SetQuestion(name, types[random.IntN(len(types))])
	m.RecursionDesired = random.IntN(8) > 0
	m.AuthenticatedData, m.CheckingDisabled = random.IntN(4) == 0, random.IntN(8) == 0
	if random.IntN(16) == 0 {
		m.Question[0].Qclass = uint16(random.IntN(256)) //nolint:gosec // G115: an octet
	}
	if random.IntN(2) == 0 {
		addEDNS(random, m)
	}
	wire, err := m.Pack()
	if err != nil {
		return nil
	}
	if random.IntN(4) == 0 {
		wire = mutate(random, wire)
	}
	return wire
}

func randomCase(random *rand.Rand, name string) string {
	octets := []byte(name)
	for i, c := range octets {
		if random.IntN(2) == 0 && c >= 'a' && c <= 'z' {
			octets[i] -= 'a' - 'A'
		}
	}
	return string(octets)
}

// addEDNS adds an OPT record with usual options, and sometimes with unusual ones.
func addEDNS(random *rand.Rand, m *dns.Msg) {
	sizes := []uint16{0, 100, 512, 1232, 1410, 4096, 65535}
	m.SetEdns0(sizes[random.IntN(len(sizes))], random.IntN(4) == 0)
	opt := m.IsEdns0()
	options := []dns.EDNS0{
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"}, &dns.EDNS0_PADDING{Padding: make([]byte, 20)},
		&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(192, 0, 2, 0)}, &dns.EDNS0_NSID{Code: dns.EDNS0NSID},
		&dns.EDNS0_LOCAL{Code: 65001, Data: []byte{1, 2}}, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE},
		&dns.EDNS0_EXPIRE{Code: dns.EDNS0EXPIRE, Empty: true},
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: strings.Repeat("01", []int{0, 5, 8, 12, 16, 24, 40, 41}[random.IntN(8)])},
	}
	for range random.IntN(3) {
		opt.Option = append(opt.Option, options[random.IntN(len(options))])
	}
	switch random.IntN(16) {
	case 0:
		opt.SetVersion(uint8(random.IntN(3))) //nolint:gosec // G115: small
	case 1:
		opt.Hdr.Ttl |= uint32(random.IntN(1 << 15)) //nolint:gosec // G115: 15 bits
	case 2:
		m.Extra = append(m.Extra, opt)
	}
}

func mutate(random *rand.Rand, wire []byte) []byte {
	wire = slices.Clone(wire)
	switch at := random.IntN(len(wire)); random.IntN(5) {
	case 0:
		wire[at] ^= 1 << random.IntN(8)
	case 1:
		wire = wire[:at]
	case 2:
		wire = append(wire, wire[at:]...)
	case 3:
		wire = slices.Insert(wire, at, byte(random.IntN(256))) //nolint:gosec // G115: an octet
	case 4:
		binary.BigEndian.PutUint16(wire[min(at, len(wire)-2):], uint16(random.IntN(1<<16))) //nolint:gosec // G115: 16 bits
	}
	return wire
}

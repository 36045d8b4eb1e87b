package fastpath_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// hits are queries that are answered at the socket.
var hits = []struct {
	name, qname string
	qtype       uint16
}{
	{"direct", "b.privatelink.hard.test.", dns.TypeA}, {"alias", "a.fall.test.", dns.TypeA}, {"NODATA", "a.fall.test.", dns.TypeTXT},
	{"NXDOMAIN", "none.privatelink.hard.test.", dns.TypeA}, {"wildcard", "x.wild.privatelink.hard.test.", dns.TypeA},
	{"spelling", "B.PrivateLink.Hard.Test.", dns.TypeTXT}, {"cached", "www.example.org.", dns.TypeA}, {"cached chain", "alias.example.org.", dns.TypeA},
	{"cached NXDOMAIN", "no.example.org.", dns.TypeA},
}

// prepare returns the packet of a hit, with the EDNS that dig sends. lru has the
// answer.
func prepare(t testing.TB, p *pair, qname string, qtype uint16) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion(qname, qtype)
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"}}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	p.chain(wire, clients[0])
	return wire
}

// A hit allocates nothing.
func TestAllocations(t *testing.T) {
	p := newPair(t, blocks(newUpstream(t))["default"])
	for _, tc := range hits {
		wire := prepare(t, p, tc.qname, tc.qtype)
		missed := false
		got := testing.AllocsPerRun(100, func() { missed = missed || p.desk.Answer(wire, clients[0].Addr()) == nil })
		if got != 0 || missed {
			t.Errorf("%s: %v allocations, declined: %v; want none", tc.name, got, missed)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	p := newPair(b, blocks(newUpstream(b))["default"])
	for _, tc := range hits {
		b.Run(tc.name, func(b *testing.B) {
			wire := prepare(b, p, tc.qname, tc.qtype)
			b.ReportAllocs()
			for b.Loop() {
				p.desk.Answer(wire, clients[0].Addr())
			}
		})
	}
}

// No client that plugin acl refuses, filters or drops gets an answer, whatever the
// rules are.
func TestAccessLists(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 5))
		rules := randomRules(random)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			p := newPair(t, rules+estate)
			answered := 0
			for range 2000 {
				m := new(dns.Msg).SetQuestion(randomCase(random, names[random.IntN(22)]), types[random.IntN(11)])
				wire, err := m.Pack()
				if err != nil {
					t.Fatal(err)
				}
				fast, difference := p.compare(wire, randomClient(random))
				if difference != "" {
					t.Fatalf("%s\nwith the rules\n%s", difference, rules)
				}
				if fast != "" {
					answered++
				}
			}
			t.Logf("%d answered with\n%s", answered, rules)
		})
	}
}

func randomRules(random *rand.Rand) string {
	var all strings.Builder
	zones := []string{"", "privatelink.hard.test", "PrivateLink.FALL.test", "test", "b.privatelink.hard.test a.fall.test", "example.org"}
	for range 1 + random.IntN(3) {
		fmt.Fprintf(&all, "acl %s {\n", zones[random.IntN(len(zones))])
		for range random.IntN(5) {
			fmt.Fprintf(&all, "%s %s %s\n", []string{"allow", "block", "filter", "drop", "ALLOW"}[random.IntN(5)],
				[]string{"", "type A", "type AAAA TXT", "type *", "type CNAME"}[random.IntN(5)], randomNetworks(random))
		}
		all.WriteString("}\n")
	}
	return all.String()
}

func randomNetworks(random *rand.Rand) string {
	if random.IntN(4) == 0 {
		return []string{"", "net *"}[random.IntN(2)]
	}
	var all strings.Builder
	all.WriteString("net")
	for range 1 + random.IntN(6) {
		addr := randomClient(random).Addr().WithZone("")
		switch bits := random.IntN(addr.BitLen() + 1); random.IntN(4) {
		case 0:
			fmt.Fprintf(&all, " %s", addr)
		case 1:
			fmt.Fprintf(&all, " %s/%d", addr, addr.BitLen()-random.IntN(3))
		default:
			fmt.Fprintf(&all, " %s/%d", addr, bits)
		}
	}
	return all.String()
}

// randomClient returns one of few addresses in several networks.
func randomClient(random *rand.Rand) netip.AddrPort {
	base := []string{"10.0.0.0", "10.128.0.0", "127.0.0.0", "192.0.2.0", "2001:db8::", "fd00::", "fe80::", "::ffff:10.0.0.0"}[random.IntN(8)]
	octets := netip.MustParseAddr(base).As16()
	octets[15] |= byte(random.IntN(8))                    //nolint:gosec // G115: small
	octets[13] |= byte(random.IntN(2))                    //nolint:gosec // G115: small
	octets[9] |= byte(random.IntN(2) * int(octets[0]>>7)) //nolint:gosec // G115: small
	return netip.AddrPortFrom(netip.AddrFrom16(octets).Unmap(), 4000)
}

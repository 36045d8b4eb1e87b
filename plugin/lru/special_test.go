package lru

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Special-use names, and names that only resemble one.
func TestSpecialNames(t *testing.T) {
	const loopback = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."
	for _, c := range []struct{ query, want string }{
		{"invalid. A", "NXDOMAIN: / invalid. 3600 SOA"},
		{"www.invalid. A", "NXDOMAIN: / invalid. 3600 SOA"},
		{"WWW.Invalid. AAAA", "NXDOMAIN: / invalid. 3600 SOA"},
		{"onion. NS", "NXDOMAIN: / onion. 3600 SOA"},
		{"duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion. A", "NXDOMAIN: / onion. 3600 SOA"},
		{"a.b.onion. HTTPS", "NXDOMAIN: / onion. 3600 SOA"},
		{"onion. DS", "NXDOMAIN: / onion. 3600 SOA"},
		{"x.alt. A", "NXDOMAIN: / alt. 3600 SOA"},
		{"use-application-dns.net. A", "NXDOMAIN: / use-application-dns.net. 3600 SOA"},
		{"use-application-dns.net. AAAA do", "NXDOMAIN: / use-application-dns.net. 3600 SOA"},
		{"resolver.arpa. SOA", "NOERROR: / resolver.arpa. 3600 SOA"},
		{"_dns.resolver.arpa. SVCB", "NOERROR: / resolver.arpa. 3600 SOA"},
		{"x._dns.Resolver.ARPA. TYPE64", "NOERROR: / resolver.arpa. 3600 SOA"},
		{"254.169.254.169.in-addr.arpa. PTR", "NXDOMAIN: / 254.169.in-addr.arpa. 3600 SOA"},
		{"1.8.e.f.ip6.arpa. PTR", "NXDOMAIN: / 8.e.f.ip6.arpa. 3600 SOA"},
		{"1.B.E.F.ip6.arpa. PTR", "NXDOMAIN: / b.e.f.ip6.arpa. 3600 SOA"},
		{loopback + " PTR", "NXDOMAIN: / " + loopback + " 3600 SOA"},
		{unspecified + " PTR", "NXDOMAIN: / " + unspecified + " 3600 SOA"},

		{"www.test. A", ""}, {"dc1.corp.local. A", ""}, {"nas.home.arpa. A", ""}, {"vm.internal. A", ""}, {"www.example. A", ""}, {"1.0.0.10.in-addr.arpa. PTR", ""},
		{"ipv4only.arpa. AAAA", ""}, {"notonion. A", ""}, {"onion.example. A", ""}, {"www.invalid.example. A", ""}, {"myuse-application-dns.net. A", ""},
		{"net. NS", ""}, {"169.in-addr.arpa. NS", ""}, {"arpa. NS", ""}, {"2" + loopback[1:] + " PTR", ""}, {". NS", ""},
	} {
		for _, recursion := range []bool{true, false} {
			u := &upstream{}
			u.responds(t, "REFUSED:")
			l := newLRU(u, 10)
			r := questionOf(c.query)
			r.RecursionDesired = recursion
			want, asked := c.want, int32(0)
			if want == "" {
				want, asked = "REFUSED:", 1
			}
			m := ask(t, l, r)
			if got := show(m); !strings.EqualFold(got, want) || u.asked.Load() != asked || c.want != "" && m.RecursionDesired != recursion {
				t.Errorf("%s, RD %v: %s after %d questions upstream; want %s after %d", c.query, recursion, got, u.asked.Load(), want, asked)
			}
		}
	}
}

// DO is the only EDNS flag that is returned, in every answer. The questions are sent to
// the server's sockets.
func TestReservedFlagsAreCleared(t *testing.T) {
	addr, _ := countingUpstream(t)
	server := startServer(t, "lru 100\nforward . "+addr)
	for _, c := range []struct {
		name, query string
		flags, want uint32
	}{
		{"from the upstream", "www.example. A", 0x7fff, 0},
		{"from memory", "www.example. A", 0x7fff, 0},
		{"the highest of them", "www.example. A", 0x4000, 0},
		{"with DO", "www.example. A", 0xffff, 0x8000},
		{"no flag", "www.example. A", 0, 0},
		{"NXDOMAIN", "x.onion. A", 0x7fff, 0},
		{"NODATA", "_dns.resolver.arpa. SVCB", 0xffff, 0x8000},
		{"REFUSED", "example. AXFR", 0x7fff, 0},
	} {
		for _, network := range []string{"udp", "tcp"} {
			r := questionOf(c.query)
			r.IsEdns0().Hdr.Ttl = c.flags
			client := &dns.Client{Net: network, Timeout: 5 * time.Second}
			m, _, err := client.Exchange(r, server[network])
			if err != nil {
				t.Errorf("%s over %s: %v", c.name, network, err)
				continue
			}
			if opt := m.IsEdns0(); opt == nil || opt.Hdr.Ttl&0xffff != c.want {
				t.Errorf("%s over %s: OPT is %v; want the flags %#x", c.name, network, opt, c.want)
			}
		}
	}
}

// A zone transfer through a forwarding block is refused at once.
func TestTransferIsRefused(t *testing.T) {
	addr, asked := countingUpstream(t)
	server := startServer(t, "lru 100\nforward . "+addr)
	for _, network := range []string{"udp", "tcp"} {
		for _, qtype := range []uint16{dns.TypeAXFR, dns.TypeIXFR} {
			for _, name := range []string{"example.", "corp.example.", "."} {
				r := new(dns.Msg).SetAxfr(name)
				if qtype == dns.TypeIXFR {
					r = new(dns.Msg).SetIxfr(name, 1, "ns.example.", "root.example.")
				}
				m, _, err := (&dns.Client{Net: network, Timeout: 5 * time.Second}).Exchange(r, server[network])
				if err != nil || m.Rcode != dns.RcodeRefused || len(m.Answer) != 0 {
					t.Errorf("%s of %s over %s: %v, %v; want REFUSED", dns.TypeToString[qtype], name, network, m, err)
				}
			}
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d questions upstream; want none", n)
	}
}

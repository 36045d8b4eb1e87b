package lru

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// A reply from a stored entry has the records of the first reply, in the same letter
// case.
func TestStoredRecords(t *testing.T) {
	for _, tc := range []struct{ name, qname, qtype, reply string }{
		{"A", "www.example.org.", "A", "NOERROR: www.example.org. 60 A 192.0.2.1; www.example.org. 60 A 192.0.2.2"},
		{"chain of the same suffix", "www.example.org.", "A", "NOERROR: www.example.org. 60 CNAME a.example.org.; a.example.org. 60 CNAME b.a.example.org.; b.a.example.org. 60 A 192.0.2.1"},
		{"target in upper case", "www.example.org.", "A", "NOERROR: www.example.org. 60 CNAME A.Example.ORG.; a.example.org. 60 A 192.0.2.1"},
		{"target that ends with the question", "example.org.", "MX", "NOERROR: example.org. 60 MX 10 Mail.example.org.; example.org. 60 MX 20 mail.EXAMPLE.org."},
		{"AAAA", "www.example.org.", "AAAA", "NOERROR: www.example.org. 60 AAAA 2001:db8::1"},
		{"TXT", "www.example.org.", "TXT", `NOERROR: www.example.org. 60 TXT "a" "" "b c"`},
		{"SRV, whose target is not compressed", "_ldap._tcp.example.org.", "SRV", "NOERROR: _ldap._tcp.example.org. 60 SRV 0 100 389 dc1.example.org."},
		{"root", ".", "NS", "NOERROR: . 60 NS a.root-servers.net."},
		{"unknown type", "www.example.org.", "TYPE65280", `NOERROR: www.example.org. 60 TYPE65280 \# 3 abcdef`},
		{"name with an escaped dot", `a\.b.example.org.`, "A", `NOERROR: a\.b.example.org. 60 CNAME c\.d.example.org.; c\.d.example.org. 60 A 192.0.2.1`},
		{"HTTPS", "www.example.org.", "HTTPS", "NOERROR: www.example.org. 60 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1"},
		{"NODATA behind a CNAME", "www.example.org.", "AAAA", "NOERROR: www.example.org. 60 CNAME a.example.net. / example.net. 60 SOA ns.example.net. host.example.net. 1 2 3 4 60"},
		{"NXDOMAIN", "no.example.org.", "A", "NXDOMAIN: / example.org. 60 SOA ns.example.org. host.example.org. 1 2 3 4 60"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := benchCaches[0].make(t, 16, benchResponds(t, tc.reply)).(*LRU)
			r := new(dns.Msg).SetQuestion(tc.qname, dns.StringToType[tc.qtype])
			if strings.HasPrefix(tc.qtype, "TYPE") {
				r.Question[0].Qtype = 65280
			}
			first, stored := ask(t, l, r.Copy()), ask(t, l, r.Copy())
			if l.store.get(keyOf(r)).wire.octets == "" {
				t.Fatal("the entry is not stored in wire format")
			}
			for _, m := range []*dns.Msg{first, stored} {
				for _, rr := range append(m.Answer, m.Ns...) {
					rr.Header().Rdlength = 0
				}
			}
			if first.String() != stored.String() {
				t.Errorf("stored:\n%s\nwant\n%s", stored, first)
			}
		})
	}
}

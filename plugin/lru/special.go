package lru

import (
	"strings"
	"time"

	"github.com/miekg/dns"
)

// absentZones are special-use names that are not sent on, because no zone of the
// DNS can have them; with a dot before each. Names that a site may use itself are
// sent on: test, local, internal, home.arpa, the reverse names of private
// addresses. Plugin local has localhost.
var absentZones = []string{
	".invalid.",                 // RFC 6761, 6.4
	".onion.",                   // RFC 7686
	".alt.",                     // RFC 9476
	".use-application-dns.net.", // Firefox asks for it and then uses this server, not one of its own
	".254.169.in-addr.arpa.",    // this and the next: link-local addresses (RFC 6303, 4.2 and 4.5)
	".8.e.f.ip6.arpa.", ".9.e.f.ip6.arpa.", ".a.e.f.ip6.arpa.", ".b.e.f.ip6.arpa.",
	"." + unspecified, ".1" + unspecified[1:], // :: and ::1 (RFC 6303, 4.3)
}

const (
	unspecified = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."
	// discoveryZone has no record: clients find no encrypted resolver there and stay
	// with this server (RFC 9462, 4 and 6.4). The upstream's would know no local name.
	discoveryZone = ".resolver.arpa."
)

// special returns the answer to a question for a special-use name, or nil.
func special(k key) *entry {
	name := "." + k.name
	if strings.HasSuffix(name, discoveryZone) {
		return absent(k, discoveryZone[1:], dns.RcodeSuccess)
	}
	for _, zone := range absentZones {
		if strings.HasSuffix(name, zone) {
			return absent(k, zone[1:], dns.RcodeNameError)
		}
	}
	return nil
}

// absent returns a negative answer with an SOA record as in RFC 6303, 3.
func absent(k key, zone string, rcode uint16) *entry {
	soa := &dns.SOA{
		Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 3600},
		Ns:  zone, Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: 3600,
	}
	return &entry{key: k, kind: negative, rcode: rcode, sections: &sections{ns: []dns.RR{soa}}, stored: time.Now()}
}

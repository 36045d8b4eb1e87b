package lru

import (
	"strings"
	"time"

	"github.com/miekg/dns"
)

// nonexistentZones are special-use names that are not forwarded, because no zone of the
// DNS can have them. Each starts with a dot. Names that a site may use itself are
// forwarded: test, local, internal, home.arpa and the reverse names of private addresses.
// Plugin local serves localhost.
var nonexistentZones = []string{
	".invalid.",                 // RFC 6761, 6.4
	".onion.",                   // RFC 7686
	".alt.",                     // RFC 9476
	".use-application-dns.net.", // after NXDOMAIN Firefox uses this server and not its own one
	".254.169.in-addr.arpa.",    // this row and the next one: link-local addresses (RFC 6303, 4.2 and 4.5)
	".8.e.f.ip6.arpa.", ".9.e.f.ip6.arpa.", ".a.e.f.ip6.arpa.", ".b.e.f.ip6.arpa.",
	"." + unspecified, ".1" + unspecified[1:], // :: and ::1 (RFC 6303, 4.3)
}

const (
	unspecified = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."
	// discoveryZone has no records, so that clients discover no encrypted resolver and
	// continue to use this server (RFC 9462, 4 and 6.4). The upstream's encrypted resolver
	// does not serve the local names.
	discoveryZone = ".resolver.arpa."
)

// specialUse returns the answer to a query for a special-use name, or nil.
func specialUse(k key) *entry {
	name := "." + k.name
	if strings.HasSuffix(name, discoveryZone) {
		return negativeAnswer(k, discoveryZone[1:], dns.RcodeSuccess)
	}
	for _, zone := range nonexistentZones {
		if strings.HasSuffix(name, zone) {
			return negativeAnswer(k, zone[1:], dns.RcodeNameError)
		}
	}
	return nil
}

// negativeAnswer returns a negative answer with an SOA record as in RFC 6303, 3.
func negativeAnswer(k key, zone string, rcode uint16) *entry {
	soa := &dns.SOA{
		Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 3600},
		Ns:  zone, Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: 3600,
	}
	return &entry{key: k, kind: negative, rcode: rcode, sections: &sections{ns: []dns.RR{soa}}, stored: time.Now()}
}

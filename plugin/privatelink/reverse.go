package privatelink

import (
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// reverse appends the names of the address that owner is the reverse name of. Any
// other type is NODATA: nobody else has data for an address of an endpoint. AA is not
// set, because the reverse zone is not one of the zones.
func (m *message) reverse(owner string, found zone.Answer, qtype uint16) {
	if qtype != dns.TypePTR && qtype != dns.TypeANY {
		m.Ns = append(m.Ns, reverseSOA(owner))
		return
	}
	for name := range found.Names(owner) {
		m.Answer = append(m.Answer, &dns.PTR{Hdr: header(owner, dns.TypePTR, found.Zone.TTL), Ptr: string(name)})
	}
}

// reverseSOA returns the SOA record of a negative answer, which caches and forwarders
// require. Its owner is the reverse name itself: a name above it would be a statement
// about addresses that are not served.
func reverseSOA(owner string) *dns.SOA {
	record := soa(&zone.Zone{Name: ".", Serial: 1})
	record.Hdr.Name = owner
	return record
}

package lru

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// takeSOA keeps the SOA record of an ancestor of the last name, which bounds the
// time of the negative answer.
func (f *filter) takeSOA() bool {
	last := f.chain[len(f.chain)-1]
	for _, rr := range f.authority.all {
		soa, ok := rr.(*dns.SOA)
		if ok && soa.Hdr.Class == f.key.qclass && !empty(soa) && dns.IsSubDomain(soa.Hdr.Name, last) {
			c := *soa
			c.Hdr.Ttl = min(ttlOf(&c), c.Minttl, uint32(maxNegative/time.Second)) // RFC 2308, 5
			f.ns = append(f.ns, &c)
			return true
		}
	}
	return false
}

// takeProof keeps what a validating client needs to believe in a negative or a
// wildcard answer (RFC 4035, 3.1.3): the signatures of the SOA record, and signed
// NSEC and NSEC3 records of a zone that has a name of the chain in it.
func (f *filter) takeProof() {
	type set struct {
		owner  string
		rrtype uint16
	}
	var soaSigs collection
	var proofs []dns.RR
	tried := map[set]bool{}
	for _, rr := range f.authority.all {
		f.work++
		sig, ok := rr.(*dns.RRSIG)
		if !ok || f.tooMany || empty(sig) || sig.Hdr.Class != f.key.qclass || !f.within(sig.SignerName) {
			continue
		}
		switch sig.TypeCovered {
		case dns.TypeSOA:
			if len(f.ns) > 0 && strings.EqualFold(f.ns[0].Header().Name, sig.Hdr.Name) {
				f.work += soaSigs.add(sig)
				f.tooMany = f.tooMany || len(soaSigs.rrs) > maxSignatures
			}
		case dns.TypeNSEC, dns.TypeNSEC3:
			s := set{strings.ToLower(sig.Hdr.Name), sig.TypeCovered}
			if !tried[s] && dns.IsSubDomain(sig.SignerName, sig.Hdr.Name) {
				tried[s] = true
				proofs = append(proofs, f.rrset(&f.authority, s.owner, s.rrtype)...)
			}
		}
	}
	f.ns = append(append(f.ns, level(soaSigs.rrs)...), proofs...)
}

// within reports whether a name of the chain is in the zone.
func (f *filter) within(zone string) bool {
	return slices.ContainsFunc(f.chain, func(name string) bool { return dns.IsSubDomain(zone, name) })
}

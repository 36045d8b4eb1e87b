package lru

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// addSOA adds the SOA record of an ancestor of the last name, which bounds the TTL of
// the negative answer. It reports whether there is one.
func (f *filter) addSOA() bool {
	last := f.chain[len(f.chain)-1]
	for _, rr := range f.authority.all {
		soa, ok := rr.(*dns.SOA)
		if ok && soa.Hdr.Class == f.key.qclass && !unusable(soa) && dns.IsSubDomain(soa.Hdr.Name, last) {
			c := *soa
			c.Hdr.Ttl = min(ttlOf(&c), c.Minttl, uint32(maxNegative/time.Second)) // RFC 2308, 5
			f.ns = append(f.ns, &c)
			return true
		}
	}
	return false
}

// addProof adds the records by which a client validates a negative or a wildcard answer
// (RFC 4035, 3.1.3). These are the signatures of the SOA record, and the signed NSEC and
// NSEC3 records of a zone that contains a name of the chain.
func (f *filter) addProof() {
	type set struct {
		owner  string
		rrtype uint16
	}
	var soaSigs collection
	var proofs []dns.RR
	tried := map[set]bool{}
	for _, rr := range f.authority.all {
		f.comparisons++
		sig, ok := rr.(*dns.RRSIG)
		if !ok || f.tooManySignatures || unusable(sig) || sig.Hdr.Class != f.key.qclass || f.otherSigner(sig) {
			continue
		}
		switch sig.TypeCovered {
		case dns.TypeSOA:
			if len(f.ns) > 0 && strings.EqualFold(f.ns[0].Header().Name, sig.Hdr.Name) {
				f.comparisons += soaSigs.add(sig)
				f.tooManySignatures = f.tooManySignatures || len(soaSigs.rrs) > maxSignatures
			}
		case dns.TypeNSEC, dns.TypeNSEC3:
			s := set{strings.ToLower(sig.Hdr.Name), sig.TypeCovered}
			if !tried[s] {
				tried[s] = true
				proofs = append(proofs, slices.DeleteFunc(f.rrset(&f.authority, s.owner, s.rrtype), f.otherSigner)...)
			}
		}
	}
	f.ns = append(append(f.ns, equalizeTTLs(soaSigs.rrs)...), proofs...)
}

// otherSigner reports whether a record of a proof is the signature of a zone that has
// no name of the chain, or not the record's owner.
func (f *filter) otherSigner(rr dns.RR) bool {
	sig, ok := rr.(*dns.RRSIG)
	return ok && (!f.hasNameIn(sig.SignerName) || !dns.IsSubDomain(sig.SignerName, sig.Hdr.Name))
}

// hasNameIn reports whether a name of the chain is in the zone.
func (f *filter) hasNameIn(zone string) bool {
	return slices.ContainsFunc(f.chain, func(name string) bool { return dns.IsSubDomain(zone, name) })
}

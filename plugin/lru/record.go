package lru

import (
	"time"

	"github.com/miekg/dns"
)

// equalizeTTLs returns copies of the records. All records of a type and their signatures
// get the lowest of their TTLs (RFC 2181, 5.2).
func equalizeTTLs(set []dns.RR) []dns.RR {
	lowest := map[uint16]uint32{}
	for _, rr := range set {
		ttl, ok := lowest[coveredType(rr)]
		if !ok {
			ttl = uint32(maxPositive / time.Second)
		}
		lowest[coveredType(rr)] = min(ttl, ttlOf(rr))
	}
	for i, rr := range set {
		set[i] = dns.Copy(rr)
		set[i].Header().Ttl = lowest[coveredType(rr)]
	}
	return set
}

// coveredType returns the type of a record, or the type that a signature covers.
func coveredType(rr dns.RR) uint16 {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered
	}
	return rr.Header().Rrtype
}

// ttlOf returns the TTL, or 0 if its highest bit is set (RFC 2181, 8).
func ttlOf(rr dns.RR) uint32 {
	if ttl := rr.Header().Ttl; ttl < 1<<31 {
		return ttl
	}
	return 0
}

// unusable reports whether a record is a pseudo-record, or lacks its data or a name in
// its data. The message decoder accepts such records.
func unusable(rr dns.RR) bool {
	switch rr := rr.(type) {
	case *dns.OPT, *dns.TSIG, *dns.TKEY, *dns.ANY:
		return true
	case *dns.CNAME:
		return rr.Target == ""
	case *dns.DNAME:
		return rr.Target == ""
	case *dns.HTTPS:
		return rr.Target == ""
	case *dns.MX:
		return rr.Mx == ""
	case *dns.NAPTR:
		return rr.Replacement == ""
	case *dns.NS:
		return rr.Ns == ""
	case *dns.NSEC:
		return rr.NextDomain == ""
	case *dns.PTR:
		return rr.Ptr == ""
	case *dns.RFC3597:
		return rr.Rdata == ""
	case *dns.RRSIG:
		return rr.SignerName == ""
	case *dns.SOA:
		return rr.Ns == "" || rr.Mbox == ""
	case *dns.SRV:
		return rr.Target == ""
	case *dns.SVCB:
		return rr.Target == ""
	}
	return hasNoData(rr)
}

// hasNoData reports whether a record equals one of its type without data.
func hasNoData(rr dns.RR) bool {
	h := rr.Header()
	create, ok := dns.TypeToRR[h.Rrtype]
	if !ok || h.Rdlength > 0 {
		return false
	}
	zero := create()
	*zero.Header() = *h
	return dns.IsDuplicate(rr, zero)
}

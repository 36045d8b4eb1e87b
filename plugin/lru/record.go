package lru

import (
	"time"

	"github.com/miekg/dns"
)

// level returns copies of the records, all of a type with the lowest TTL of them
// and their signatures (RFC 2181, 5.2).
func level(set []dns.RR) []dns.RR {
	lowest := map[uint16]uint32{}
	for _, rr := range set {
		ttl, ok := lowest[covered(rr)]
		if !ok {
			ttl = uint32(maxPositive / time.Second)
		}
		lowest[covered(rr)] = min(ttl, ttlOf(rr))
	}
	for i, rr := range set {
		set[i] = dns.Copy(rr)
		set[i].Header().Ttl = lowest[covered(rr)]
	}
	return set
}

// covered returns the type of a record, for a signature that of what it signs.
func covered(rr dns.RR) uint16 {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered
	}
	return rr.Header().Rrtype
}

// ttlOf returns the TTL, 0 if its highest bit is set (RFC 2181, 8).
func ttlOf(rr dns.RR) uint32 {
	if ttl := rr.Header().Ttl; ttl < 1<<31 {
		return ttl
	}
	return 0
}

// empty reports whether a record lacks its data or a name in it, which the message
// decoder lets through, or is no data.
func empty(rr dns.RR) bool {
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
	return blank(rr)
}

// blank reports whether a record is as its type makes it without data.
func blank(rr dns.RR) bool {
	h := rr.Header()
	made, ok := dns.TypeToRR[h.Rrtype]
	if !ok || h.Rdlength > 0 {
		return false
	}
	zero := made()
	*zero.Header() = *h
	return dns.IsDuplicate(rr, zero)
}

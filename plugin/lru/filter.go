package lru

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// maxLinks bounds the CNAME chain that is followed.
const maxLinks = 16

// answerOf returns what a reply says to the question, and nothing else: the
// CNAME chain from the question's name and the records of its type at the end
// (with their signatures if DO is set), or for a negative answer the SOA of an
// ancestor of the last name. Whatever else stands in the reply, in any section,
// could poison another name and is dropped (RFC 2181, 5.4.1). A reply that says
// nothing to the question is a failure.
func answerOf(k key, m *dns.Msg) *entry {
	if !m.Response || m.Opcode != dns.OpcodeQuery || m.Truncated || len(m.Question) != 1 || !asks(m.Question[0], k) {
		return failed(dns.RcodeServerFailure, dns.ExtendedErrorCodeInvalidData)
	}
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
	case dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeNotImplemented:
		return failed(m.Rcode, edeOf(m))
	default: // FORMERR and worse are between us and the upstream
		return failed(dns.RcodeServerFailure, edeOf(m))
	}
	e := &entry{key: k, rcode: m.Rcode, ad: m.AuthenticatedData, stored: time.Now()}
	last := e.follow(m.Answer)
	if e.kind == positive {
		e.rcode = dns.RcodeSuccess // it is the last name's (RFC 6604), and that has records
	}
	soa := e.kind == negative && e.takeSOA(m.Ns, last)
	empty := e.kind == negative && !soa && len(e.answer) == 0 && e.rcode == dns.RcodeSuccess
	if e.kind == failure || empty && !noData(k, m) {
		return failed(dns.RcodeServerFailure, dns.ExtendedErrorCodeInvalidData)
	}
	if k.do {
		e.takeProof(m.Ns)
	}
	if e.kind == negative && !soa {
		return e // passed, but nobody says how long it holds (RFC 2308, 5)
	}
	e.life = e.lifetime()
	return e
}

// noData reports whether a response without an answer and without an SOA record
// says that the name has no record of the type (RFC 2308, 2.2, type 3). Servers
// with local data send it. With an NS record the response is a referral. Records
// of other names make it an answer to another question.
func noData(k key, m *dns.Msg) bool {
	referral := slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS })
	return !referral && !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		h := rr.Header()
		return h.Class != k.qclass || h.Rrtype == k.qtype || !strings.EqualFold(h.Name, k.name)
	})
}

func asks(q dns.Question, k key) bool {
	return strings.EqualFold(q.Name, k.name) && q.Qtype == k.qtype && q.Qclass == k.qclass
}

// follow takes the chain and the records at its end, and returns the last name.
// A chain without records at its end is negative, one without an end a failure.
func (e *entry) follow(answer []dns.RR) (last string) {
	name := e.key.name
	for links := 0; ; links++ {
		if set := e.rrset(answer, name, e.key.qtype); len(set) > 0 {
			e.answer = append(e.answer, set...)
			return name
		}
		link := e.rrset(answer, name, dns.TypeCNAME)
		switch {
		case len(link) == 0:
			e.kind = negative
			return name
		case links == maxLinks:
			e.kind = failure
			return name
		}
		target := strings.ToLower(link[0].(*dns.CNAME).Target)
		e.answer = append(e.answer, e.dname(answer, name, target)...)
		e.answer = append(e.answer, link...)
		name = target
	}
}

// rrset returns copies of the records of a name and type, then their signatures
// if DO is set. Of several CNAME or DNAME records for one name, which is an error,
// the first counts.
func (e *entry) rrset(section []dns.RR, name string, rrtype uint16) []dns.RR {
	var set, sigs []dns.RR
	for _, rr := range section {
		h := rr.Header()
		if h.Class != e.key.qclass || !strings.EqualFold(h.Name, name) || empty(rr) {
			continue
		}
		sig, isSig := rr.(*dns.RRSIG)
		switch {
		case h.Rrtype == rrtype, rrtype == dns.TypeANY:
			if len(set) == 0 || rrtype != dns.TypeCNAME && rrtype != dns.TypeDNAME {
				set = append(set, rr)
			}
		case isSig && e.key.do && sig.TypeCovered == rrtype:
			sigs = append(sigs, rr)
		}
	}
	if len(set) == 0 {
		return nil
	}
	set = level(append(set, sigs...))
	for _, rr := range set {
		if h := rr.Header(); h.Name == name {
			h.Name = name // one text in memory: the key's, or that of the link before
		}
	}
	return set
}

// dname returns the DNAME record that the CNAME from name to target was made
// from, if there is one. It speaks of other names, too, so that only those get it
// who may validate.
func (e *entry) dname(answer []dns.RR, name, target string) []dns.RR {
	if !e.key.do {
		return nil
	}
	for _, rr := range answer {
		owner := rr.Header().Name
		if rr.Header().Rrtype != dns.TypeDNAME || !dns.IsSubDomain(owner, name) {
			continue
		}
		set := e.rrset(answer, owner, dns.TypeDNAME)
		labels, below := strings.CutSuffix(name, "."+strings.ToLower(owner))
		if below && len(set) > 0 && labels+"."+strings.ToLower(set[0].(*dns.DNAME).Target) == target {
			return set
		}
	}
	return nil
}

// takeSOA takes the SOA record of an ancestor of name, which says how long the
// negative answer holds.
func (e *entry) takeSOA(authority []dns.RR, name string) bool {
	for _, rr := range authority {
		soa, ok := rr.(*dns.SOA)
		if ok && soa.Hdr.Class == e.key.qclass && !empty(soa) && dns.IsSubDomain(soa.Hdr.Name, name) {
			c := *soa
			c.Hdr.Ttl = min(ttlOf(&c), c.Minttl, uint32(maxNegative/time.Second)) // RFC 2308, 5
			e.ns = append(e.ns, &c)
			return true
		}
	}
	return false
}

// takeProof takes what a validating client needs to believe in a negative or a
// wildcard answer (RFC 4035, 3.1.3): the signature of the SOA record, and signed
// NSEC and NSEC3 records of a zone that has a name of the chain in it.
func (e *entry) takeProof(authority []dns.RR) {
	for _, rr := range authority {
		sig, ok := rr.(*dns.RRSIG)
		if !ok || empty(sig) || sig.Hdr.Class != e.key.qclass || !e.within(sig.SignerName) {
			continue
		}
		taken := slices.ContainsFunc(e.ns, func(rr dns.RR) bool {
			return rr.Header().Rrtype == sig.TypeCovered && strings.EqualFold(rr.Header().Name, sig.Hdr.Name)
		})
		switch sig.TypeCovered {
		case dns.TypeSOA:
			if taken {
				e.ns = append(e.ns, level([]dns.RR{sig})...)
			}
		case dns.TypeNSEC, dns.TypeNSEC3:
			if !taken && dns.IsSubDomain(sig.SignerName, sig.Hdr.Name) {
				e.ns = append(e.ns, e.rrset(authority, sig.Hdr.Name, sig.TypeCovered)...)
			}
		}
	}
}

// within tells whether a name of the chain is in the zone.
func (e *entry) within(zone string) bool {
	return dns.IsSubDomain(zone, e.key.name) || slices.ContainsFunc(e.answer, func(rr dns.RR) bool {
		link, ok := rr.(*dns.CNAME)
		return ok && dns.IsSubDomain(zone, link.Target)
	})
}

// lifetime is the least of the records' TTLs, which have their limits.
func (e *entry) lifetime() time.Duration {
	life := maxPositive
	for _, rr := range slices.Concat(e.answer, e.ns) {
		life = min(life, time.Duration(rr.Header().Ttl)*time.Second)
	}
	return life
}

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

// ttlOf takes a TTL with the highest bit set for 0 (RFC 2181, 8).
func ttlOf(rr dns.RR) uint32 {
	if ttl := rr.Header().Ttl; ttl < 1<<31 {
		return ttl
	}
	return 0
}

// empty tells of records that lack their data or a name in it, which the message
// decoder lets through, and of those that are no data.
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

// blank tells of a record that is as its type makes it without data.
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

// edeOf returns the upstream's extended error, or 0.
func edeOf(m *dns.Msg) uint16 {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if ede, ok := o.(*dns.EDNS0_EDE); ok {
				return ede.InfoCode
			}
		}
	}
	return 0
}

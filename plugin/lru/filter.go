package lru

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxLinks bounds the number of CNAME records in a chain.
	maxLinks = 16
	// maxRecords bounds an RRset that is stored. BIND has the same limit.
	maxRecords = 100
	// maxSignatures bounds the signatures of one RRset, because they cost a validating
	// client the most time.
	maxSignatures = 100
)

// filterAnswer returns the part of a response that answers the question. This is the
// CNAME chain from the question's name and the records of its type at the end, with
// their signatures if DO is set. For a negative answer it includes the SOA record of an
// ancestor of the last name. All other records of any section are dropped, because they
// could poison another name (RFC 2181, 5.4.1). A response that does not answer the
// question is a failure.
func filterAnswer(k key, m *dns.Msg) *entry {
	if !m.Response || m.Opcode != dns.OpcodeQuery || m.Truncated || len(m.Question) != 1 || !sameQuestion(m.Question[0], k) {
		return newFailure(dns.RcodeServerFailure, dns.ExtendedErrorCodeInvalidData)
	}
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		return newFilter(k, m).run()
	case dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeNotImplemented:
		return newFailure(m.Rcode, edeOf(m))
	default: // FORMERR and the rest concern this query, not the client's
		return newFailure(dns.RcodeServerFailure, edeOf(m))
	}
}

func sameQuestion(q dns.Question, k key) bool {
	return strings.EqualFold(q.Name, k.name) && q.Qtype == k.qtype && q.Qclass == k.qclass
}

// A filter makes the entry of one response. It takes linear time in the size of the
// response, even of a malicious one: the names of the chain differ, records are found by
// owner, and each is compared with few others.
type filter struct {
	*entry
	reply              *dns.Msg
	answers, authority section
	chain              []string // the names of the CNAME chain; the question's is first
	tooManyRecords     bool     // an RRset has more than maxRecords records
	tooManySignatures  bool     // an RRset has more than maxSignatures signatures
	comparisons        int      // the tests compare it with the size of the response
}

func newFilter(k key, m *dns.Msg) *filter {
	e := &entry{key: k, rcode: uint16(m.Rcode), ad: m.AuthenticatedData, sections: &sections{}, stored: time.Now()} //nolint:gosec // G115: of a header
	return &filter{entry: e, reply: m, answers: newSection(m.Answer), authority: newSection(m.Ns)}
}

// run returns the entry. An RRset of more than maxRecords records is returned as a whole
// and not stored. A part of it would be a wrong answer (RFC 2181, 5), and SERVFAIL would
// make the name unreachable. Too many signatures are a failure.
func (f *filter) run() *entry {
	f.followChain()
	if f.kind == positive {
		f.rcode = dns.RcodeSuccess // the RCODE is that of the last name (RFC 6604), which has records
	}
	soa := f.kind == negative && f.addSOA()
	withoutRecords := f.kind == negative && !soa && len(f.answer) == 0 && f.rcode == dns.RcodeSuccess
	if f.key.do && f.kind != failure {
		f.addProof()
	}
	if f.kind == failure || f.tooManySignatures || withoutRecords && !noData(f.key, f.reply) {
		return newFailure(dns.RcodeServerFailure, dns.ExtendedErrorCodeInvalidData)
	}
	if (f.kind == positive || soa) && !f.tooManyRecords {
		f.ttl = f.minTTL()
	} // otherwise it is not stored; without an SOA record its TTL is unknown (RFC 2308, 5)
	return f.entry
}

// noData reports whether a response without an answer and without an SOA record
// denies that the name has a record of the type (RFC 2308, 2.2, type 3). Servers with
// local data send it. A response with an NS record is a referral. A response with records
// of other names answers another question.
func noData(k key, m *dns.Msg) bool {
	referral := slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS })
	return !referral && !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		h := rr.Header()
		return h.Class != k.qclass || h.Rrtype == k.qtype || !strings.EqualFold(h.Name, k.name)
	})
}

// followChain collects the CNAME chain and the records at its end. A chain without
// records at its end is a negative answer. A loop or a chain that is too long is a
// failure.
func (f *filter) followChain() {
	for name := f.key.name; ; {
		f.chain = append(f.chain, name)
		if set := f.rrset(&f.answers, name, f.key.qtype); len(set) > 0 {
			f.answer = append(f.answer, set...)
			return
		}
		link := f.rrset(&f.answers, name, dns.TypeCNAME)
		if len(link) == 0 {
			f.kind = negative
			return
		}
		target := strings.ToLower(link[0].(*dns.CNAME).Target)
		if len(f.chain) > maxLinks || slices.Contains(f.chain, target) {
			f.kind = failure
			return
		}
		f.answer = append(f.answer, f.dnameRecords(name, target)...)
		f.answer = append(f.answer, link...)
		name = target
	}
}

// rrset returns copies of the records of a name and type, followed by their signatures
// if DO is set, without duplicates (RFC 2181, 5). A name with several CNAME or DNAME
// records is an error, and only the first one is returned.
func (f *filter) rrset(s *section, name string, rrtype uint16) []dns.RR {
	var set, sigs collection
	single := rrtype == dns.TypeCNAME || rrtype == dns.TypeDNAME
	for _, rr := range s.of(name) {
		f.comparisons++
		h := rr.Header()
		if f.tooManySignatures || h.Class != f.key.qclass || !strings.EqualFold(h.Name, name) || unusable(rr) {
			continue
		}
		sig, isSig := rr.(*dns.RRSIG)
		switch {
		case h.Rrtype == rrtype, rrtype == dns.TypeANY:
			if len(set.rrs) == 0 || !single {
				f.comparisons += set.add(rr)
			}
		case isSig && f.key.do && sig.TypeCovered == rrtype:
			f.comparisons += sigs.add(rr)
			f.tooManySignatures = f.tooManySignatures || len(sigs.rrs) > maxSignatures
		}
	}
	if len(set.rrs) == 0 {
		return nil
	}
	f.tooManyRecords = f.tooManyRecords || len(set.rrs) > maxRecords
	all := equalizeTTLs(append(set.rrs, sigs.rrs...))
	for _, rr := range all {
		if h := rr.Header(); h.Name == name {
			h.Name = name // share one string with the key or the previous CNAME record
		}
	}
	return all
}

// dnameRecords returns the DNAME record from which the CNAME record from name to target
// was synthesized, if there is one. Only clients that may validate get it, because it
// applies to other names as well.
func (f *filter) dnameRecords(name, target string) []dns.RR {
	if !f.key.do || !f.answers.hasDNAME {
		return nil
	}
	for at, root := dns.NextLabel(name, 0); !root; at, root = dns.NextLabel(name, at) {
		set := f.rrset(&f.answers, name[at:], dns.TypeDNAME)
		if len(set) > 0 && name[:at]+strings.ToLower(set[0].(*dns.DNAME).Target) == target {
			return set
		}
	}
	return nil
}

// minTTL returns the lowest TTL of the records. Their TTLs are within the limits.
func (e *entry) minTTL() time.Duration {
	ttl := maxPositive
	for _, rr := range slices.Concat(e.answer, e.ns) {
		ttl = min(ttl, time.Duration(rr.Header().Ttl)*time.Second)
	}
	return ttl
}

// edeOf returns the code of the upstream's extended error, or 0.
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

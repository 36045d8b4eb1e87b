package lru

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxLinks bounds the CNAME chain that is followed.
	maxLinks = 16
	// maxRecords bounds an RRset that is stored. BIND has the same limit.
	maxRecords = 100
	// maxSignatures bounds those of one RRset, which cost a validating client most.
	maxSignatures = 100
)

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
		return filterOf(k, m).run()
	case dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeNotImplemented:
		return failed(m.Rcode, edeOf(m))
	default: // FORMERR and worse are between us and the upstream
		return failed(dns.RcodeServerFailure, edeOf(m))
	}
}

func asks(q dns.Question, k key) bool {
	return strings.EqualFold(q.Name, k.name) && q.Qtype == k.qtype && q.Qclass == k.qclass
}

// A filter makes the entry of one reply. Its work is linear in the size of the
// reply, however hostile: the names of the chain differ, records are found by
// owner, and each is compared with few others.
type filter struct {
	*entry
	reply              *dns.Msg
	answers, authority section
	chain              []string // the names from the question's to the last
	large              bool     // an RRset has more than maxRecords records
	tooMany            bool     // or more than maxSignatures signatures
	work               int      // records looked at; the tests compare it with the size of the reply
}

func filterOf(k key, m *dns.Msg) *filter {
	e := &entry{key: k, rcode: uint16(m.Rcode), ad: m.AuthenticatedData, sections: &sections{}, stored: time.Now()} //nolint:gosec // G115: of a header
	return &filter{entry: e, reply: m, answers: sectionOf(m.Answer), authority: sectionOf(m.Ns)}
}

// run returns the entry. An RRset of more than maxRecords records passes whole and
// is not stored: a part of it would be a wrong answer (RFC 2181, 5), and SERVFAIL
// would make a name unreachable that has so many. Too many signatures are a failure.
func (f *filter) run() *entry {
	f.follow()
	if f.kind == positive {
		f.rcode = dns.RcodeSuccess // it is the last name's (RFC 6604), and that has records
	}
	soa := f.kind == negative && f.takeSOA()
	empty := f.kind == negative && !soa && len(f.answer) == 0 && f.rcode == dns.RcodeSuccess
	if f.key.do && f.kind != failure {
		f.takeProof()
	}
	if f.kind == failure || f.tooMany || empty && !noData(f.key, f.reply) {
		return failed(dns.RcodeServerFailure, dns.ExtendedErrorCodeInvalidData)
	}
	if (f.kind == positive || soa) && !f.large {
		f.life = f.lifetime()
	} // otherwise it is passed and not stored; without an SOA record nothing bounds its time (RFC 2308, 5)
	return f.entry
}

// noData reports whether a response without an answer and without an SOA record
// denies that the name has a record of the type (RFC 2308, 2.2, type 3). Servers
// with local data send it. With an NS record the response is a referral. Records
// of other names make it an answer to another question.
func noData(k key, m *dns.Msg) bool {
	referral := slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS })
	return !referral && !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		h := rr.Header()
		return h.Class != k.qclass || h.Rrtype == k.qtype || !strings.EqualFold(h.Name, k.name)
	})
}

// follow collects the chain and the records at its end. A chain without records at
// its end is negative, one without an end a failure.
func (f *filter) follow() {
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
		f.answer = append(f.answer, f.dname(name, target)...)
		f.answer = append(f.answer, link...)
		name = target
	}
}

// rrset returns copies of the records of a name and type, then their signatures
// if DO is set, each once (RFC 2181, 5). Of several CNAME or DNAME records for one
// name, which is an error, the first counts.
func (f *filter) rrset(s *section, name string, rrtype uint16) []dns.RR {
	var set, sigs collection
	single := rrtype == dns.TypeCNAME || rrtype == dns.TypeDNAME
	for _, rr := range s.of(name) {
		f.work++
		h := rr.Header()
		if f.tooMany || h.Class != f.key.qclass || !strings.EqualFold(h.Name, name) || empty(rr) {
			continue
		}
		sig, isSig := rr.(*dns.RRSIG)
		switch {
		case h.Rrtype == rrtype, rrtype == dns.TypeANY:
			if len(set.rrs) == 0 || !single {
				f.work += set.add(rr)
			}
		case isSig && f.key.do && sig.TypeCovered == rrtype:
			f.work += sigs.add(rr)
			f.tooMany = f.tooMany || len(sigs.rrs) > maxSignatures
		}
	}
	if len(set.rrs) == 0 {
		return nil
	}
	f.large = f.large || len(set.rrs) > maxRecords
	all := level(append(set.rrs, sigs.rrs...))
	for _, rr := range all {
		if h := rr.Header(); h.Name == name {
			h.Name = name // one text in memory: the key's, or that of the link before
		}
	}
	return all
}

// dname returns the DNAME record that the CNAME from name to target was made
// from, if there is one. It concerns other names as well, so only clients that may
// validate get it.
func (f *filter) dname(name, target string) []dns.RR {
	if !f.key.do || !f.answers.dname {
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

// lifetime is the least of the records' TTLs, which have their limits.
func (e *entry) lifetime() time.Duration {
	life := maxPositive
	for _, rr := range slices.Concat(e.answer, e.ns) {
		life = min(life, time.Duration(rr.Header().Ttl)*time.Second)
	}
	return life
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

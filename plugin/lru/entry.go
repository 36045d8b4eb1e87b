package lru

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

type kind uint8

const (
	positive kind = iota
	negative      // NXDOMAIN, or no record of the type
	failure       // no usable answer
)

const (
	maxPositive = 24 * time.Hour // RFC 8767, 4 and 7 give reasons for a limit
	maxNegative = time.Hour      // RFC 2308, 5: one to three hours
	// failureTTL is how long a failure is cached (RFC 9520, 3.2: 1 s to 5 min).
	failureTTL = 5 * time.Second
	// minFailureTTL applies even if the upstream answers queries for other names.
	minFailureTTL = time.Second
	staleTTL      = 30 // seconds (RFC 8767, 4)
	prefetchHits  = 3  // hits from which an entry is prefetched
)

// An entry is the cached answer to one question. Clients get copies of its records.
// Nothing of a stored entry is modified, except for hits, refreshFailure and its
// positions in the store.
type entry struct {
	key     key
	rcode   uint16
	kind    kind
	ad      bool   // the upstream has validated the answer
	ede     uint16 // extended error of a failure; 0: none
	noReply bool   // the failure is a missing reply, not an unusable one
	packed  bool   // the records are in wire
	stored  time.Time
	ttl     time.Duration // from stored on; 0: the entry is not stored

	wire           records // of a stored entry
	*sections              // of an entry that is not stored
	hits           atomic.Uint32
	index          int32                 // in the store's heap
	refreshFailure atomic.Pointer[entry] // the failure of the last refresh

	newer, older *entry // in the store's order of use
}

// sections are the decoded records of an entry.
type sections struct{ answer, ns []dns.RR }

// newFailure returns the entry for a question without a usable answer.
func newFailure(rcode int, ede uint16) *entry {
	return &entry{kind: failure, rcode: uint16(rcode), ede: ede, sections: &sections{}, //nolint:gosec // G115: of a header
		stored: time.Now(), ttl: failureTTL}
}

// noReachableAuthority returns the failure for a missing reply.
func noReachableAuthority() *entry {
	return newFailure(dns.RcodeServerFailure, dns.ExtendedErrorCodeNoReachableAuthority)
}

func (e *entry) fresh(now time.Time) bool { return now.Sub(e.stored) < e.ttl }

// stale reports whether the entry may be served as a stale answer.
func (e *entry) stale(now time.Time, window time.Duration) bool {
	return e.kind == positive && now.Sub(e.stored) < e.ttl+window
}

// stillApplies reports whether a cached failure may be served. A missing reply applies
// for one second, and until its TTL has expired only while the upstream does not answer
// other queries either.
func (e *entry) stillApplies(now time.Time, unresponsive bool) bool {
	return e.fresh(now) && (unresponsive || !e.noReply || now.Sub(e.stored) < minFailureTTL)
}

// prefetchDue reports whether an entry has enough hits and is in the last part of its
// TTL. It is not due while the failure of the last refresh is fresh.
func (e *entry) prefetchDue(now time.Time, percent int, hits uint32) bool {
	left := e.ttl - now.Sub(e.stored)
	if f := e.refreshFailure.Load(); f != nil && f.fresh(now) {
		return false
	}
	return e.kind != failure && hits >= prefetchHits && left*100 < e.ttl*time.Duration(percent)
}

// reply returns the answer to r with the remaining TTLs.
func (e *entry) reply(r *dns.Msg, now time.Time) *dns.Msg {
	age := uint32(now.Sub(e.stored) / time.Second)
	m := e.message(r)
	e.setRecords(m, func(ttl uint32) uint32 { return ttl - min(age, ttl) })
	if e.ede != 0 {
		addEDE(m, r, e.ede)
	}
	return m
}

// staleReply returns the expired answer to r (RFC 8767).
func (e *entry) staleReply(r *dns.Msg) *dns.Msg {
	m := e.message(r)
	e.setRecords(m, func(uint32) uint32 { return staleTTL })
	m.Ns = nil
	addEDE(m, r, dns.ExtendedErrorCodeStaleAnswer)
	return m
}

func (e *entry) message(r *dns.Msg) *dns.Msg {
	opt := r.IsEdns0()
	return &dns.Msg{
		MsgHdr: dns.MsgHdr{
			Id: r.Id, Response: true, RecursionDesired: r.RecursionDesired, RecursionAvailable: true, CheckingDisabled: r.CheckingDisabled,
			AuthenticatedData: e.ad && (r.AuthenticatedData || opt != nil && opt.Do()), // RFC 6840, 5.8
			Rcode:             int(e.rcode),
		},
		Question: r.Question,
	}
}

// setRecords adds copies of the records for one client to the message. ttl computes
// their TTLs. The owner name has the letter case of the client's question.
func (e *entry) setRecords(m *dns.Msg, ttl func(uint32) uint32) {
	name := m.Question[0].Name
	if e.packed {
		m.Answer, m.Ns = e.wire.unpack(name)
	} else {
		m.Answer, m.Ns = e.copies(e.answer, name), e.copies(e.ns, name)
	}
	for _, section := range [...][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			rr.Header().Ttl = ttl(rr.Header().Ttl)
		}
	}
}

func (e *entry) copies(rrs []dns.RR, name string) []dns.RR {
	if len(rrs) == 0 {
		return nil
	}
	copies := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		copies[i] = shallowCopy(rr)
		if h := copies[i].Header(); strings.EqualFold(h.Name, e.key.name) {
			h.Name = name
		}
	}
	return copies
}

// shallowCopy copies a record. The copies of frequent types share their RDATA, which is
// never written to.
func shallowCopy(rr dns.RR) dns.RR {
	switch rr := rr.(type) {
	case *dns.A:
		c := *rr
		return &c
	case *dns.AAAA:
		c := *rr
		return &c
	case *dns.CNAME:
		c := *rr
		return &c
	case *dns.SOA:
		c := *rr
		return &c
	}
	return dns.Copy(rr)
}

// addEDE adds an extended DNS error (RFC 8914) for a client that uses EDNS.
func addEDE(m, r *dns.Msg, code uint16) {
	opt := r.IsEdns0()
	if opt == nil {
		return
	}
	m.SetEdns0(opt.UDPSize(), opt.Do())
	opt = m.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: code})
}

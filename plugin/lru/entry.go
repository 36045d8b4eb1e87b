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
	failure       // no answer, or none that is of use
)

const (
	maxPositive = 24 * time.Hour // RFC 8767, 4 and 7 have reasons for a limit
	maxNegative = time.Hour      // RFC 2308, 5: one to three hours
	// failureTime is how long a failure is remembered (RFC 9520, 3.2: 1 s to 5 min).
	failureTime = 5 * time.Second
	// leastFailure is how long at least, whatever other names do.
	leastFailure = time.Second
	staleTTL     = 30 // seconds (RFC 8767, 4)
	popular      = 3  // hits from which on an entry is worth a prefetch
)

// An entry is what answers one question. Its records are never handed out and,
// like all of it but the counters, never modified.
type entry struct {
	key    key
	rcode  uint16
	kind   kind
	ad     bool   // the upstream has validated it
	ede    uint16 // extended error of a failure, 0 for none
	silent bool   // a failure because nobody answered, not because of the answer
	packed bool   // the records are in wire
	stored time.Time
	life   time.Duration // after stored; 0 for what is not to be stored

	wire      records // of an entry that is stored
	*sections         // of one that is not
	hits      atomic.Uint32
	index     int32                 // in the store's heap
	failed    atomic.Pointer[entry] // the failure of the last refresh

	newer, older *entry // in the store's order of use
}

// sections are the decoded records of an entry.
type sections struct{ answer, ns []dns.RR }

// failed returns what a client gets in place of an answer.
func failed(rcode int, ede uint16) *entry {
	return &entry{kind: failure, rcode: uint16(rcode), ede: ede, sections: &sections{}, //nolint:gosec // G115: of a header
		stored: time.Now(), life: failureTime}
}

func unreachable() *entry {
	return failed(dns.RcodeServerFailure, dns.ExtendedErrorCodeNoReachableAuthority)
}

func (e *entry) fresh(now time.Time) bool { return now.Sub(e.stored) < e.life }

// stale tells whether the entry may still serve when nothing better is to be had.
func (e *entry) stale(now time.Time, window time.Duration) bool {
	return e.kind == positive && now.Sub(e.stored) < e.life+window
}

// holds tells whether a failure still is one: until its time has run out, and
// if nobody answered, after a second only as long as nobody has answered since.
func (e *entry) holds(now time.Time, silent bool) bool {
	return e.fresh(now) && (silent || !e.silent || now.Sub(e.stored) < leastFailure)
}

// worthPrefetch tells whether a popular entry is in the last part of its time.
func (e *entry) worthPrefetch(now time.Time, percent int, hits uint32) bool {
	left := e.life - now.Sub(e.stored)
	if f := e.failed.Load(); f != nil && f.fresh(now) {
		return false
	}
	return e.kind != failure && hits >= popular && left*100 < e.life*time.Duration(percent)
}

// reply returns the answer to r with the TTLs as they are now.
func (e *entry) reply(r *dns.Msg, now time.Time) *dns.Msg {
	age := uint32(now.Sub(e.stored) / time.Second)
	m := e.message(r)
	e.setRecords(m, func(ttl uint32) uint32 { return ttl - min(age, ttl) })
	if e.ede != 0 {
		explain(m, r, e.ede)
	}
	return m
}

// staleReply returns the answer to r although its time has run out.
func (e *entry) staleReply(r *dns.Msg) *dns.Msg {
	m := e.message(r)
	e.setRecords(m, func(uint32) uint32 { return staleTTL })
	m.Ns = nil
	explain(m, r, dns.ExtendedErrorCodeStaleAnswer)
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

// setRecords adds records for one client to the message: with the TTLs that ttl
// makes, and the name of the question in the client's spelling.
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
		copies[i] = shallow(rr)
		if h := copies[i].Header(); strings.EqualFold(h.Name, e.key.name) {
			h.Name = name
		}
	}
	return copies
}

// shallow copies a record. Of the usual types only what a client may see changed
// is copied: their data is never written to.
func shallow(rr dns.RR) dns.RR {
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

// explain adds an extended DNS error (RFC 8914) for a client that speaks EDNS.
func explain(m, r *dns.Msg, code uint16) {
	asked := r.IsEdns0()
	if asked == nil {
		return
	}
	m.SetEdns0(asked.UDPSize(), asked.Do())
	opt := m.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: code})
}

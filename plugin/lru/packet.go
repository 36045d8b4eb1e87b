package lru

import (
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
)

// This file is ServeDNS for packets. It answers from fresh entries only. ServeDNS handles
// misses, prefetches and stale answers, which need the next plugin, and failures and
// special-use names, which are rare.

// FastPath implements fastpath.Plugin. Only ServeDNS asks the plugins after this one.
func (l *LRU) FastPath(fastpath.Responder) fastpath.Responder { return (*responder)(l) }

type responder LRU

// Respond implements fastpath.Responder.
func (l *responder) Respond(q *fastpath.Query) bool {
	if !q.RecursionDesired || q.Type == dns.TypeHINFO { // plugin loop asks for HINFO
		return false
	}
	k := key{name: q.Name, qtype: q.Type, qclass: dns.ClassINET, do: q.DO, cd: q.CheckingDisabled}
	e := l.store.fresh(k, q.Now(), l.prefetch)
	if e == nil {
		return false
	}
	q.Begin(fastpath.Header{
		Rcode: uint8(e.rcode), RecursionAvailable: true, //nolint:gosec // G115: NOERROR or NXDOMAIN
		AuthenticData: e.ad && (q.AuthenticData || q.DO),
	})
	q.Sections(e.wire.octets, e.wire.answers, e.wire.authority, int(e.wire.plain))
	q.Age(uint32(q.Now().Sub(e.stored) / time.Second)) //nolint:gosec // G115: less than a TTL
	q.Count(hitsOf(e))
	return true
}

func hitsOf(e *entry) prometheus.Counter {
	if e.kind == negative {
		return hits.negative
	}
	return hits.fresh
}

// fresh returns the entry of a key if it can be served without changes, and counts the
// hit. It keeps no part of the key. If privatelink declines the reply, ServeDNS counts the
// hit again, so that the entry is prefetched one query earlier.
func (s *store) fresh(k key, now time.Time, prefetch int) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries.find(k)
	if e == nil || !e.packed || e.kind == failure || !e.fresh(now) {
		return nil
	}
	if prefetch > 0 && e.prefetchDue(now, prefetch, e.hits.Load()+1) {
		return nil
	}
	s.entries.use(e)
	e.hits.Add(1)
	return e
}

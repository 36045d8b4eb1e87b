// Package lru implements a CoreDNS plugin that caches the most recently used answers of
// the next plugin and coalesces concurrent identical queries.
//
// The cache is one list under one lock. Shards would evict independently, so that the
// cache would no longer hold the most recently used entries. It is not that of
// hashicorp/golang-lru/v2, which needs 176 octets for a key and a pointer, three times as
// many as the index of this package: an entry of a CNAME and an A record, with all of its
// 285 octets, would have 410. It also has no way to evict expired entries first.
//
// A filter reduces each response to the answer of its question before it is cached or
// returned, so that no response can affect another name.
package lru

import (
	"context"
	"strings"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
)

// LRU is the plugin's handler. A query is answered in this order:
//
//  1. A special-use name that must not be forwarded gets a negative answer.
//  2. A fresh entry is served. If it has many hits and is about to expire, the next
//     plugin is asked in the background (prefetch).
//  3. After a failure of the last seconds (RFC 9520) a stale answer is served, or the
//     failure if there is no stale answer.
//  4. During an outage of the upstream a stale answer is served at once. The next
//     plugin is asked in the background (RFC 8767).
//  5. Otherwise the next plugin is asked, in one flight for all clients with the same
//     question. A client that has waited for 1.8 s gets a stale answer if there is one.
//
// Other opcodes, other classes and queries without RD are passed on, because a cache
// does not answer them. Zone transfers are refused.
type LRU struct {
	Next plugin.Handler

	stale    time.Duration // how long an expired entry may be served; 0: never
	prefetch int           // last percent of the TTL in which an entry is fetched again; 0: never

	// exchanger reports that plugin upstream is in the server block. It bounds the
	// queries and their time, and falls back to TCP and to queries without EDNS.
	exchanger bool

	store   *store
	flights flights
}

const (
	// clientResponseTimer is that of RFC 8767, 5. It is below 2 s, because stub resolvers
	// retry then.
	clientResponseTimer = 1800 * time.Millisecond
	// clientTimeout bounds how long a client waits. Windows DNS gives up after 5 s at
	// most, and then may resolve the name to a public address.
	clientTimeout = 4 * time.Second
	// outageTimeout replaces clientTimeout while the upstream does not answer.
	outageTimeout = time.Second
)

// Name implements plugin.Handler.
func (*LRU) Name() string { return "lru" }

// ServeDNS implements plugin.Handler.
func (l *LRU) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	clearReservedFlags(r)
	q, k := r.Question[0], keyOf(r)
	switch {
	case q.Qtype == dns.TypeAXFR, q.Qtype == dns.TypeIXFR:
		return dns.RcodeRefused, nil // plugin forward returns the first of several messages only
	case r.Opcode != dns.OpcodeQuery, q.Qclass != dns.ClassINET:
		return plugin.NextOrFailure(l.Name(), l.Next, ctx, w, r)
	case !r.RecursionDesired:
		if e := specialUse(k); e != nil {
			return dns.RcodeSuccess, w.WriteMsg(e.reply(r, e.stored))
		}
		return plugin.NextOrFailure(l.Name(), l.Next, ctx, w, r)
	}
	if isLoopProbe(q) {
		k.loopProbe = uint16(l.flights.loopProbes.Add(1)%0xffff) + 1
	}
	e, now := l.store.get(k), time.Now()
	if e == nil || !e.fresh(now) || e.kind == failure && !e.stillApplies(now, l.flights.outage.unresponsive.Load()) {
		return dns.RcodeSuccess, w.WriteMsg(l.resolve(ctx, w, k, e, r, now))
	}
	countHit(e)
	if l.prefetch > 0 && e.prefetchDue(now, l.prefetch, e.hits.Load()) {
		l.refresh(ctx, w, k, e)
	}
	return dns.RcodeSuccess, w.WriteMsg(e.reply(r, now))
}

// resolve answers a query that has no entry, an expired one, or a failure that no
// longer applies. cached is that entry or nil.
func (l *LRU) resolve(ctx context.Context, w dns.ResponseWriter, k key, cached *entry, r *dns.Msg, now time.Time) *dns.Msg {
	if cached == nil {
		if e := specialUse(k); e != nil {
			return e.reply(r, now)
		}
	}
	old := cached
	if old != nil && !old.stale(now, l.stale) {
		old = nil
	}
	if old != nil && l.serveStaleAtOnce(ctx, w, old, now) {
		return serveStale(old, r)
	}
	misses.Inc()
	flight, result := l.flights.join(l, k, cached, false)
	switch result {
	case started:
		flight.query.Client = exchange.ClientOf(w)
		if l.exchanger && old == nil { // plugin upstream bounds the time, and there is no stale answer to serve
			l.flights.run(detachedContext(ctx), l, k, flight)
		} else {
			go l.flights.run(detachedContext(ctx), l, k, flight)
		}
	case joined:
		coalesced.Inc()
	case refused:
		refusals.Inc()
	}
	answer := l.wait(flight, old != nil)
	if old != nil && (answer.kind == failure || flight.query.Fallback) {
		return serveStale(old, r)
	}
	if answer.kind != failure { // after a timeout, the flight goes on
		exchange.Answered(ctx, flight.query.Resolver)
	}
	return answer.reply(r, answer.stored)
}

// serveStaleAtOnce reports whether a stale entry is served without waiting for the next
// plugin. This is so if its last refresh has just failed, or during an outage. In an
// outage the entry is refreshed in the background.
func (l *LRU) serveStaleAtOnce(ctx context.Context, w dns.ResponseWriter, old *entry, now time.Time) bool {
	unresponsive, f := l.flights.outage.unresponsive.Load(), old.refreshFailure.Load()
	if f != nil && f.stillApplies(now, unresponsive) {
		return true
	}
	if !l.flights.outage.active(now) && (f == nil || !f.noReply || !unresponsive) {
		return false
	}
	l.refresh(ctx, w, old.key, old)
	return true
}

// refresh asks the next plugin for a cached entry again, in the background.
func (l *LRU) refresh(ctx context.Context, w dns.ResponseWriter, k key, cached *entry) {
	if flight, result := l.flights.join(l, k, cached, true); result == started {
		flight.query.Client = exchange.ClientOf(w)
		prefetches.Inc()
		go l.flights.run(detachedContext(ctx), l, k, flight)
	}
}

// serveStale returns the stale answer to r and counts it.
func serveStale(old *entry, r *dns.Msg) *dns.Msg {
	hits.stale.Inc()
	return old.staleReply(r)
}

// wait returns the result of the flight, or a failure after a timeout.
func (l *LRU) wait(f *flight, hasStale bool) *entry {
	timeout := clientTimeout
	select {
	case <-f.done:
		return f.entry
	default:
	}
	switch {
	case hasStale:
		timeout = clientResponseTimer
	case l.flights.outage.unresponsive.Load() && !l.exchanger: // plugin upstream does not wait for an upstream that is down
		timeout = outageTimeout
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-f.done:
		return f.entry
	case <-timer.C:
		return noReachableAuthority()
	}
}

// clearReservedFlags clears the reserved EDNS flags. The server returns the client's OPT
// record, and a response must not set these flags (RFC 6891, 6.1.4).
func clearReservedFlags(r *dns.Msg) {
	if opt := r.IsEdns0(); opt != nil {
		opt.Hdr.Ttl &^= 0x7fff
	}
}

// A key identifies a question. DO and CD are part of it, because the upstream's answer
// depends on them.
type key struct {
	name          string // in lower case (RFC 4343)
	qtype, qclass uint16
	do, cd        bool
	loopProbe     uint16 // not 0: a query of plugin loop, which must not share a flight
}

func keyOf(r *dns.Msg) key {
	q := r.Question[0]
	opt := r.IsEdns0()
	return key{name: strings.ToLower(q.Name), qtype: q.Qtype, qclass: q.Qclass, do: opt != nil && opt.Do(), cd: r.CheckingDisabled}
}

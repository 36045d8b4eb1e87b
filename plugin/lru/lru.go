// Package lru is a CoreDNS plugin that keeps the answers of the next plugin, the
// most recently used ones, and asks it no question twice at a time.
package lru

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// LRU is the plugin's handler. A question is answered in this order:
//
//  1. A special-use name that must not be sent on has a negative answer.
//  2. From an entry whose time has not run out. In the last part of a popular
//     entry's time the next plugin is asked meanwhile (prefetch).
//  3. From a failure of the last seconds (RFC 9520): a stale answer if there is
//     one, else the failure.
//  4. From an entry whose time has run out, while the upstream is known to be
//     silent; it is asked again behind the answer (RFC 8767).
//  5. From the next plugin, in one flight for all who ask the same. A client that
//     has waited for 1.8 s gets a stale answer if there is one.
//
// Questions that are no plain query pass: other opcodes and classes, and those
// without RD, which are not for a cache to answer. Zone transfers are refused.
type LRU struct {
	Next plugin.Handler

	stale    time.Duration // how long an entry may be served after its time; 0 is never
	prefetch int           // percent of an entry's time; 0 is never

	// exchanger reports that plugin upstream is in the server block. It bounds the
	// queries and their time, and falls back to TCP and to queries without EDNS.
	exchanger bool

	store   *store
	flights flights
}

const (
	// staleAfter is the client response timer of RFC 8767, 5: below the 2 s after
	// which stub resolvers ask again.
	staleAfter = 1800 * time.Millisecond
	// patience bounds how long a client waits: Windows DNS gives up after 5 s at
	// most, and what it then asks for is a public address.
	patience = 4 * time.Second
	// impatience is in its place while the upstream is known to be silent.
	impatience = time.Second
)

// Name implements plugin.Handler.
func (*LRU) Name() string { return "lru" }

// ServeDNS implements plugin.Handler.
func (l *LRU) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	clearReserved(r)
	q, k := r.Question[0], keyOf(r)
	switch {
	case q.Qtype == dns.TypeAXFR, q.Qtype == dns.TypeIXFR:
		return dns.RcodeRefused, nil // plugin forward passes on one message of many; the client waits for the rest
	case r.Opcode != dns.OpcodeQuery, q.Qclass != dns.ClassINET:
		return plugin.NextOrFailure(l.Name(), l.Next, ctx, w, r)
	case !r.RecursionDesired:
		if e := special(k); e != nil {
			return dns.RcodeSuccess, w.WriteMsg(e.reply(r, e.stored))
		}
		return plugin.NextOrFailure(l.Name(), l.Next, ctx, w, r)
	}
	if probes(q) {
		k.probe = uint16(l.flights.probed.Add(1)%0xffff) + 1
	}
	e, now := l.store.get(k), time.Now()
	if e == nil || !e.fresh(now) || e.kind == failure && !e.holds(now, l.flights.silent.Load()) {
		return dns.RcodeSuccess, w.WriteMsg(l.resolve(ctx, w, k, e, r, now))
	}
	count(e)
	if l.prefetch > 0 && e.worthPrefetch(now, l.prefetch, e.hits.Load()) {
		l.refresh(ctx, w, k, e)
	}
	return dns.RcodeSuccess, w.WriteMsg(e.reply(r, now))
}

// resolve answers a question whose entry, seen in the store, is not fresh or is a
// failure that no longer holds; or that has none.
func (l *LRU) resolve(ctx context.Context, w dns.ResponseWriter, k key, seen *entry, r *dns.Msg, now time.Time) *dns.Msg {
	if seen == nil {
		if e := special(k); e != nil {
			return e.reply(r, now)
		}
	}
	old := seen
	if old != nil && !old.stale(now, l.stale) {
		old = nil
	}
	if old != nil && l.atOnce(ctx, w, old, now) {
		return outdated(old, r)
	}
	misses.Inc()
	flight, how := l.flights.join(l, k, seen, false)
	switch how {
	case started:
		flight.query.Client = clientOf(w)
		if l.exchanger && old == nil { // it is bounded, and there is nothing else to serve
			l.flights.fly(detached(ctx), l, k, flight)
		} else {
			go l.flights.fly(detached(ctx), l, k, flight)
		}
	case joined:
		coalesced.Inc()
	case refused:
		refusals.Inc()
	}
	answer := l.wait(flight, old != nil)
	if old != nil && (answer.kind == failure || flight.query.Fallback) {
		return outdated(old, r)
	}
	return answer.reply(r, answer.stored)
}

// atOnce reports whether a stale entry is served without a wait: its last refresh
// has failed lately, or the upstream is known to be silent. Then it is refreshed
// behind the answer.
func (l *LRU) atOnce(ctx context.Context, w dns.ResponseWriter, old *entry, now time.Time) bool {
	silent, f := l.flights.silent.Load(), old.failed.Load()
	if f != nil && f.holds(now, silent) {
		return true
	}
	if !l.flights.known(now) && (f == nil || !f.silent || !silent) {
		return false
	}
	l.refresh(ctx, w, old.key, old)
	return true
}

// refresh asks for an entry again behind an answer.
func (l *LRU) refresh(ctx context.Context, w dns.ResponseWriter, k key, seen *entry) {
	if flight, how := l.flights.join(l, k, seen, true); how == started {
		flight.query.Client = clientOf(w)
		prefetches.Inc()
		go l.flights.fly(detached(ctx), l, k, flight)
	}
}

func clientOf(w dns.ResponseWriter) netip.Addr {
	switch addr := w.RemoteAddr().(type) {
	case *net.UDPAddr:
		return addr.AddrPort().Addr().Unmap()
	case *net.TCPAddr:
		return addr.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func outdated(old *entry, r *dns.Msg) *dns.Msg {
	hits.stale.Inc()
	return old.staleReply(r)
}

// wait returns what the flight brings, or a failure when it takes too long.
func (l *LRU) wait(f *flight, hasStale bool) *entry {
	limit := patience
	select {
	case <-f.done:
		return f.entry
	default:
	}
	switch {
	case hasStale:
		limit = staleAfter
	case l.flights.silent.Load() && !l.exchanger: // plugin upstream does not wait for one that is down
		limit = impatience
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-f.done:
		return f.entry
	case <-timer.C:
		return unreachable()
	}
}

// clearReserved clears the EDNS flags that have no meaning yet. The server returns
// the client's OPT record, and a reply must not have them (RFC 6891, 6.1.4).
func clearReserved(r *dns.Msg) {
	if opt := r.IsEdns0(); opt != nil {
		opt.Hdr.Ttl &^= 0x7fff
	}
}

// A key is what answers depend on: DO and CD change what an upstream gives.
type key struct {
	name          string // in lower case (RFC 4343)
	qtype, qclass uint16
	do, cd        bool
	probe         uint16 // not 0: a question of plugin loop, which shares no flight
}

func keyOf(r *dns.Msg) key {
	q := r.Question[0]
	opt := r.IsEdns0()
	return key{name: strings.ToLower(q.Name), qtype: q.Qtype, qclass: q.Qclass, do: opt != nil && opt.Do(), cd: r.CheckingDisabled}
}

// Package upstream implements a CoreDNS plugin that forwards queries to resolvers. Each
// query has its own random port, and responses that do not match it are discarded.
package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
	"github.com/privatelink-dns/privatelink-dns/plugin/fairqueue"
)

// Upstream is the plugin's handler. A query is answered in this order:
//
//  1. A query for a name outside FROM, or within except, is passed to the next plugin.
//  2. The query waits for a slot. Without one in time, the reply is SERVFAIL.
//  3. The upstreams are asked in the order of the policy. Those without a response are
//     asked after the others, and those that are down are skipped.
//  4. If all are down, the fallback resolvers are asked, unless the name is private.
//  5. If there is no answer, the reply is SERVFAIL with an extended error.
type Upstream struct {
	Next plugin.Handler

	cfg      *config
	network  network
	queue    *fairqueue.Queue
	servers  []*server
	fallback []*server
	turn     atomic.Uint32 // for round_robin
	private  func(name string) bool
	allDown  atomic.Bool
}

// errDown is the error of a query that is not sent because all upstreams are down.
var errDown = errors.New("all upstreams are down")

// queueTime bounds the wait for a slot.
const queueTime = time.Second

// Name implements plugin.Handler.
func (*Upstream) Name() string { return "upstream" }

// ServeDNS implements plugin.Handler.
func (u *Upstream) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	name := r.Question[0].Name
	if !u.matches(name) {
		return plugin.NextOrFailure(u.Name(), u.Next, ctx, w, r)
	}
	if rcode := refuse(r); rcode != dns.RcodeSuccess {
		return rcode, nil
	}
	q, err := newQuery(r)
	if err != nil {
		return dns.RcodeFormatError, nil //nolint:nilerr // an error of the client, which is not logged
	}
	cache := exchange.From(ctx)
	m, from, byFallback, err := u.resolve(ctx, q, clientOf(cache, w))
	switch {
	case err != nil && cache != nil:
		return dns.RcodeServerFailure, err
	case err != nil:
		return dns.RcodeSuccess, w.WriteMsg(failureReply(r, err))
	case cache != nil:
		cache.Fallback, cache.Resolver = byFallback, from.name
	default:
		exchange.Answered(ctx, from.name)
	}
	prepare(m, r)
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// clientOf returns the address of the client.
func clientOf(cache *exchange.Query, w dns.ResponseWriter) netip.Addr {
	if cache != nil {
		return cache.Client
	}
	return exchange.ClientOf(w)
}

func (u *Upstream) matches(name string) bool {
	if !plugin.Name(u.cfg.from).Matches(name) {
		return false
	}
	return !slices.ContainsFunc(u.cfg.except, func(zone string) bool { return plugin.Name(zone).Matches(name) })
}

// refuse returns the RCODE to reject a request with, or RcodeSuccess if it is forwarded.
// Zone transfers are rejected, because an attempt has one response only.
func refuse(r *dns.Msg) int {
	switch q := r.Question[0]; {
	case r.Opcode != dns.OpcodeQuery:
		return dns.RcodeNotImplemented
	case q.Qclass != dns.ClassINET, q.Qtype == dns.TypeAXFR, q.Qtype == dns.TypeIXFR:
		return dns.RcodeRefused
	}
	return dns.RcodeSuccess
}

// resolve returns the answer and the resolver that it is from. It reports whether that is a
// fallback resolver.
func (u *Upstream) resolve(ctx context.Context, q *query, client netip.Addr) (m *dns.Msg, from *server, byFallback bool, err error) {
	deadline := time.Now().Add(totalTime)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	slot := u.queue.Acquire(strings.ToLower(q.name), client, true)
	if slot == nil {
		refusedTotal.Inc()
		return nil, nil, false, exchange.ErrBusy
	}
	defer slot.Release()
	if slot.Queued() {
		queuedTotal.Inc()
		if !slot.Wait(min(queueTime, time.Until(deadline))) {
			refusedTotal.Inc()
			return nil, nil, false, exchange.ErrBusy
		}
	}
	servers := u.order(u.servers)
	if servers == nil && len(u.fallback) > 0 && !u.private(q.name) {
		m, from, byFallback, err = u.askFallback(q, deadline)
	} else if servers == nil {
		err = errDown
	} else {
		m, from, err = ask(q, servers, u.cfg.failover, deadline)
	}
	if err != nil {
		failedTotal.Inc()
	}
	return m, from, byFallback, err
}

// order returns the servers to ask, or nil if all are down.
func (u *Upstream) order(all []*server) []*server {
	now := time.Now()
	if len(all) == 1 {
		if all[0].rank(now) == notAsked {
			return nil
		}
		return all
	}
	list, ranks := make([]*server, 0, len(all)), make(map[*server]int, len(all))
	start := 0
	if u.cfg.policy == "round_robin" {
		start = int(u.turn.Add(1) % uint32(len(all)))
	}
	for i := range all {
		s := all[(start+i)%len(all)]
		if rank := s.rank(now); rank != notAsked {
			list, ranks[s] = append(list, s), rank
		}
	}
	if u.cfg.policy == "random" {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	slices.SortStableFunc(list, func(a, b *server) int { return ranks[a] - ranks[b] })
	if len(list) == 0 {
		return nil
	}
	return list
}

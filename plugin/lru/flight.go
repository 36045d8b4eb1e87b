package lru

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin/metrics/vars"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
	"github.com/privatelink-dns/privatelink-dns/plugin/fairqueue"
)

var log = clog.NewWithPlugin("lru")

const (
	// queueTimeout bounds the wait for a slot. The slots of fast domains are free again
	// within milliseconds.
	queueTimeout = time.Second
	// flightTimeout bounds a flight, including its retries over TCP or without EDNS.
	flightTimeout = 5 * time.Second
	// exchangeTimeout is the longest time that plugin forward takes for one upstream.
	exchangeTimeout = 2 * time.Second
	// upstreamUDPSize avoids fragmentation (DNS Flag Day 2020).
	upstreamUDPSize = 1232
)

// A flight is one upstream query, shared by all clients that ask its question while it
// is under way.
type flight struct {
	done  chan struct{} // closed when entry is set
	entry *entry

	slot       *fairqueue.Slot // nil: the next plugin bounds its queries
	background bool            // no client waits for it, and it started in an outage
	query      exchange.Query
}

// flights holds all flights of an instance. The zero value is ready for use.
type flights struct {
	mu         sync.Mutex
	stopped    bool // the instance has ended
	all        map[key]*flight
	slots      fairqueue.Queue
	loopProbes atomic.Uint32 // number of queries of plugin loop
	background int           // number of flights with background set

	outage outage
}

// A joinResult reports how a query got its flight.
type joinResult uint8

const (
	started joinResult = iota
	joined             // the flight was under way already, or has just ended
	refused            // no slot was free, or the instance has ended
)

// maxBackground bounds the background flights while the upstream does not answer. They
// are enough to notice that it answers again.
const maxBackground = 10

// join returns the flight for a question, and creates a missing one, which the caller
// must start with run. cached is the entry that the caller has read from the store and
// cannot use, or nil. A flight continues if a client cancels, because other clients and
// the store use its result. background is set if the client has its answer already.
func (f *flights) join(l *LRU, k key, cached *entry, background bool) (*flight, joinResult) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl, ok := f.all[k]; ok {
		return fl, joined
	}
	if e := l.store.peek(k); e != nil && e != cached && e.fresh(time.Now()) {
		return finished(e), joined
	}
	limited := background && (f.outage.unresponsive.Load() || f.outage.active(time.Now()))
	if f.stopped || limited && f.background >= maxBackground {
		return finished(noReachableAuthority()), refused
	}
	var slot *fairqueue.Slot
	if !l.exchanger {
		if slot = f.slots.Acquire(k.name, netip.Addr{}, !background); slot == nil {
			return finished(noReachableAuthority()), refused
		}
	}
	if f.all == nil {
		f.all = map[key]*flight{}
	}
	fl := &flight{done: make(chan struct{}), slot: slot, background: limited}
	f.all[k] = fl
	if limited {
		f.background++
	}
	return fl, started
}

// remove ends a flight and releases its slot.
func (f *flights) remove(k key, fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, k)
	if fl.background {
		f.background--
	}
	if fl.slot != nil {
		fl.slot.Release()
	}
}

// detachedContext returns a context without a deadline that has only the values of ctx
// that name the server block and the view. The client's metadata is left out, because
// plugins write to it without a lock.
func detachedContext(ctx context.Context) context.Context {
	detached := context.Background()
	for _, key := range []any{dnsserver.Key{}, dnsserver.LoopKey{}, dnsserver.ViewKey{}} {
		if value := ctx.Value(key); value != nil {
			detached = context.WithValue(detached, key, value)
		}
	}
	return detached
}

// finished returns a flight that has ended.
func finished(e *entry) *flight {
	done := make(chan struct{})
	close(done)
	return &flight{done: done, entry: e}
}

// stop prevents new flights. It does not wait for those under way, because the servers
// have stopped and no client waits. Their results are no longer stored: the next plugin
// ends as well and fails them, and the store may belong to the next instance by then.
func (f *flights) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
}

// put stores the result of a flight.
func (f *flights) put(l *LRU, k key, e *entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.stopped {
		l.put(k, e)
	}
}

// run waits for the slot, asks the next plugin and ends the flight.
func (f *flights) run(ctx context.Context, l *LRU, k key, fl *flight) {
	fl.entry = newFailure(dns.RcodeServerFailure, 0)
	defer func() {
		if problem := recover(); problem != nil { // the server's own recover does not reach here
			log.Errorf("Recovered from panic over the question %s: %v", k.name, problem)
			vars.Panic.Inc()
		}
		f.remove(k, fl)
		close(fl.done)
	}()
	if fl.slot != nil && !fl.slot.Wait(queueTimeout) {
		refusals.Inc()
		fl.entry = noReachableAuthority()
		return
	}
	if !l.exchanger {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, flightTimeout)
		defer cancel()
	}
	f.ask(ctx, l, k, fl)
}

// ask asks the next plugin and stores the result. An answer of a fallback resolver is
// not stored, because the next query may get the answer of the upstream.
func (f *flights) ask(ctx context.Context, l *LRU, k key, fl *flight) {
	began := time.Now()
	f.outage.sent(k.name, began)
	m, err := l.queryNext(ctx, k, fl)
	upstreamSeconds.Observe(time.Since(began).Seconds())
	switch {
	case errors.Is(err, exchange.ErrBusy): // it was not sent, so it is no sign of an outage
		refusals.Inc()
		fl.entry = noReachableAuthority()
		return
	case err != nil:
		f.outage.unanswered(k, began, err)
		fl.entry = noReachableAuthority()
		fl.entry.noReply = true
	case fl.query.Fallback:
		f.outage.unanswered(k, began, errFallback)
		fl.entry = filterAnswer(k, m)
		fl.entry.capTTLs(failureTTL)
		failure := noReachableAuthority()
		failure.noReply = true
		f.putRefreshFailure(l, k, failure)
		return
	default:
		fl.entry = filterAnswer(k, m)
		if !l.exchanger && time.Since(began) >= exchangeTimeout {
			fl.entry.capTTLs(suspectTTL)
		}
	}
	f.put(l, k, fl.entry)
}

// putRefreshFailure notes the failure in the stale entry of the key, if there is one.
func (f *flights) putRefreshFailure(l *LRU, k key, failure *entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := l.store.peek(k); !f.stopped && old != nil && old.stale(failure.stored, l.stale) {
		old.refreshFailure.Store(failure)
	}
}

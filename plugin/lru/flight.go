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
	// queueTime is how long a question waits for a place: fast domains pass it on in
	// milliseconds.
	queueTime = time.Second
	// flightTime bounds a flight, its repetitions over TCP or without EDNS included.
	flightTime = 5 * time.Second
	// exchangeTime is what one exchange takes, if it must.
	exchangeTime = 2 * time.Second
	// upstreamSize is what never needs fragments (DNS Flag Day 2020).
	upstreamSize = 1232
)

// A flight is one question on its way, for everyone who asks it meanwhile.
type flight struct {
	done  chan struct{} // closed when entry is there
	entry *entry

	place  *fairqueue.Place // nil: the next plugin bounds its queries
	behind bool             // nobody waits for it, and it started in an outage
	query  exchange.Query
}

// flights is all of them. The zero value has none.
type flights struct {
	mu     sync.Mutex
	ended  bool // the instance has ended
	all    map[key]*flight
	places fairqueue.Queue
	probed atomic.Uint32 // questions of plugin loop
	behind int           // how many of all have behind set

	outage
}

// A boarding says how a question came to its flight.
type boarding uint8

const (
	started boarding = iota
	joined           // it was under way already, or has just landed
	refused          // there are too many
)

// maxBehind bounds the flights that nobody waits for while the upstream is silent:
// enough to notice that it answers again.
const maxBehind = 10

// join returns the flight for a question whose entry, of no use, was seen in the
// store, or nil. The caller must call fly for one that is started. It does not end
// when a client goes: the others and the store want it. behind is for a client that
// has its answer already.
func (f *flights) join(l *LRU, k key, seen *entry, behind bool) (*flight, boarding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.all[k]; ok {
		return one, joined
	}
	if e := l.store.peek(k); e != nil && e != seen && e.fresh(time.Now()) {
		return landed(e), joined
	}
	outage := behind && (f.silent.Load() || f.known(time.Now()))
	if f.ended || outage && f.behind >= maxBehind {
		return landed(unreachable()), refused
	}
	var mine *fairqueue.Place
	if !l.exchanger {
		if mine = f.places.Enter(k.name, netip.Addr{}, !behind); mine == nil {
			return landed(unreachable()), refused
		}
	}
	if f.all == nil {
		f.all = map[key]*flight{}
	}
	one := &flight{done: make(chan struct{}), place: mine, behind: outage}
	f.all[k] = one
	if outage {
		f.behind++
	}
	return one, started
}

func (f *flights) leave(k key, one *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, k)
	if one.behind {
		f.behind--
	}
	if one.place != nil {
		one.place.Leave()
	}
}

// detached returns a context that has what says where the question came in, and
// nothing of the client's: its metadata is written to without a lock.
func detached(ctx context.Context) context.Context {
	free := context.Background()
	for _, key := range []any{dnsserver.Key{}, dnsserver.LoopKey{}, dnsserver.ViewKey{}} {
		if value := ctx.Value(key); value != nil {
			free = context.WithValue(free, key, value)
		}
	}
	return free
}

func landed(e *entry) *flight {
	done := make(chan struct{})
	close(done)
	return &flight{done: done, entry: e}
}

// end lets no flight begin any more. Those under way are not waited for: the
// servers have stopped, so nobody else waits. They do not touch the store from
// then on, because the next plugin ends, too, and fails them, and because the
// store belongs to the instance's successor or to nobody.
func (f *flights) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
}

// keep stores the result of a flight.
func (f *flights) keep(l *LRU, k key, e *entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ended {
		l.keep(k, e)
	}
}

func (f *flights) fly(ctx context.Context, l *LRU, k key, one *flight) {
	one.entry = failed(dns.RcodeServerFailure, 0)
	defer func() {
		if problem := recover(); problem != nil { // the server's own recover does not reach here
			log.Errorf("Recovered from panic over the question %s: %v", k.name, problem)
			vars.Panic.Inc()
		}
		f.leave(k, one)
		close(one.done)
	}()
	if one.place != nil && !one.place.Wait(queueTime) {
		refusals.Inc()
		one.entry = unreachable()
		return
	}
	if !l.exchanger {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, flightTime)
		defer cancel()
	}
	f.run(ctx, l, k, one)
}

// run asks the next plugin and stores the result. What a fallback resolver answers is
// not stored, because the next query may have the answer of the upstream.
func (f *flights) run(ctx context.Context, l *LRU, k key, one *flight) {
	began := time.Now()
	f.sent(k.name, began)
	m, err := l.ask(ctx, k, one)
	upstreamSeconds.Observe(time.Since(began).Seconds())
	switch {
	case errors.Is(err, exchange.ErrBusy): // it was not sent, so it says nothing about the upstream
		refusals.Inc()
		one.entry = unreachable()
		return
	case err != nil:
		f.unanswered(k, began, err)
		one.entry = unreachable()
		one.entry.silent = true
	case one.query.Fallback:
		f.unanswered(k, began, errFallback)
		one.entry = answerOf(k, m)
		one.entry.limit(failureTime)
		failure := unreachable()
		failure.silent = true
		f.keepFailure(l, k, failure)
		return
	default:
		one.entry = answerOf(k, m)
		if !l.exchanger && time.Since(began) >= exchangeTime {
			one.entry.limit(doubtTime)
		}
	}
	f.keep(l, k, one.entry)
}

// keepFailure notes that a stale entry, if there is one, could not be refreshed.
func (f *flights) keepFailure(l *LRU, k key, failure *entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := l.store.peek(k); !f.ended && old != nil && old.stale(failure.stored, l.stale) {
		old.failed.Store(failure)
	}
}

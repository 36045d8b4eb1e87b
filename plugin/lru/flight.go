package lru

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metrics/vars"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/miekg/dns"
)

var log = clog.NewWithPlugin("lru")

const (
	// maxFlights is what Azure's resolver queues for a machine before it drops.
	maxFlights = 200
	// maxOfDomain is how many of them one domain may have: one whose servers are
	// silent does not turn the others away.
	maxOfDomain = maxFlights / 2
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
}

// flights is all of them. The zero value has none.
type flights struct {
	mu       sync.Mutex
	all      map[key]*flight
	ofDomain map[string]int
	ended    bool // the instance has ended

	answered atomic.Int64 // when the upstream answered last, in Unix nanoseconds
	silent   atomic.Bool  // it did not answer a question put to it after that
}

// A boarding says how a question came to its flight.
type boarding uint8

const (
	started boarding = iota
	joined           // it was under way already, or has just landed
	refused          // there are too many
)

// join returns the flight for a question whose entry, of no use, was seen in the
// store, or nil. It does not end when a client goes: the others and the store
// want it.
func (f *flights) join(ctx context.Context, l *LRU, k key, seen *entry) (*flight, boarding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.all[k]; ok {
		return one, joined
	}
	if e := l.store.peek(k); e != nil && e != seen && e.fresh(time.Now()) {
		return landed(e), joined
	}
	if f.ended || len(f.all) >= maxFlights || f.ofDomain[domain(k.name)] >= maxOfDomain {
		return landed(failed(dns.RcodeServerFailure, dns.ExtendedErrorCodeNoReachableAuthority)), refused
	}
	if f.all == nil {
		f.all, f.ofDomain = map[key]*flight{}, map[string]int{}
	}
	one := &flight{done: make(chan struct{})}
	f.all[k] = one
	f.ofDomain[domain(k.name)]++
	ctx, cancel := context.WithTimeout(detached(ctx), flightTime)
	go func() {
		defer cancel()
		f.fly(ctx, l, k, one)
	}()
	return one, started
}

func (f *flights) leave(k key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, k)
	name := domain(k.name)
	if f.ofDomain[name]--; f.ofDomain[name] == 0 {
		delete(f.ofDomain, name)
	}
}

// domain returns the last two labels of a name: near enough to who runs its
// servers, and no list of public suffixes to keep.
func domain(name string) string {
	if at, start := dns.PrevLabel(name, 2); !start {
		return name[at:]
	}
	return name
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
	return &flight{done, e}
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
		f.leave(k)
		close(one.done)
	}()
	began := time.Now()
	m, err := l.ask(ctx, k)
	upstreamSeconds.Observe(time.Since(began).Seconds())
	if err != nil {
		// Others may have been answered since: then it is this question's fault.
		if f.answered.Load() <= began.UnixNano() {
			f.silent.Store(true)
		}
		one.entry = failed(dns.RcodeServerFailure, dns.ExtendedErrorCodeNoReachableAuthority)
		one.entry.silent = true
	} else {
		one.entry = answerOf(k, m)
	}
	f.keep(l, k, one.entry)
}

// keep stores an answer. A failure is stored, too, unless there is an entry that
// can still be served: that one learns of it.
func (l *LRU) keep(k key, e *entry) {
	e.key = k
	if e.kind == failure {
		if old := l.store.peek(k); old != nil && old.kind != failure && (old.fresh(e.stored) || old.stale(e.stored, l.stale)) {
			old.failed.Store(e)
			return
		}
	}
	if e.life > 0 && e.fits() {
		l.store.add(k, e)
		return
	}
	l.store.remove(k) // what was true before is not any more
}

var errNoReply = errors.New("the next plugin gives no reply")

// ask puts the question to the next plugin, as a query of our own: nothing of a
// client's EDNS goes upstream (RFC 6891, 6.1.1: hop by hop). What does not fit is
// fetched over TCP, and who does not know EDNS is asked without. That is three
// queries at most (RFC 9520, 3.1). AD is always set, whoever asks: it requests the
// AD bit without the signatures (RFC 6840, 5.7), and message hides that bit from
// clients that did not ask for it. So AD is not part of the key.
func (l *LRU) ask(ctx context.Context, k key) (*dns.Msg, error) {
	r := &dns.Msg{
		MsgHdr:   dns.MsgHdr{Id: dns.Id(), RecursionDesired: true, AuthenticatedData: true, CheckingDisabled: k.cd},
		Question: []dns.Question{{Name: k.name, Qtype: k.qtype, Qclass: k.qclass}},
	}
	r.SetEdns0(upstreamSize, k.do)
	m, err := l.exchange(ctx, r, overUDP)
	if err == nil && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) { // RFC 6891, 6.2.2
		r.Extra, r.AuthenticatedData = nil, false
		m, err = l.exchange(ctx, r, overUDP)
	}
	if err == nil && m.Truncated {
		m, err = l.exchange(ctx, r, overTCP)
	}
	return m, err
}

func (l *LRU) exchange(ctx context.Context, r *dns.Msg, client net.Addr) (*dns.Msg, error) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < exchangeTime {
		return nil, errNoReply // plugin forward would not stop at the deadline
	}
	w := &capture{client: client}
	rcode, err := plugin.NextOrFailure(l.Name(), l.Next, ctx, w, r.Copy())
	switch {
	case w.m != nil:
		l.flights.answered.Store(time.Now().UnixNano())
		l.flights.silent.Store(false)
		return w.m, nil
	case err == nil && rcode != dns.RcodeSuccess && rcode != dns.RcodeServerFailure: // REFUSED without a message
		return new(dns.Msg).SetRcode(r, rcode), nil
	case err == nil:
		err = errNoReply
	}
	return nil, err
}

// Plugin forward asks over the protocol of its client, which is us.
var (
	overUDP = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	overTCP = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
)

// A capture is the client that the next plugin sees.
type capture struct {
	client net.Addr
	m      *dns.Msg
}

// WriteMsg implements dns.ResponseWriter.
func (w *capture) WriteMsg(m *dns.Msg) error {
	w.m = m
	return nil
}

// Write implements dns.ResponseWriter.
func (w *capture) Write(wire []byte) (int, error) {
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return 0, err
	}
	return len(wire), w.WriteMsg(m)
}

func (w *capture) LocalAddr() net.Addr  { return w.client }
func (w *capture) RemoteAddr() net.Addr { return w.client }
func (*capture) Close() error           { return nil }
func (*capture) TsigStatus() error      { return nil }
func (*capture) TsigTimersOnly(bool)    {}
func (*capture) Hijack()                {}

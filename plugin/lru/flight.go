package lru

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metrics/vars"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/miekg/dns"
)

var log = clog.NewWithPlugin("lru")

const (
	// maxFlights is what Azure's resolver queues for a machine before it drops.
	maxFlights = 200
	// flightTime bounds a flight, its repetitions over TCP or without EDNS included.
	flightTime = 5 * time.Second
	// upstreamSize is what never needs fragments (DNS Flag Day 2020).
	upstreamSize = 1232
	// maxSize is the largest reply that is stored, in octets: larger ones are rare,
	// and their room better given to others.
	maxSize = upstreamSize
)

// A flight is one question on its way, for everyone who asks it meanwhile.
type flight struct {
	done  chan struct{} // closed when entry is there
	entry *entry
}

// flights is all of them. The zero value has none.
type flights struct {
	mu  sync.Mutex
	all map[key]*flight

	silent atomic.Bool // the upstream did not answer when it was asked last
}

// join returns the flight for a question, and whether it was under way already.
// It does not end when a client goes: the others and the store want it.
func (f *flights) join(ctx context.Context, l *LRU, k key) (one *flight, joined bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.all[k]; ok {
		return one, true
	}
	one = &flight{done: make(chan struct{})}
	if len(f.all) >= maxFlights {
		one.entry = failed(dns.RcodeServerFailure, dns.ExtendedErrorCodeNoReachableAuthority)
		close(one.done)
		return one, false
	}
	if f.all == nil {
		f.all = map[key]*flight{}
	}
	f.all[k] = one
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
	go func() {
		defer cancel()
		f.fly(ctx, l, k, one)
	}()
	return one, false
}

// land waits until no flight is under way.
func (f *flights) land() {
	for {
		var any *flight
		f.mu.Lock()
		for _, any = range f.all {
			break
		}
		f.mu.Unlock()
		if any == nil {
			return
		}
		<-any.done
	}
}

func (f *flights) fly(ctx context.Context, l *LRU, k key, one *flight) {
	one.entry = failed(dns.RcodeServerFailure, 0)
	defer func() {
		if problem := recover(); problem != nil { // the server's own recover does not reach here
			log.Errorf("Recovered from panic over the question %s: %v", k.name, problem)
			vars.Panic.Inc()
		}
		f.mu.Lock()
		delete(f.all, k)
		f.mu.Unlock()
		close(one.done)
	}()
	began := time.Now()
	m, err := l.ask(ctx, k)
	upstreamSeconds.Observe(time.Since(began).Seconds())
	f.silent.Store(err != nil)
	if err != nil {
		one.entry = failed(dns.RcodeServerFailure, dns.ExtendedErrorCodeNoReachableAuthority)
		one.entry.silent = true
	} else {
		one.entry = answerOf(k, m)
	}
	l.keep(k, one.entry, m)
}

// keep stores an answer. A failure is stored, too, unless there is an entry that
// can still be served: that one learns of it.
func (l *LRU) keep(k key, e *entry, m *dns.Msg) {
	e.key = k
	if e.kind == failure {
		if old := l.store.peek(k); old != nil && old.kind != failure && (old.fresh(e.stored) || old.stale(e.stored, l.stale)) {
			old.failed.Store(e)
			return
		}
	}
	if e.life > 0 && (m == nil || m.Len() <= maxSize) {
		l.store.add(k, e)
		return
	}
	l.store.remove(k) // what was true before is not any more
}

var errNoReply = errors.New("the next plugin gives no reply")

// ask puts the question to the next plugin, as a query of our own: nothing of a
// client's EDNS goes upstream (RFC 6891, 6.1.1: hop by hop). What does not fit is
// fetched over TCP, and who does not know EDNS is asked without. That is three
// queries at most (RFC 9520, 3.1).
func (l *LRU) ask(ctx context.Context, k key) (*dns.Msg, error) {
	r := &dns.Msg{
		MsgHdr:   dns.MsgHdr{Id: dns.Id(), RecursionDesired: true, CheckingDisabled: k.cd},
		Question: []dns.Question{{Name: k.name, Qtype: k.qtype, Qclass: k.qclass}},
	}
	r.SetEdns0(upstreamSize, k.do)
	m, err := l.exchange(ctx, r, overUDP)
	if err == nil && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) { // RFC 6891, 6.2.2
		r.Extra = nil
		m, err = l.exchange(ctx, r, overUDP)
	}
	if err == nil && m.Truncated {
		m, err = l.exchange(ctx, r, overTCP)
	}
	return m, err
}

func (l *LRU) exchange(ctx context.Context, r *dns.Msg, client net.Addr) (*dns.Msg, error) {
	w := &capture{client: client}
	rcode, err := plugin.NextOrFailure(l.Name(), l.Next, ctx, w, r.Copy())
	switch {
	case w.m != nil:
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
	w.m = new(dns.Msg)
	return len(wire), w.m.Unpack(wire)
}

func (w *capture) LocalAddr() net.Addr  { return w.client }
func (w *capture) RemoteAddr() net.Addr { return w.client }
func (*capture) Close() error           { return nil }
func (*capture) TsigStatus() error      { return nil }
func (*capture) TsigTimersOnly(bool)    {}
func (*capture) Hijack()                {}

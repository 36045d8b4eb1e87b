package lru

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
)

// An exchanger is a next plugin with the interface of plugin upstream.
type exchanger struct {
	answer   string // see parseReply
	fallback bool
	delay    time.Duration
	err      error
	t        *testing.T

	mu        sync.Mutex
	now, most int
	client    netip.Addr
}

func (*exchanger) Name() string { return "upstream" }

func (x *exchanger) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	x.mu.Lock()
	x.now++
	x.most = max(x.most, x.now)
	asked := exchange.From(ctx)
	x.client = asked.Client
	answer, fallback, delay, err := x.answer, x.fallback, x.delay, x.err
	x.mu.Unlock()
	time.Sleep(delay)
	x.mu.Lock()
	x.now--
	x.mu.Unlock()
	if err != nil {
		return dns.RcodeServerFailure, err
	}
	if fallback {
		asked.Fallback = true
	}
	return dns.RcodeSuccess, w.WriteMsg(responseTo(parseReply(x.t, answer), r))
}

func (x *exchanger) set(answer string, fallback bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.answer, x.fallback = answer, fallback
}

func newExchangerLRU(t *testing.T, answer string) (*LRU, *exchanger) {
	x := &exchanger{t: t, answer: answer}
	return &LRU{Next: x, stale: time.Hour, prefetch: 10, store: newStore(1000, time.Hour), exchanger: true}, x
}

const hubAnswer, providerAnswer = "NOERROR: a.example. 60 A 192.0.2.1", "NXDOMAIN: / example. 600 SOA ns.example. mail.example. 1 2 3 4 600"

// An answer of a fallback resolver is returned with a short TTL and not cached, so that
// the first query after the outage gets the upstream's answer.
func TestFallbackAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, x := newExchangerLRU(t, hubAnswer)
		x.set("NOERROR: a.example. 600 A 203.0.113.1", true)
		for range 3 {
			if got := show(ask(t, l, query("a.example.", "A"))); got != "NOERROR: a.example. 5 A 203.0.113.1" {
				t.Errorf("during the outage: %s", got)
			}
		}
		x.set(hubAnswer, false)
		if got := show(ask(t, l, query("a.example.", "A"))); got != "NOERROR: a.example. 60 A 192.0.2.1" {
			t.Errorf("after it: %s", got)
		}
	})
}

// A stale answer of the upstream is served instead of a fallback resolver's answer, and
// is not replaced by it.
func TestFallbackNeverReplacesStaleData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, x := newExchangerLRU(t, hubAnswer)
		ask(t, l, query("a.example.", "A"))
		x.set(providerAnswer, true)
		for range 100 {
			time.Sleep(20 * time.Second)
			got := show(ask(t, l, query("a.example.", "A")))
			if got != "NOERROR: a.example. 30 A 192.0.2.1" && got != "NOERROR: a.example. 40 A 192.0.2.1" && got != "NOERROR: a.example. 20 A 192.0.2.1" {
				t.Fatalf("during the outage: %s", got)
			}
		}
		synctest.Wait() // the last refresh has failed, and the next one waits for failureTTL
		x.set("NOERROR: a.example. 60 A 192.0.2.9", false)
		ask(t, l, query("a.example.", "A"))
		synctest.Wait()
		time.Sleep(failureTTL)
		ask(t, l, query("a.example.", "A"))
		synctest.Wait()
		time.Sleep(5 * time.Second)
		if got := show(ask(t, l, query("a.example.", "A"))); got != "NOERROR: a.example. 55 A 192.0.2.9" {
			t.Errorf("after it: %s", got)
		}
	})
}

// A query that was not sent is SERVFAIL and is not cached. It is not an outage.
func TestBusyExchanger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, x := newExchangerLRU(t, hubAnswer)
		x.err = exchange.ErrBusy
		for i := range 3 {
			if got := show(ask(t, l, query(fmt.Sprintf("n%d.example.", i), "A"))); got != "SERVFAIL:" {
				t.Errorf("busy: %s", got)
			}
		}
		x.err = nil
		if got := show(ask(t, l, query("a.example.", "A"))); got != "NOERROR: a.example. 60 A 192.0.2.1" {
			t.Errorf("after it: %s", got)
		}
		if l.flights.outage.unresponsive.Load() || l.store.len() != 1 {
			t.Errorf("an outage, or %d entries; want no outage and one entry", l.store.len())
		}
	})
}

// The exchanger bounds the time and the number of queries, and it gets the client's
// address.
func TestExchangerBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, x := newExchangerLRU(t, hubAnswer)
		x.err = errors.New("no response")
		ask(t, l, query("silent.example.", "A"))
		x.err, x.delay = nil, 1500*time.Millisecond
		if got := show(ask(t, l, query("a.example.", "A"))); got != "NOERROR: a.example. 60 A 192.0.2.1" {
			t.Errorf("1.5 s, after a query without an answer: %s", got)
		}
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() { ask(t, l, query(fmt.Sprintf("n%d.zone.example.", i), "A")) })
		}
		all.Wait()
		if x.most != 500 {
			t.Errorf("%d queries at a time; want all 500", x.most)
		}
		if want := "10.240.0.1"; x.client.String() != want {
			t.Errorf("client %s; want %s", x.client, want)
		}
	})
}

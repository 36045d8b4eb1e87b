package lru

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"
)

// A thousand clients ask one missing name: one query goes upstream, and each
// client gets its own ID, case and EDNS.
func TestThousandClientsOneQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.set(100*time.Millisecond, func(r *dns.Msg, _ net.Addr) *dns.Msg { return responseTo(parseReply(t, aText), r) })
		l := newLRU(u, 10)
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				name := "www.example."
				if i%2 == 1 {
					name = "WWW.eXample."
				}
				r := query(name, "A")
				r.Id = uint16(i)
				if i%3 == 0 {
					r.SetEdns0(uint16(600+i), false)
				}
				m := ask(t, l, r)
				if m.Id != r.Id || m.Question[0].Name != name || m.Answer[0].Header().Name != name {
					t.Errorf("client %d: id %d, %s, %s", i, m.Id, m.Question[0].Name, m.Answer[0])
				}
			})
		}
		wg.Wait()
		if n := u.asked.Load(); n != 1 {
			t.Errorf("%d queries upstream; want 1", n)
		}
	})
}

// A client that cancels does not cancel the query of the others.
func TestClientCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.set(time.Second, func(r *dns.Msg, _ net.Addr) *dns.Msg { return responseTo(parseReply(t, aText), r) })
		l := newLRU(u, 10)
		defer l.flights.wait()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = l.ServeDNS(ctx, &writer{}, query("www.example.", "A")) }()
		synctest.Wait()
		cancel()
		if got := show(ask(t, l, query("www.example.", "A"))); got != aText || u.asked.Load() != 1 {
			t.Errorf("%s after %d queries; want %s after 1", got, u.asked.Load(), aText)
		}
	})
}

func TestPrefetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.responds(t, aText)
		l := newLRU(u, 10)
		defer l.flights.wait()
		for range 4 { // one miss and three hits
			ask(t, l, query("www.example.", "A"))
		}
		ask(t, l, query("rare.example.", "A"))
		time.Sleep(89 * time.Second)
		ask(t, l, query("www.example.", "A"))
		synctest.Wait()
		before := u.asked.Load()
		time.Sleep(2 * time.Second) // in the last tenth
		u.timesOut(time.Second)
		for range 3 {
			if got := show(ask(t, l, query("www.example.", "A"))); got != "NOERROR: www.example. 9 A 192.0.2.1" {
				t.Errorf("%s; want the answer in memory, at once", got)
			}
		}
		ask(t, l, query("rare.example.", "A"))
		synctest.Wait()
		if n := u.asked.Load() - before; n != 2 { // the prefetch, and the name that has no entry
			t.Errorf("%d queries upstream; want the prefetch and rare.example alone", n)
		}
	})
}

// A failed prefetch does not affect the entry and is not repeated at each hit.
func TestPrefetchFails(t *testing.T) {
	for _, text := range []string{aText, "NXDOMAIN: / " + soaText} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{}
			u.responds(t, text)
			l := newLRU(u, 10)
			first := ask(t, l, query("www.example.", "A"))
			for range 3 {
				ask(t, l, query("www.example.", "A"))
			}
			ttl := time.Duration(slices.Concat(first.Answer, first.Ns)[0].Header().Ttl) * time.Second
			time.Sleep(ttl - 3*time.Second)
			u.responds(t, "SERVFAIL:")
			before := u.asked.Load()
			for range 10 {
				if m := ask(t, l, query("www.example.", "A")); m.Rcode != first.Rcode {
					t.Errorf("%s; want the entry in memory", show(m))
				}
				synctest.Wait()
			}
			if n := u.asked.Load() - before; n != 1 {
				t.Errorf("%d queries upstream; want 1", n)
			}
		})
	}
}

// A panic of the next plugin is a failure of one question.
func TestPanic(t *testing.T) {
	u := &upstream{}
	u.set(0, func(*dns.Msg, net.Addr) *dns.Msg { panic("the next plugin has a bug") })
	if got := ask(t, newLRU(u, 10), query("www.example.", "A")); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("%s; want SERVFAIL", show(got))
	}
}

// Concurrent clients, names and answers, for the race detector.
func TestConcurrency(t *testing.T) {
	u := &upstream{}
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
		return responseTo(parseReply(t, "NOERROR: "+r.Question[0].Name+" 1 A 192.0.2.1"), r)
	})
	l := newLRU(u, 50)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				name := fmt.Sprintf("n%d.example.", rand.N(100))
				if m := ask(t, l, query(name, "A")); len(m.Answer) != 1 || m.Answer[0].Header().Name != name {
					t.Errorf("%s = %s", name, show(m))
				}
			}
		})
	}
	wg.Wait()
	l.flights.wait()
	if n := l.store.len(); n > 50 {
		t.Errorf("%d entries; want 50 at most", n)
	}
}

// One unanswered name is not an outage of the upstream.
func TestOneSilentNameIsNotAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
			switch r.Question[0].Name {
			case "dead.example.":
				time.Sleep(2 * time.Second)
				return nil
			case "slow.example.":
				time.Sleep(1700 * time.Millisecond)
			}
			return responseTo(parseReply(t, "NOERROR: "+r.Question[0].Name+" 100 A 192.0.2.1"), r)
		})
		l := newLRU(u, 10)
		go func() { _, _ = l.ServeDNS(t.Context(), &writer{}, query("dead.example.", "A")) }()
		time.Sleep(time.Second)
		ask(t, l, query("quick.example.", "A"))
		time.Sleep(2 * time.Second)
		if m := ask(t, l, query("slow.example.", "A")); m.Rcode != dns.RcodeSuccess {
			t.Errorf("%s for a name that takes 1.7 s; want its answer", show(m))
		}
	})
}

// A client that reads the store just before a flight ends does not start a second one.
func TestNoSecondQueryAfterAFlight(t *testing.T) {
	u := &upstream{}
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
		return responseTo(parseReply(t, "NOERROR: "+r.Question[0].Name+" 100 A 192.0.2.1"), r)
	})
	l := newLRU(u, 5000)
	for i := range 2000 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { ask(t, l, query(fmt.Sprintf("n%d.example.", i), "A")) })
		}
		wg.Wait()
	}
	if n := u.asked.Load(); n != 2000 {
		t.Errorf("%d queries upstream for 2000 names", n)
	}
}

// A flight keeps only the server block and the view of its client's context.
func TestFlightContextIsDetached(t *testing.T) {
	type private struct{}
	ctx := context.WithValue(context.WithValue(t.Context(), private{}, 1), dnsserver.ViewKey{}, "inside")
	if detached := detachedContext(ctx); detached.Value(private{}) != nil || detached.Value(dnsserver.ViewKey{}) != "inside" {
		t.Error("the client's values are in the flight's context, or the view is not")
	}
}

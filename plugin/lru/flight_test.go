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
		u.set(100*time.Millisecond, func(r *dns.Msg, _ net.Addr) *dns.Msg { return answering(parseReply(t, aText), r) })
		l := newLRU(u, 10)
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
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
		all.Wait()
		if n := u.asked.Load(); n != 1 {
			t.Errorf("%d queries upstream; want 1", n)
		}
	})
}

// Whoever goes away takes nothing from the others.
func TestClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.set(time.Second, func(r *dns.Msg, _ net.Addr) *dns.Msg { return answering(parseReply(t, aText), r) })
		l := newLRU(u, 10)
		defer l.flights.land()
		ctx, leave := context.WithCancel(t.Context())
		go func() { _, _ = l.ServeDNS(ctx, &writer{}, query("www.example.", "A")) }()
		synctest.Wait()
		leave()
		if got := show(ask(t, l, query("www.example.", "A"))); got != aText || u.asked.Load() != 1 {
			t.Errorf("%s after %d queries; want %s after 1", got, u.asked.Load(), aText)
		}
	})
}

func TestPrefetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.says(t, aText)
		l := newLRU(u, 10)
		defer l.flights.land()
		for range 4 { // one miss, three hits: popular
			ask(t, l, query("www.example.", "A"))
		}
		ask(t, l, query("rare.example.", "A"))
		time.Sleep(89 * time.Second)
		ask(t, l, query("www.example.", "A"))
		synctest.Wait()
		before := u.asked.Load()
		time.Sleep(2 * time.Second) // in the last tenth
		u.dies(time.Second)
		for range 3 {
			if got := show(ask(t, l, query("www.example.", "A"))); got != "NOERROR: www.example. 9 A 192.0.2.1" {
				t.Errorf("%s; want the answer in memory, at once", got)
			}
		}
		ask(t, l, query("rare.example.", "A"))
		synctest.Wait()
		if n := u.asked.Load() - before; n != 2 { // the prefetch, and the name whose answer was for another
			t.Errorf("%d queries upstream; want the prefetch and rare.example alone", n)
		}
	})
}

// A prefetch that fails takes nothing away and is not tried at each hit.
func TestPrefetchFails(t *testing.T) {
	for _, text := range []string{aText, "NXDOMAIN: / " + soaText} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{}
			u.says(t, text)
			l := newLRU(u, 10)
			first := ask(t, l, query("www.example.", "A"))
			for range 3 {
				ask(t, l, query("www.example.", "A"))
			}
			ttl := time.Duration(slices.Concat(first.Answer, first.Ns)[0].Header().Ttl) * time.Second
			time.Sleep(ttl - 3*time.Second)
			u.says(t, "SERVFAIL:")
			before := u.asked.Load()
			for range 10 {
				if m := ask(t, l, query("www.example.", "A")); m.Rcode != first.Rcode {
					t.Errorf("%s; want what is in memory", show(m))
				}
				synctest.Wait()
			}
			if n := u.asked.Load() - before; n != 1 {
				t.Errorf("%d queries upstream; want 1", n)
			}
		})
	}
}

// A panic of the next plugin is one failure, not the end of the server.
func TestPanic(t *testing.T) {
	u := &upstream{}
	u.set(0, func(*dns.Msg, net.Addr) *dns.Msg { panic("the next plugin has a bug") })
	if got := ask(t, newLRU(u, 10), query("www.example.", "A")); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("%s; want SERVFAIL", show(got))
	}
}

// Many clients, names and answers at once, for the race detector.
func TestConcurrency(t *testing.T) {
	u := &upstream{}
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
		return answering(parseReply(t, "NOERROR: "+r.Question[0].Name+" 1 A 192.0.2.1"), r)
	})
	l := newLRU(u, 50)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				name := fmt.Sprintf("n%d.example.", rand.N(100))
				if m := ask(t, l, query(name, "A")); len(m.Answer) != 1 || m.Answer[0].Header().Name != name {
					t.Errorf("%s = %s", name, show(m))
				}
			}
		})
	}
	all.Wait()
	l.flights.land()
	if n := l.store.len(); n > 50 {
		t.Errorf("%d entries; want 50 at most", n)
	}
}

// One name that nobody answers does not make the whole upstream silent.
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
			return answering(parseReply(t, "NOERROR: "+r.Question[0].Name+" 100 A 192.0.2.1"), r)
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

// Whoever looks into the store just before a flight lands does not start another.
func TestNoSecondQueryBehindAFlight(t *testing.T) {
	u := &upstream{}
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
		return answering(parseReply(t, "NOERROR: "+r.Question[0].Name+" 100 A 192.0.2.1"), r)
	})
	l := newLRU(u, 5000)
	for i := range 2000 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { ask(t, l, query(fmt.Sprintf("n%d.example.", i), "A")) })
		}
		all.Wait()
	}
	if n := u.asked.Load(); n != 2000 {
		t.Errorf("%d queries upstream for 2000 names", n)
	}
}

// A flight has nothing of its client's context but where the question came in.
func TestFlightIsDetached(t *testing.T) {
	type private struct{}
	ctx := context.WithValue(context.WithValue(t.Context(), private{}, 1), dnsserver.ViewKey{}, "inside")
	if free := detached(ctx); free.Value(private{}) != nil || free.Value(dnsserver.ViewKey{}) != "inside" {
		t.Error("the client's values are in the flight's context, or the view is not")
	}
}

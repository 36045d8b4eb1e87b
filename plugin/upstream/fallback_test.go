package upstream

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
)

// office returns two hubs and a provider, which answers NXDOMAIN for private names.
func office(t *testing.T) (u *Upstream, a, b, lying *host) {
	a, b = pair()
	lying = &host{delay: 10 * ms, answer: rcode(dns.RcodeNameError)}
	u = start(t, fakeNetwork{hub: a, hub2: b, provider: lying}, func(cfg *config) {
		cfg.fallback, _ = endpoints([]string{provider})
		cfg.private = []string{"corp.example."}
	}, hub, hub2)
	return u, a, b, lying
}

func die(all ...*host) {
	for _, h := range all {
		h.set(func(h *host) { h.answer = nil })
	}
}

// The fallback is asked only while all upstreams are down, and never for a private name.
// After an outage, the first query gets the answer of the upstream.
func TestFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, a, b, lying := office(t)
		defer end(u)
		expect(t, "both up", lookup(t, u, "a.example."), "NOERROR 1 after 20ms")
		time.Sleep(ms)
		die(a)
		expect(t, "one is silent", lookup(t, u, "b.example."), "NOERROR 2 after 230ms")
		time.Sleep(6 * time.Second)
		expect(t, "one is down", lookup(t, u, "c.example."), "NOERROR 2 after 30ms")
		die(b)
		expect(t, "both are silent", lookup(t, u, "d.example."), "SERVFAIL EDE 22 after 4s")
		expect(t, "queries at the fallback", fmt.Sprint(lying.count("udp")), "0")
		time.Sleep(2 * time.Second)
		expect(t, "both are down", lookup(t, u, "e.example."), "NXDOMAIN after 50ms")
		for _, private := range []string{
			"www.corp.example.", "corp.example.", "WWW.Corp.Example.", "vm.internal.",
			"4.0.20.10.in-addr.arpa.", "1.0.16.172.in-addr.arpa.", "1.1.168.192.in-addr.arpa.", "d.f.ip6.arpa.",
		} {
			before := lying.count("udp")
			expect(t, private, lookup(t, u, private), "SERVFAIL EDE 22 after 0s")
			if lying.count("udp") != before {
				t.Errorf("%s is sent to the fallback", private)
			}
		}
		expect(t, "not private", lookup(t, u, "1.0.32.172.in-addr.arpa."), "NXDOMAIN after 50ms")
		a.set(func(h *host) { h.answer = records(1) })
		expect(t, "first query when one is back", lookup(t, u, "f.example."), "NOERROR 1 after 20ms")
		expect(t, "next query", lookup(t, u, "g.example."), "NOERROR 1 after 20ms")
	})
}

// An answer of the fallback is marked, and one of an upstream is not.
func TestFallbackIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, a, b, _ := office(t)
		defer end(u)
		marked := func(name string) bool {
			var q exchange.Query
			_, _ = u.ServeDNS(exchange.With(t.Context(), &q), &writer{}, new(dns.Msg).SetQuestion(name, dns.TypeA))
			return q.Fallback
		}
		if marked("a.example.") {
			t.Error("an answer of an upstream is marked")
		}
		die(a, b)
		lookup(t, u, "b.example.")
		time.Sleep(2 * time.Second)
		if !marked("c.example.") {
			t.Error("an answer of the fallback is not marked")
		}
		a.set(func(h *host) { h.answer = records(1) })
		if marked("d.example.") {
			t.Error("an answer of the upstream that is back is marked")
		}
	})
}

// If the fallback does not respond either, the reply is an error.
func TestFallbackDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, a, b, lying := office(t)
		defer end(u)
		die(a, b, lying)
		lookup(t, u, "a.example.")
		time.Sleep(2 * time.Second)
		expect(t, "all are down", lookup(t, u, "b.example."), "SERVFAIL EDE 22 after 4s")
		lying.set(func(h *host) { h.answer = records(3) })
		time.Sleep(2 * time.Second)
		expect(t, "the fallback is back", lookup(t, u, "c.example."), "NOERROR 3 after 30ms")
	})
}

// A client does not wait for the queries of other clients.
func TestFairness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{delay: 1500 * ms, answer: records(1)}
		u := start(t, fakeNetwork{hub: h}, nil, hub)
		defer end(u)
		ask := func(client, name string) error {
			q := exchange.Query{Client: netip.MustParseAddr(client)}
			_, err := u.ServeDNS(exchange.With(t.Context(), &q), &writer{}, new(dns.Msg).SetQuestion(name, dns.TypeA))
			return err
		}
		var all sync.WaitGroup
		busy := 0
		var mu sync.Mutex
		for i := range 3000 {
			all.Go(func() {
				if ask("192.0.2.1", fmt.Sprintf("n%d.", i)) == exchange.ErrBusy {
					mu.Lock()
					busy++
					mu.Unlock()
				}
			})
		}
		time.Sleep(700 * ms)
		for i := range 20 {
			all.Go(func() {
				if err := ask("192.0.2.2", fmt.Sprintf("www.site%d.", i)); err != nil {
					t.Errorf("the other client: %v", err)
				}
			})
		}
		all.Wait()
		if busy == 0 || busy >= 2900 {
			t.Errorf("%d of 3000 queries of the flood are refused", busy)
		}
		if !u.queue.Empty() {
			t.Error("slots are left")
		}
	})
}

// A query ends at the deadline of the context.
func TestContextDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := start(t, fakeNetwork{hub: {}}, nil, hub)
		defer end(u)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, _ = u.ServeDNS(ctx, &writer{}, new(dns.Msg).SetQuestion("a.example.", dns.TypeA))
		expect(t, "time", time.Since(began).String(), "1s")
	})
}

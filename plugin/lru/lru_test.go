package lru

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

const (
	soaText = "example. 300 SOA ns. host. 1 2 3 4 60"
	aText   = "NOERROR: www.example. 100 A 192.0.2.1"
)

// What the client sees of each answer, how often the upstream is asked for it,
// and how long it is remembered.
func TestWhatIsRemembered(t *testing.T) {
	for _, tc := range []struct {
		name, upstream, want string
		queries              int32         // upstream, for one miss
		remembered           time.Duration // 0: not at all
	}{
		{"positive", aText, "NOERROR: www.example. 100 A 192.0.2.1", 1, 100 * time.Second},
		{"least TTL of a chain", "NOERROR: www.example. 100 CNAME a.example.; a.example. 7 A 192.0.2.1", "NOERROR: www.example. 100 CNAME a.example.; a.example. 7 A 192.0.2.1", 1, 7 * time.Second},
		{"TTL above a day", "NOERROR: www.example. 1000000 A 192.0.2.1", "NOERROR: www.example. 86400 A 192.0.2.1", 1, 24 * time.Hour},
		{"TTL 0", "NOERROR: www.example. 0 A 192.0.2.1", "NOERROR: www.example. 0 A 192.0.2.1", 1, 0},
		{"TTL 1", "NOERROR: www.example. 1 A 192.0.2.1", "NOERROR: www.example. 1 A 192.0.2.1", 1, time.Second},
		{"NODATA: the lower of SOA TTL and MINIMUM", "NOERROR: / " + soaText, "NOERROR: / example. 60 SOA", 1, time.Minute},
		{"NODATA: SOA TTL below MINIMUM", "NOERROR: / example. 20 SOA ns. host. 1 2 3 4 60", "NOERROR: / example. 20 SOA", 1, 20 * time.Second},
		{"NXDOMAIN", "NXDOMAIN: / " + soaText, "NXDOMAIN: / example. 60 SOA", 1, time.Minute},
		{"NXDOMAIN with CNAME", "NXDOMAIN: www.example. 30 CNAME gone.example. / " + soaText, "NXDOMAIN: www.example. 30 CNAME gone.example. / example. 60 SOA", 1, 30 * time.Second},
		{"negative for a day", "NXDOMAIN: / example. 86400 SOA ns. host. 1 2 3 4 86400", "NXDOMAIN: / example. 86400 SOA", 1, time.Hour},
		{"NODATA without SOA", "NOERROR:", "SERVFAIL EDE 24:", 1, failureTime},
		{"SERVFAIL", "SERVFAIL:", "SERVFAIL:", 1, failureTime},
		{"REFUSED", "REFUSED:", "REFUSED:", 1, failureTime},
		{"NOTIMP, with EDNS and without", "NOTIMP:", "NOTIMP:", 2, failureTime},
		{"FORMERR, with EDNS and without", "FORMERR:", "SERVFAIL:", 2, failureTime},
		{"truncated over TCP, too", "NOERROR tc: www.example. 100 A 192.0.2.1", "SERVFAIL EDE 24:", 2, failureTime},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{}
				u.says(t, tc.upstream)
				l := newLRU(u, 10)
				r := query("www.example.", "A")
				r.SetEdns0(4096, false)
				if got := show(ask(t, l, r)); got != tc.want || u.asked.Load() != tc.queries {
					t.Fatalf("%s after %d queries; want %s after %d", got, u.asked.Load(), tc.want, tc.queries)
				}
				if tc.remembered > 0 {
					time.Sleep(tc.remembered - time.Millisecond)
					ask(t, l, r)
					time.Sleep(time.Millisecond)
				}
				if u.asked.Load() != tc.queries {
					t.Errorf("the upstream is asked again before %s", tc.remembered)
				}
				ask(t, l, r)
				if u.asked.Load() == tc.queries {
					t.Errorf("the upstream is not asked again after %s", tc.remembered)
				}
			})
		})
	}
}

// Nobody answers: SERVFAIL with EDE 22, remembered until somebody does.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.dies(2 * time.Second)
		l := newLRU(u, 10)
		defer l.flights.land()
		r := query("www.example.", "A")
		r.SetEdns0(1232, false)
		for _, took := range []time.Duration{2 * time.Second, 0} {
			began := time.Now()
			if got := show(ask(t, l, r)); got != "SERVFAIL EDE 22:" || time.Since(began) != took {
				t.Errorf("%s after %s; want SERVFAIL EDE 22 after %s", got, time.Since(began), took)
			}
		}
		began := time.Now()
		if ask(t, l, query("other.example.", "A")); time.Since(began) != impatience {
			t.Errorf("another name waits %s for an upstream that is silent; want %s", time.Since(began), impatience)
		}
		u.says(t, aText)
		ask(t, l, query("www.example.", "AAAA")) // somebody notices
		if got := show(ask(t, l, r)); got != aText {
			t.Errorf("%s once the upstream answers; want %s", got, aText)
		}
	})
}

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.set(4500*time.Millisecond, func(r *dns.Msg, _ net.Addr) *dns.Msg { return answering(parseReply(t, aText), r) })
		l := newLRU(u, 10)
		defer l.flights.land()
		began := time.Now()
		if got := ask(t, l, query("www.example.", "A")); got.Rcode != dns.RcodeServerFailure || time.Since(began) != patience {
			t.Errorf("%s after %s; want SERVFAIL after %s", show(got), time.Since(began), patience)
		}
		time.Sleep(time.Second) // the flight goes on
		if got := show(ask(t, l, query("www.example.", "A"))); got != "NOERROR: www.example. 100 A 192.0.2.1" || u.asked.Load() != 1 {
			t.Errorf("%s after %d queries; want what the late answer brought", got, u.asked.Load())
		}
	})
}

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

// More than the upstream takes at a time is answered at once, not queued.
func TestFlightsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.dies(3 * time.Second)
		l := newLRU(u, 1000)
		defer l.flights.land()
		var all sync.WaitGroup
		var mu sync.Mutex
		atOnce := 0
		for i := range maxFlights + 50 {
			all.Go(func() {
				began := time.Now()
				ask(t, l, query(fmt.Sprintf("n%d.example.", i), "A"))
				if time.Since(began) == 0 {
					mu.Lock()
					atOnce++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if u.asked.Load() != maxFlights || atOnce != 50 {
			t.Errorf("%d queries upstream, %d clients turned away; want %d and 50", u.asked.Load(), atOnce, maxFlights)
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

// Questions that are no plain query pass.
func TestPasses(t *testing.T) {
	u := &upstream{}
	u.says(t, aText)
	l := newLRU(u, 10)
	for _, change := range []func(*dns.Msg){
		func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify },
		func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAXFR },
		func(m *dns.Msg) { m.RecursionDesired = false },
	} {
		r := query("www.example.", "A")
		change(r)
		before := u.asked.Load()
		ask(t, l, r)
		ask(t, l, r)
		if n := u.asked.Load() - before; n != 2 || l.store.len() != 0 {
			t.Errorf("%v: %d queries upstream, %d entries; want 2 and none", r, n, l.store.len())
		}
	}
}

// Large replies are passed, not stored.
func TestTooLargeToStore(t *testing.T) {
	u := &upstream{}
	var text strings.Builder
	text.WriteString("NOERROR: www.example. 100 A 192.0.2.1")
	for i := range 200 {
		fmt.Fprintf(&text, "; www.example. 100 A 198.51.100.%d", i)
	}
	u.says(t, text.String())
	l := newLRU(u, 10)
	if m := ask(t, l, query("www.example.", "A")); len(m.Answer) != 201 || l.store.len() != 0 {
		t.Errorf("%d records, %d entries; want 201 and none", len(m.Answer), l.store.len())
	}
}

// What does not fit into a datagram is fetched over TCP.
func TestTruncatedIsFetchedOverTCP(t *testing.T) {
	u := &upstream{}
	u.set(0, func(r *dns.Msg, client net.Addr) *dns.Msg {
		if client.Network() == "udp" {
			return answering(parseReply(t, "NOERROR tc:"), r)
		}
		return answering(parseReply(t, aText), r)
	})
	l := newLRU(u, 10)
	if got := show(ask(t, l, query("www.example.", "A"))); got != aText || u.asked.Load() != 2 {
		t.Errorf("%s after %d queries; want %s after 2", got, u.asked.Load(), aText)
	}
}

// An upstream that answers FORMERR to EDNS is asked without.
func TestUpstreamWithoutEDNS(t *testing.T) {
	u := &upstream{}
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
		if r.IsEdns0() != nil {
			return answering(parseReply(t, "FORMERR:"), r)
		}
		return answering(parseReply(t, aText), r)
	})
	if got := show(ask(t, newLRU(u, 10), query("www.example.", "A"))); got != aText {
		t.Errorf("%s; want %s", got, aText)
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

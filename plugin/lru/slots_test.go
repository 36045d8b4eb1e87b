package lru

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/privatelink-dns/privatelink-dns/plugin/fairqueue"
)

const (
	maxFlights  = fairqueue.DefaultSlots
	maxOfDomain = maxFlights * 3 / 4
	maxWaiting  = 5 * maxFlights
)

// slowUpstream returns an upstream that answers names that contain "slow" after 3 s,
// others after 10 ms.
func slowUpstream(t *testing.T) *upstream {
	u := &upstream{}
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
		delay := 10 * time.Millisecond
		if strings.Contains(r.Question[0].Name, "slow") {
			delay = 3 * time.Second
		}
		time.Sleep(delay)
		return responseTo(parseReply(t, "NOERROR: "+r.Question[0].Name+" 100 A 192.0.2.1"), r)
	})
	return u
}

// Slow questions for one domain do not delay questions for another one.
func TestSlowDomainsDoNotAffectOthers(t *testing.T) {
	for _, tc := range []struct {
		slow  string // %d is the number
		n     int
		other string
	}{
		{"slow%d.zone.example.", 100, "www.other.example."},
		{"slow%d.zone.example.", 1000, "www.other.example."},
		{"a.slow%d.zone.example.", 1000, "www.other.example."},
		{"slow%d.one.co.uk.", 200, "www.other.co.uk."},
		{"slow%d.one.com.au.", 200, "www.other.com.au."},
		{"slow%d.database.windows.net.", 200, "login.windows.net."},
		{"slow%d.vault.azure.net.", 200, "www.azure.net."},
		{"slow%d.blob.core.windows.net.", 150, "other.blob.core.windows.net."},
		{"slow.%d.2.0.192.in-addr.arpa.", 110, "1.113.0.203.in-addr.arpa."},
		{"slow.%d.2.0.192.in-addr.arpa.", 500, "1.3.0.192.in-addr.arpa."},
		{"1.slow.%d.10.in-addr.arpa.", 110, "1.0.0.10.in-addr.arpa."},
		{"slow%d.0.0.1.0.8.b.d.0.1.0.0.2.ip6.arpa.", 110, "1.0.0.0.2.0.0.2.9.b.d.0.1.0.0.2.ip6.arpa."},
		{"slow%d.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", 500, "1.0.2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."},
	} {
		synctest.Test(t, func(t *testing.T) {
			u := slowUpstream(t)
			l := newLRU(u, 2000)
			defer l.flights.wait()
			for i := range tc.n {
				go func() { _, _ = l.ServeDNS(t.Context(), &writer{}, query(fmt.Sprintf(tc.slow, i), "A")) }()
			}
			synctest.Wait()
			for range 3 {
				began := time.Now()
				if m := ask(t, l, query(tc.other, "A")); m.Rcode != dns.RcodeSuccess || time.Since(began) > 10*time.Millisecond {
					t.Errorf("%s after %d of %s: %s after %s", tc.other, tc.n, tc.slow, show(m), time.Since(began))
				}
				time.Sleep(time.Second)
			}
		})
	}
}

// A burst of questions waits for slots, and each question is answered. The concurrent
// upstream queries stay within the limit.
func TestBurstsAreAnswered(t *testing.T) {
	for _, tc := range []struct {
		name, format string
		n            int
		most         int32 // upstream at a time
	}{
		{"one domain", "n%d.zone.example.", 500, maxOfDomain},
		{"below one domain", "n%d.sub.zone.example.", 500, 113},
		{"one network", "%d.2.0.192.in-addr.arpa.", 256, 113},
		{"many domains", "www.n%d.example.", 1000, maxFlights},
	} {
		synctest.Test(t, func(t *testing.T) {
			var now, most atomic.Int32
			u := &upstream{}
			u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(20 * time.Millisecond)
				now.Add(-1)
				return responseTo(parseReply(t, "NOERROR: "+r.Question[0].Name+" 100 A 192.0.2.1"), r)
			})
			l := newLRU(u, 2000)
			var wg sync.WaitGroup
			for i := range tc.n {
				wg.Go(func() {
					if m := ask(t, l, query(fmt.Sprintf(tc.format, i), "A")); m.Rcode != dns.RcodeSuccess {
						t.Errorf("%s: question %d: %s", tc.name, i, show(m))
					}
				})
			}
			wg.Wait()
			if most.Load() != tc.most {
				t.Errorf("%s: %d questions upstream at a time; want %d", tc.name, most.Load(), tc.most)
			}
		})
	}
}

// Questions beyond the limit of slots wait briefly and fail. Questions beyond the limit
// of the queue fail at once. These failures are not stored, and all slots are released.
func TestFlightsAreBounded(t *testing.T) {
	for _, tc := range []struct {
		name, format            string
		n, flights, waits, fail int
	}{
		{"many domains", "www.n%d.", 1500, maxFlights, maxWaiting, 300},
		{"one domain", "n%d.zone.example.", 1500, maxOfDomain, maxWaiting / 2, 850},
	} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{}
			u.timesOut(3 * time.Second)
			l := newLRU(u, 5000)
			var wg sync.WaitGroup
			var atOnce, waited atomic.Int32
			refusedBefore := testutil.ToFloat64(refusals)
			for i := range tc.n {
				wg.Go(func() {
					began := time.Now()
					ask(t, l, query(fmt.Sprintf(tc.format, i), "A"))
					switch time.Since(began) {
					case 0:
						atOnce.Add(1)
					case queueTimeout:
						waited.Add(1)
					}
				})
			}
			wg.Wait()
			l.flights.wait()
			if int(u.asked.Load()) != tc.flights || int(waited.Load()) != tc.waits || int(atOnce.Load()) != tc.fail {
				t.Errorf("%s: %d questions upstream, %d waited, %d failed at once; want %d, %d and %d",
					tc.name, u.asked.Load(), waited.Load(), atOnce.Load(), tc.flights, tc.waits, tc.fail)
			}
			if got := testutil.ToFloat64(refusals) - refusedBefore; got != float64(tc.waits+tc.fail) {
				t.Errorf("%s: %v refusals counted; want %d", tc.name, got, tc.waits+tc.fail)
			}
			if l.store.len() != tc.flights {
				t.Errorf("%s: %d failures stored; want those of the %d questions", tc.name, l.store.len(), tc.flights)
			}
			if !l.flights.slots.Empty() {
				t.Errorf("%s: slots or waiting questions are left", tc.name)
			}
		})
	}
}

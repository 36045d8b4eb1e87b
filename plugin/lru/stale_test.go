package lru

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// An outage, as a client sees it: the name was seen lately.
func TestOutage(t *testing.T) {
	const fresh, stale = "NOERROR: www.example. 100 A 192.0.2.1", "NOERROR EDE 3: www.example. 30 A 192.0.2.1"
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.says(t, aText)
		l := newLRU(u, 10)
		defer l.flights.land()
		r := query("www.example.", "A")
		r.SetEdns0(1232, false)
		ask(t, l, r)
		u.dies(10 * time.Second)
		time.Sleep(101 * time.Second)
		for _, step := range []struct {
			name    string
			after   time.Duration
			want    string
			took    time.Duration
			queries int32 // upstream, so far
		}{
			{"waits for the upstream as long as a stub resolver does", 0, stale, staleAfter, 2},
			{"who comes while the upstream is asked waits, too", 0, stale, staleAfter, 2},
			{"the failure is remembered", 2 * time.Second, stale, 0, 2},
			{"then it is asked again, behind the answer", 6 * time.Second, stale, 0, 3},
			{"once at a time", time.Second, stale, 0, 3},
			{"as long as it is silent", 10 * time.Second, stale, 0, 4},
		} {
			time.Sleep(step.after)
			began := time.Now()
			got, took := show(ask(t, l, r)), time.Since(began)
			if synctest.Wait(); got != step.want || took != step.took || u.asked.Load() != step.queries {
				t.Errorf("%s: %s after %s and %d queries; want %s after %s and %d", step.name, got, took, u.asked.Load(), step.want, step.took, step.queries)
			}
		}
		u.says(t, aText)
		l.flights.land()
		time.Sleep(failureTime)
		if got := show(ask(t, l, r)); got != stale {
			t.Errorf("%s for the first client once the upstream is back; want %s", got, stale)
		}
		synctest.Wait()
		if got := show(ask(t, l, r)); got != fresh {
			t.Errorf("%s once the upstream is back; want %s", got, fresh)
		}
	})
}

// What an upstream says in the time of a stale answer.
func TestStale(t *testing.T) {
	for _, tc := range []struct{ name, then, want, next string }{
		{"SERVFAIL", "SERVFAIL:", "NOERROR EDE 3: www.example. 30 A 192.0.2.1", "NOERROR EDE 3: www.example. 30 A 192.0.2.1"},
		{"REFUSED", "REFUSED:", "NOERROR EDE 3: www.example. 30 A 192.0.2.1", "NOERROR EDE 3: www.example. 30 A 192.0.2.1"},
		{"referral", "NOERROR: / example. 60 NS ns.example.", "NOERROR EDE 3: www.example. 30 A 192.0.2.1", "NOERROR EDE 3: www.example. 30 A 192.0.2.1"},
		{"NXDOMAIN ends it", "NXDOMAIN: / " + soaText, "NXDOMAIN: / example. 60 SOA", "NXDOMAIN: / example. 60 SOA"},
		{"NODATA ends it", "NOERROR: / " + soaText, "NOERROR: / example. 60 SOA", "NOERROR: / example. 60 SOA"},
		{"NODATA without SOA ends it", "NOERROR:", "NOERROR:", "NOERROR:"},
		{"NXDOMAIN without SOA ends it", "NXDOMAIN:", "NXDOMAIN:", "NXDOMAIN:"},
		{"a new answer takes its place", "NOERROR: www.example. 50 A 192.0.2.2", "NOERROR: www.example. 50 A 192.0.2.2", "NOERROR: www.example. 50 A 192.0.2.2"},
		{"even one that is not to be stored", "NOERROR: www.example. 0 A 192.0.2.2", "NOERROR: www.example. 0 A 192.0.2.2", "NOERROR: www.example. 0 A 192.0.2.2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{}
				u.says(t, aText)
				l := newLRU(u, 10)
				r := query("www.example.", "A")
				r.SetEdns0(1232, false)
				ask(t, l, r)
				time.Sleep(101 * time.Second)
				u.says(t, tc.then)
				if got := show(ask(t, l, r)); got != tc.want {
					t.Errorf("%s; want %s", got, tc.want)
				}
				if got := show(ask(t, l, r)); got != tc.next {
					t.Errorf("then %s; want %s", got, tc.next)
				}
			})
		})
	}
}

// A good answer that is not stored ends what was stored before.
func TestStaleEndsByWhatIsNotStored(t *testing.T) {
	for _, text := range []string{"NOERROR: www.example. 0 A 192.0.2.2", "NXDOMAIN: / example. 60 SOA ns. host. 1 2 3 4 0", "NXDOMAIN:", "NOERROR:", "NOERROR: www.example. 9 CNAME x.example."} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{}
			u.says(t, aText)
			l := newLRU(u, 10)
			ask(t, l, query("www.example.", "A"))
			time.Sleep(101 * time.Second)
			u.says(t, text)
			ask(t, l, query("www.example.", "A"))
			u.says(t, "SERVFAIL:")
			if m := ask(t, l, query("www.example.", "A")); m.Rcode != dns.RcodeServerFailure {
				t.Errorf("after %s: %s; want SERVFAIL, not the answer of long ago", text, show(m))
			}
		})
	}
}

// Stale is for a while, not for ever; and only for what was an answer.
func TestStaleEnds(t *testing.T) {
	for _, tc := range []struct {
		name, upstream string
		window         time.Duration // property stale
		after          time.Duration
		want           int
	}{
		{"within the window", aText, time.Hour, 100*time.Second + time.Hour - time.Millisecond, dns.RcodeSuccess},
		{"after the window", aText, time.Hour, 100*time.Second + time.Hour, dns.RcodeServerFailure},
		{"no window", aText, 0, 100 * time.Second, dns.RcodeServerFailure},
		{"negative", "NXDOMAIN: / " + soaText, time.Hour, time.Minute, dns.RcodeServerFailure},
		{"SERVFAIL", "SERVFAIL:", time.Hour, failureTime, dns.RcodeServerFailure},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{}
				u.says(t, tc.upstream)
				l := &LRU{Next: u, stale: tc.window, store: newStore(10, tc.window)}
				defer l.flights.land()
				ask(t, l, query("www.example.", "A"))
				time.Sleep(tc.after)
				u.dies(time.Second)
				if m := ask(t, l, query("www.example.", "A")); m.Rcode != tc.want {
					t.Errorf("%s; want %s", show(m), dns.RcodeToString[tc.want])
				}
			})
		})
	}
}

// A stale answer does not grow younger by being served.
func TestStaleDoesNotExtendItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.says(t, aText)
		l := newLRU(u, 10)
		defer l.flights.land()
		ask(t, l, query("www.example.", "A"))
		u.dies(time.Second)
		for time.Sleep(100 * time.Second); ; time.Sleep(10 * time.Minute) {
			if m := ask(t, l, query("www.example.", "A")); m.Rcode != dns.RcodeSuccess {
				break
			}
		}
		if age := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); age < time.Hour || age > 80*time.Minute {
			t.Errorf("served for %s; want an hour and its TTL", age)
		}
	})
}

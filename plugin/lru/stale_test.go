package lru

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// An outage from the view of a client, for a name with a stale answer.
func TestOutage(t *testing.T) {
	const fresh, stale = "NOERROR: www.example. 100 A 192.0.2.1", "NOERROR EDE 3: www.example. 30 A 192.0.2.1"
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.responds(t, aText)
		l := newLRU(u, 10)
		defer l.flights.wait()
		r := query("www.example.", "A")
		r.SetEdns0(1232, false)
		ask(t, l, r)
		u.timesOut(10 * time.Second)
		time.Sleep(101 * time.Second)
		for _, step := range []struct {
			name    string
			after   time.Duration
			want    string
			took    time.Duration
			queries int32 // upstream, so far
		}{
			{"waits for the upstream as long as a stub resolver does", 0, stale, clientResponseTimer, 2},
			{"a second client waits for the same query", 0, stale, clientResponseTimer, 2},
			{"the failure is cached", 2 * time.Second, stale, 0, 2},
			{"then the name is asked for again in the background", 6 * time.Second, stale, 0, 3},
			{"once at a time", time.Second, stale, 0, 3},
			{"while the upstream does not answer", 10 * time.Second, stale, 0, 4},
		} {
			time.Sleep(step.after)
			began := time.Now()
			got, took := show(ask(t, l, r)), time.Since(began)
			if synctest.Wait(); got != step.want || took != step.took || u.asked.Load() != step.queries {
				t.Errorf("%s: %s after %s and %d queries; want %s after %s and %d", step.name, got, took, u.asked.Load(), step.want, step.took, step.queries)
			}
		}
		u.responds(t, aText)
		l.flights.wait()
		time.Sleep(failureTTL)
		if got := show(ask(t, l, r)); got != stale {
			t.Errorf("%s for the first client once the upstream is back; want %s", got, stale)
		}
		synctest.Wait()
		if got := show(ask(t, l, r)); got != fresh {
			t.Errorf("%s once the upstream is back; want %s", got, fresh)
		}
	})
}

// The upstream answers after the TTL of an entry has expired.
func TestStale(t *testing.T) {
	for _, tc := range []struct{ name, then, want, next string }{
		{"SERVFAIL", "SERVFAIL:", "NOERROR EDE 3: www.example. 30 A 192.0.2.1", "NOERROR EDE 3: www.example. 30 A 192.0.2.1"},
		{"REFUSED", "REFUSED:", "NOERROR EDE 3: www.example. 30 A 192.0.2.1", "NOERROR EDE 3: www.example. 30 A 192.0.2.1"},
		{"referral", "NOERROR: / example. 60 NS ns.example.", "NOERROR EDE 3: www.example. 30 A 192.0.2.1", "NOERROR EDE 3: www.example. 30 A 192.0.2.1"},
		{"NXDOMAIN ends it", "NXDOMAIN: / " + soaText, "NXDOMAIN: / example. 60 SOA", "NXDOMAIN: / example. 60 SOA"},
		{"NODATA ends it", "NOERROR: / " + soaText, "NOERROR: / example. 60 SOA", "NOERROR: / example. 60 SOA"},
		{"NODATA without SOA ends it", "NOERROR:", "NOERROR:", "NOERROR:"},
		{"NXDOMAIN without SOA ends it", "NXDOMAIN:", "NXDOMAIN:", "NXDOMAIN:"},
		{"a new answer replaces it", "NOERROR: www.example. 50 A 192.0.2.2", "NOERROR: www.example. 50 A 192.0.2.2", "NOERROR: www.example. 50 A 192.0.2.2"},
		{"even one that is not stored", "NOERROR: www.example. 0 A 192.0.2.2", "NOERROR: www.example. 0 A 192.0.2.2", "NOERROR: www.example. 0 A 192.0.2.2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{}
				u.responds(t, aText)
				l := newLRU(u, 10)
				r := query("www.example.", "A")
				r.SetEdns0(1232, false)
				ask(t, l, r)
				time.Sleep(101 * time.Second)
				u.responds(t, tc.then)
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

// A usable answer that is not stored removes the old entry.
func TestUnstoredAnswerReplacesStaleOne(t *testing.T) {
	for _, text := range []string{
		"NOERROR: www.example. 0 A 192.0.2.2", "NXDOMAIN: / example. 60 SOA ns. host. 1 2 3 4 0", "NXDOMAIN:", "NOERROR:",
		"NOERROR: www.example. 9 CNAME x.example.",
	} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{}
			u.responds(t, aText)
			l := newLRU(u, 10)
			ask(t, l, query("www.example.", "A"))
			time.Sleep(101 * time.Second)
			u.responds(t, text)
			ask(t, l, query("www.example.", "A"))
			u.responds(t, "SERVFAIL:")
			if m := ask(t, l, query("www.example.", "A")); m.Rcode != dns.RcodeServerFailure {
				t.Errorf("after %s: %s; want SERVFAIL, not the old answer", text, show(m))
			}
		})
	}
}

// Stale answers are served for a limited time, and only if they are positive.
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
		{"SERVFAIL", "SERVFAIL:", time.Hour, failureTTL, dns.RcodeServerFailure},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{}
				u.responds(t, tc.upstream)
				l := &LRU{Next: u, stale: tc.window, store: newStore(10, tc.window)}
				defer l.flights.wait()
				ask(t, l, query("www.example.", "A"))
				time.Sleep(tc.after)
				u.timesOut(time.Second)
				if m := ask(t, l, query("www.example.", "A")); m.Rcode != tc.want {
					t.Errorf("%s; want %s", show(m), dns.RcodeToString[tc.want])
				}
			})
		})
	}
}

// Serving a stale answer does not extend its time.
func TestStaleDoesNotExtendItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.responds(t, aText)
		l := newLRU(u, 10)
		defer l.flights.wait()
		ask(t, l, query("www.example.", "A"))
		u.timesOut(time.Second)
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

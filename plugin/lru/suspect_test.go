package lru

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// A resolver of the Internet answers in place of the company's resolver for some seconds.
// Its answer for a name that only the company's resolver knows is cached briefly.
func TestWrongUpstreamIsCachedBriefly(t *testing.T) {
	const (
		denial  = "NXDOMAIN: / example. 3600 SOA . . 1 2 3 4 3600"
		address = "NOERROR: www.example. 86400 A 203.0.113.9"
		private = "NOERROR: www.example. 300 A 10.0.0.9"
	)
	for _, tc := range []struct {
		name    string
		known   time.Duration // time since the company's resolver has answered; 0: never
		answer  string        // of the wrong resolver
		late    time.Duration // time that it takes
		want    string        // the client's answer
		expires time.Duration // after which the company's answer is served
	}{
		{"a late NXDOMAIN", 0, denial, 2 * time.Second, "NXDOMAIN: / example. 60 SOA", time.Minute},
		{"a late NODATA", 0, "NOERROR: / example. 3600 SOA . . 1 2 3 4 3600", 2 * time.Second, "NOERROR: / example. 60 SOA", time.Minute},
		{"a late public address", 0, address, 2 * time.Second, "NOERROR: www.example. 60 A 203.0.113.9", time.Minute},
		{"a late chain", 0, "NOERROR: www.example. 9000 CNAME x.; x. 20 A 203.0.113.9", 3 * time.Second, "NOERROR: www.example. 60 CNAME x.; x. 20 A 203.0.113.9", 20 * time.Second},
		{"an NXDOMAIN in place of a stale answer", 10 * time.Minute, denial, 0, "NXDOMAIN: / example. 60 SOA", time.Minute},
		{"an NXDOMAIN in time, of a new name", 0, denial, 0, "NXDOMAIN: / example. 3600 SOA", time.Hour},
		{"an address in time", 0, address, 0, address, 24 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{}
			l := newLRU(u, 10)
			if tc.known > 0 {
				u.responds(t, private)
				ask(t, l, query("www.example.", "A"))
				time.Sleep(tc.known)
			}
			u.set(tc.late, func(r *dns.Msg, _ net.Addr) *dns.Msg { return responseTo(parseReply(t, tc.answer), r) })
			if got := show(ask(t, l, query("www.example.", "A"))); got != tc.want {
				t.Errorf("%s: %s; want %s", tc.name, got, tc.want)
			}
			u.responds(t, private)
			time.Sleep(tc.expires - time.Second)
			if got := show(ask(t, l, query("www.example.", "A"))); got == private {
				t.Errorf("%s: expired before %s", tc.name, tc.expires)
			}
			time.Sleep(time.Second)
			if got := show(ask(t, l, query("www.example.", "A"))); got != private {
				t.Errorf("%s: %s after %s; want %s", tc.name, got, tc.expires, private)
			}
		})
	}
}

// A prefetch with a negative answer does not replace a fresh answer, and is not repeated.
// The negative answer is served after the TTL of the old one.
func TestPrefetchedDenialDoesNotReplaceAnAnswer(t *testing.T) {
	for _, denial := range []string{"NXDOMAIN: / example. 3600 SOA . . 1 2 3 4 3600", "NOERROR:"} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{}
			u.responds(t, aText)
			l := newLRU(u, 10)
			for range 4 {
				ask(t, l, query("www.example.", "A"))
			}
			time.Sleep(92 * time.Second)
			u.responds(t, denial)
			for range 5 {
				if m := ask(t, l, query("www.example.", "A")); len(m.Answer) != 1 {
					t.Errorf("%s before the end of the TTL; want the answer", show(m))
				}
				synctest.Wait()
			}
			if n := u.asked.Load(); n != 2 {
				t.Errorf("%d questions upstream; want 2", n)
			}
			time.Sleep(8 * time.Second)
			if m := ask(t, l, query("www.example.", "A")); len(m.Answer) != 0 {
				t.Errorf("%s after the end of the TTL; want %s", show(m), denial)
			}
		})
	}
}

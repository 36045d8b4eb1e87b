package lru

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

const (
	soaText = "example. 300 SOA ns. host. 1 2 3 4 60"
	aText   = "NOERROR: www.example. 100 A 192.0.2.1"
)

// Each row has a response of the upstream, the client's answer, the number of upstream
// queries and the time for which the answer is cached.
func TestCacheTimes(t *testing.T) {
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
		{"negative for a day", "NXDOMAIN: / example. 86400 SOA ns. host. 1 2 3 4 86400", "NXDOMAIN: / example. 3600 SOA", 1, time.Hour},
		{"NODATA without SOA", "NOERROR:", "NOERROR:", 1, 0},
		{"NODATA of a chain without SOA", "NOERROR: www.example. 100 CNAME a.example.", "NOERROR: www.example. 100 CNAME a.example.", 1, 0},
		{"NXDOMAIN without SOA", "NXDOMAIN:", "NXDOMAIN:", 1, 0},
		{"NXDOMAIN of a chain without SOA", "NXDOMAIN: www.example. 100 CNAME a.example.", "NXDOMAIN: www.example. 100 CNAME a.example.", 1, 0},
		{"referral", "NOERROR: / example. 100 NS ns.example.", "SERVFAIL EDE 24:", 1, failureTTL},
		{"SERVFAIL", "SERVFAIL:", "SERVFAIL:", 1, failureTTL},
		{"REFUSED", "REFUSED:", "REFUSED:", 1, failureTTL},
		{"NOTIMP, with EDNS and without", "NOTIMP:", "NOTIMP:", 2, failureTTL},
		{"FORMERR, with EDNS and without", "FORMERR:", "SERVFAIL:", 2, failureTTL},
		{"truncated over TCP as well", "NOERROR tc: www.example. 100 A 192.0.2.1", "SERVFAIL EDE 24:", 2, failureTTL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{}
				u.responds(t, tc.upstream)
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

// A missing reply is SERVFAIL with EDE 22, cached until the upstream answers any question.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.timesOut(2 * time.Second)
		l := newLRU(u, 10)
		defer l.flights.wait()
		r := query("www.example.", "A")
		r.SetEdns0(1232, false)
		for _, took := range []time.Duration{2 * time.Second, 0} {
			began := time.Now()
			if got := show(ask(t, l, r)); got != "SERVFAIL EDE 22:" || time.Since(began) != took {
				t.Errorf("%s after %s; want SERVFAIL EDE 22 after %s", got, time.Since(began), took)
			}
		}
		began := time.Now()
		if ask(t, l, query("other.example.", "A")); time.Since(began) != outageTimeout {
			t.Errorf("another name waits %s during an outage; want %s", time.Since(began), outageTimeout)
		}
		u.responds(t, aText)
		ask(t, l, query("www.example.", "AAAA")) // the upstream is seen to answer
		if got := show(ask(t, l, r)); got != aText {
			t.Errorf("%s once the upstream answers; want %s", got, aText)
		}
	})
}

// The failure of an unanswered name is cached although other names are answered (RFC
// 9520, 3.2).
func TestOneDeadName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, dead := &upstream{}, 0
		u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
			if r.Question[0].Name == "dead.example." {
				dead++
				return nil
			}
			return responseTo(parseReply(t, "NOERROR: "+r.Question[0].Name+" 0 A 192.0.2.1"), r)
		})
		l := newLRU(u, 10)
		for range 50 {
			ask(t, l, query("dead.example.", "A"))
			ask(t, l, query("good.example.", "A"))
			time.Sleep(10 * time.Millisecond)
		}
		if dead != 1 {
			t.Errorf("asked %d times in half a second; want once", dead)
		}
	})
}

func TestClientTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.set(4500*time.Millisecond, func(r *dns.Msg, _ net.Addr) *dns.Msg { return responseTo(parseReply(t, aText), r) })
		l := newLRU(u, 10)
		defer l.flights.wait()
		began := time.Now()
		if got := ask(t, l, query("www.example.", "A")); got.Rcode != dns.RcodeServerFailure || time.Since(began) != clientTimeout {
			t.Errorf("%s after %s; want SERVFAIL after %s", show(got), time.Since(began), clientTimeout)
		}
		time.Sleep(time.Second) // the flight continues
		if got := show(ask(t, l, query("www.example.", "A"))); got != "NOERROR: www.example. 60 A 192.0.2.1" || u.asked.Load() != 1 {
			t.Errorf("%s after %d queries; want the late answer", got, u.asked.Load())
		}
	})
}

// Requests that are not ordinary queries are passed on.
func TestOtherRequestsArePassedOn(t *testing.T) {
	u := &upstream{}
	u.responds(t, aText)
	l := newLRU(u, 10)
	for _, change := range []func(*dns.Msg){
		func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify },
		func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
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

// Large responses are returned and not stored.
func TestTooLargeToStore(t *testing.T) {
	u := &upstream{}
	u.responds(t, "NOERROR: "+repeat(40, `www.example. 100 TXT "%d `+strings.Repeat("x", 200)+`"`))
	l := newLRU(u, 10)
	if m := ask(t, l, query("www.example.", "TXT")); len(m.Answer) != 40 || l.store.len() != 0 {
		t.Errorf("%d records, %d entries; want 40 and none", len(m.Answer), l.store.len())
	}
}

// A truncated response is fetched over TCP.
func TestTruncatedIsFetchedOverTCP(t *testing.T) {
	u := &upstream{}
	u.set(0, func(r *dns.Msg, client net.Addr) *dns.Msg {
		if client.Network() == "udp" {
			return responseTo(parseReply(t, "NOERROR tc:"), r)
		}
		return responseTo(parseReply(t, aText), r)
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
			return responseTo(parseReply(t, "FORMERR:"), r)
		}
		return responseTo(parseReply(t, aText), r)
	})
	if got := show(ask(t, newLRU(u, 10), query("www.example.", "A"))); got != aText {
		t.Errorf("%s; want %s", got, aText)
	}
}

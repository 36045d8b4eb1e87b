package upstream

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const ms = time.Millisecond

// pair returns two upstreams that answer after 20 ms and 30 ms.
func pair() (a, b *host) {
	return &host{delay: 20 * ms, answer: records(1)}, &host{delay: 30 * ms, answer: records(2)}
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s; want %s", what, got, want)
	}
}

// A dead upstream costs one retry, then it is skipped. When it responds, it is used again.
func TestOneOfTwoDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair()
		u := start(t, fakeNetwork{hub: a, hub2: b}, nil, hub, hub2)
		defer end(u)
		expect(t, "both up", lookup(t, u, "a.example."), "NOERROR 1 after 20ms")
		time.Sleep(ms)
		a.set(func(h *host) { h.answer = nil })
		expect(t, "first query after its death", lookup(t, u, "b.example."), "NOERROR 2 after 230ms")
		for range 20 {
			expect(t, "it is skipped", lookup(t, u, "c.example."), "NOERROR 2 after 30ms")
			time.Sleep(time.Second)
		}
		expect(t, "metric", show1(testutil.ToFloat64(upGauge.WithLabelValues(hub))), "0")
		a.set(func(h *host) { h.answer = records(1) })
		time.Sleep(1100 * ms)
		expect(t, "it is back", lookup(t, u, "d.example."), "NOERROR 1 after 20ms")
		expect(t, "metric", show1(testutil.ToFloat64(upGauge.WithLabelValues(hub))), "1")
		asked := a.count("udp")
		time.Sleep(time.Minute)
		if n := a.count("udp"); n != asked {
			t.Errorf("%d probes although it is up; want 0", n-asked)
		}
	})
}

// An upstream with a closed port does not delay a query.
func TestOneOfTwoRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair()
		a.refuse = true
		u := start(t, fakeNetwork{hub: a, hub2: b}, nil, hub, hub2)
		defer end(u)
		expect(t, "port closed", lookup(t, u, "a.example."), "NOERROR 2 after 30ms")
	})
}

// After a response that is not an answer, the next upstream is asked.
func TestFailover(t *testing.T) {
	for _, tc := range []struct {
		name   string
		first  func(r *dns.Msg) *dns.Msg
		second func(r *dns.Msg) *dns.Msg
		want   string
	}{
		{"REFUSED", rcode(dns.RcodeRefused), records(2), "NOERROR 2 after 50ms"},
		{"SERVFAIL", rcode(dns.RcodeServerFailure), records(2), "NOERROR 2 after 50ms"},
		{"NOTIMP, also without EDNS", rcode(dns.RcodeNotImplemented), records(2), "NOERROR 2 after 70ms"},
		{"FORMERR, also without EDNS", rcode(dns.RcodeFormatError), records(2), "NOERROR 2 after 70ms"},
		{"a code without meaning", rcode(12), records(2), "NOERROR 2 after 50ms"},
		{"NOTAUTH of a domain controller that starts", rcode(dns.RcodeNotAuth), records(2), "NOERROR 2 after 50ms"},
		{"NXDOMAIN is an answer", rcode(dns.RcodeNameError), records(2), "NXDOMAIN after 20ms"},
		{"the first failure is passed on", rcode(dns.RcodeRefused), rcode(dns.RcodeServerFailure), "REFUSED after 50ms"},
		{"a failure while the other is silent", rcode(dns.RcodeRefused), nil, "REFUSED after 4s"},
		{"TCP fails", truncated, records(2), "NOERROR 2 after 70ms"},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, b := pair()
			a.answer, b.answer = tc.first, tc.second
			u := start(t, fakeNetwork{hub: a, hub2: b}, nil, hub, hub2)
			defer end(u)
			expect(t, tc.name, lookup(t, u, "a.example."), tc.want)
		})
	}
}

// An upstream that fails every query, for example while it starts, is asked after the others.
func TestLameUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair()
		a.answer = rcode(dns.RcodeServerFailure)
		u := start(t, fakeNetwork{hub: a, hub2: b}, nil, hub, hub2)
		defer end(u)
		for range lameAfter {
			expect(t, "it fails", lookup(t, u, "a.example."), "NOERROR 2 after 50ms")
		}
		expect(t, "it is asked last", lookup(t, u, "a.example."), "NOERROR 2 after 30ms")
		a.set(func(h *host) { h.answer = records(1) })
		time.Sleep(lameTime)
		expect(t, "it is asked first again", lookup(t, u, "a.example."), "NOERROR 1 after 20ms")
	})
}

// If all upstreams are dead, a client does not wait. During the outage, late answers of a
// slow upstream are returned.
func TestAllDieAndOneIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair()
		u := start(t, fakeNetwork{hub: a, hub2: b}, nil, hub, hub2)
		defer end(u)
		a.set(func(h *host) { h.answer = nil })
		b.set(func(h *host) { h.answer = nil })
		expect(t, "first query", lookup(t, u, "a.example."), "SERVFAIL EDE 22 after 4s")
		time.Sleep(2 * time.Second)
		for range 10 {
			expect(t, "both are down", lookup(t, u, "a.example."), "SERVFAIL EDE 22 after 0s")
		}
		a.set(func(h *host) { h.answer, h.delay = records(1), 3*time.Second })
		time.Sleep(4100 * ms)
		expect(t, "slow after silence", lookup(t, u, "b.example."), "NOERROR 1 after 3s")
	})
}

// A slow upstream is asked after the others, until it is fast again.
func TestSlowUpstreamOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair()
		a.delay = 3 * time.Second
		u := start(t, fakeNetwork{hub: a, hub2: b}, nil, hub, hub2)
		defer end(u)
		expect(t, "first query", lookup(t, u, "a.example."), "NOERROR 2 after 430ms")
		for range 20 {
			time.Sleep(time.Second)
			expect(t, "later ones", lookup(t, u, "a.example."), "NOERROR 2 after 30ms")
		}
		a.set(func(h *host) { h.delay = 20 * ms })
		time.Sleep(15 * time.Second)
		expect(t, "it is fast", lookup(t, u, "a.example."), "NOERROR 1 after 20ms")
		asked := a.count("udp")
		time.Sleep(time.Minute)
		if n := a.count("udp"); n != asked {
			t.Errorf("%d probes although it is fast; want 0", n-asked)
		}
	})
}

// One name without a response is not an outage.
func TestSilentName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &host{delay: 20 * ms, answer: func(r *dns.Msg) *dns.Msg {
			if r.Question[0].Name == "silent.example." {
				return nil
			}
			return records(1)(r)
		}}
		u := start(t, fakeNetwork{hub: a}, nil, hub)
		defer end(u)
		for range 5 {
			expect(t, "silent name", lookup(t, u, "silent.example."), "SERVFAIL EDE 22 after 4s")
			expect(t, "other name", lookup(t, u, "www.example."), "NOERROR 1 after 20ms")
		}
	})
}

// An upstream that answers some names only is up as long as it answers one of them.
func TestProbeIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &host{answer: func(r *dns.Msg) *dns.Msg {
			if r.Question[0].Name == "." {
				return nil
			}
			return records(1)(r)
		}}
		u := start(t, fakeNetwork{hub: a}, nil, hub)
		defer end(u)
		a.set(func(h *host) { h.delay = 10 * time.Second })
		lookup(t, u, "a.example.")
		time.Sleep(time.Second)
		expect(t, "down", lookup(t, u, "a.example."), "SERVFAIL EDE 22 after 0s")
		a.set(func(h *host) { h.delay = 0 })
		time.Sleep(2100 * ms)
		expect(t, "up", lookup(t, u, "a.example."), "NOERROR 1 after 0s")
	})
}

func TestPolicies(t *testing.T) {
	for _, tc := range []struct {
		policy string
		least  int // queries of 100 at each upstream
	}{{"sequential", 0}, {"round_robin", 50}, {"random", 25}} {
		synctest.Test(t, func(t *testing.T) {
			a, b := pair()
			u := start(t, fakeNetwork{hub: a, hub2: b}, func(cfg *config) { cfg.policy = tc.policy }, hub, hub2)
			defer end(u)
			for range 100 {
				lookup(t, u, "a.example.")
			}
			if n := b.count("udp"); n < tc.least || n > 100-tc.least || tc.least == 0 && n != 0 {
				t.Errorf("%s: %d of 100 queries at the second upstream", tc.policy, n)
			}
		})
	}
}

func show1(v float64) string {
	if v == 0 {
		return "0"
	}
	return "1"
}

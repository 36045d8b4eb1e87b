package lru

import (
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Questions of plugin loop are forwarded each time, so that loop counts them. They are
// not stored.
func TestLoopProbesAreNotCoalesced(t *testing.T) {
	u := &upstream{}
	l := newLRU(u, 10)
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
		if u.asked.Load() < 5 {
			return ask(t, l, r)
		}
		return responseTo(parseReply(t, "NXDOMAIN: / . 60 SOA . . 1 2 3 4 60"), r)
	})
	began := time.Now()
	if got := show(ask(t, l, query("4167361529.1871620381.", "HINFO"))); got != "NXDOMAIN: / . 60 SOA" || time.Since(began) > time.Second {
		t.Errorf("%s after %s; want NXDOMAIN at once", got, time.Since(began))
	}
	if u.asked.Load() != 5 || l.store.len() != 0 {
		t.Errorf("seen %d times, %d entries; want 5 and none", u.asked.Load(), l.store.len())
	}
}

func TestIsLoopProbe(t *testing.T) {
	for _, c := range []struct {
		name, qtype string
		want        bool
	}{
		{"4167361529.1871620381.", "HINFO", true},
		{"4167361529.1871620381.corp.example.", "HINFO", true},
		{"1.2.10.in-addr.arpa.", "HINFO", true},
		{"4167361529.1871620381.", "A", false},
		{"4167361529.corp.example.", "HINFO", false},
		{"4167361529.", "HINFO", false},
		{"a1.2.corp.example.", "HINFO", false},
		{"1.b.corp.example.", "HINFO", false},
		{".", "HINFO", false},
	} {
		if got := isLoopProbe(query(c.name, c.qtype).Question[0]); got != c.want {
			t.Errorf("isLoopProbe(%s %s) = %v; want %v", c.name, c.qtype, got, c.want)
		}
	}
}

package lru

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// repeat returns n records in the notation of parseReply; %d is the number.
func repeat(n int, record string) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, record+"; ", i)
	}
	return all.String()
}

const controllers = "_ldap._tcp.dc._msdcs.corp.example."

// The SRV records of domain controllers are stored and served in an outage.
func TestSRVRecordsInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.responds(t, "NOERROR: "+repeat(20, controllers+" 600 SRV 0 100 389 dc%02d.corp.example."))
		l := newLRU(u, 10)
		defer l.flights.wait()
		ask(t, l, query(controllers, "SRV"))
		u.timesOut(time.Second)
		for _, after := range []time.Duration{time.Second, 10 * time.Minute} {
			time.Sleep(after)
			if m := ask(t, l, query(controllers, "SRV")); len(m.Answer) != 20 {
				t.Errorf("after %s: %s; want 20 records", after, show(m))
			}
		}
	})
}

// The limit is for the size on the wire, with compression.
func TestFits(t *testing.T) {
	text := `w.example. 60 TXT "` + strings.Repeat("x", 253) + `%02d"; `
	long := strings.Repeat(strings.Repeat("n", 49)+".", 5)
	for _, tc := range []struct {
		name, reply string
		want        bool
	}{
		{"one address", "w.example. 60 A 192.0.2.1", true},
		{"100 addresses", repeat(100, "w.example. 60 A 192.0.2.%d"), true},
		{"100 IPv6 addresses", repeat(100, "w.example. 60 AAAA 2001:db8::%d"), true},
		{"20 domain controllers", repeat(20, controllers+" 60 SRV 0 100 389 dc%02d.corp.example."), true},
		{"90 domain controllers", repeat(90, controllers+" 60 SRV 0 100 389 dc%02d.corp.example."), true},
		{"50 name servers", repeat(50, "w.example. 60 NS ns%02d.hosting.example."), true},
		{"4,061 octets of text", repeat(15, text), true},
		{"4,329 octets of text", repeat(16, text), false},
		{"100 names of 250 octets that are two on the wire", repeat(100, "w.example. 60 PTR a%d."+long), false},
		{"1,150 empty strings", "w.example. 60 TXT" + strings.Repeat(` ""`, 1150), true},
		{"1,300 empty strings", "w.example. 60 TXT" + strings.Repeat(` ""`, 1300), false},
		{"1,000 address prefixes", "w.example. 60 APL" + strings.Repeat(" 1:0.0.0.0/0", 1000), false},
	} {
		m := parseReply(t, "NOERROR: "+tc.reply)
		m.Question, m.Compress = []dns.Question{{Name: m.Answer[0].Header().Name, Qtype: m.Answer[0].Header().Rrtype, Qclass: dns.ClassINET}}, true
		e := &entry{key: keyOf(m), sections: &sections{answer: m.Answer}}
		if got := e.fits(); got != tc.want {
			t.Errorf("%s: fits() = %v with %d octets; want %v", tc.name, got, m.Len(), tc.want)
		}
	}
}

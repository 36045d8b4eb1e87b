package fairqueue

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var one, two = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")

// A domain leaves places for others, however many it asks for, and so do several.
func TestShares(t *testing.T) {
	for _, tc := range []struct {
		name    string
		places  int
		domains int
		taken   int // of all places
	}{
		{"one domain", 200, 1, 150},
		{"two domains", 200, 2, 172},
		{"four domains", 200, 4, 185},
		{"100 domains", 200, 100, 200},
		{"few places", 16, 1, 12},
		{"one place", 1, 1, 1},
	} {
		q := New(tc.places)
		var all []*Place
		for i := range 300 {
			for d := range tc.domains {
				if p := q.Enter(fmt.Sprintf("n%d.zone%d.example.", i, d), one, false); p != nil {
					all = append(all, p)
				}
			}
		}
		if len(all) != tc.taken {
			t.Errorf("%s: %d places; want %d", tc.name, len(all), tc.taken)
		}
		for _, p := range all {
			p.Leave()
		}
		if !q.Empty() {
			t.Errorf("%s: something is left", tc.name)
		}
	}
}

// The client with the fewest places is next, whatever the order.
func TestClientsTakeTurns(t *testing.T) {
	q := New(4)
	var flood []*Place
	for i := range 10 {
		flood = append(flood, q.Enter(fmt.Sprintf("n%d.", i), one, true))
	}
	other := q.Enter("www.other.", two, true)
	if other.ready == nil {
		t.Fatal("there is a free place")
	}
	flood[0].Leave()
	if !other.Wait(0) {
		t.Error("the other client does not get the next place")
	}
}

// If the queue is full, a client with many queries in it makes room.
func TestFullQueueMakesRoom(t *testing.T) {
	q := New(2)
	refused := 0
	var last *Place
	for i := range 20 {
		if p := q.Enter(fmt.Sprintf("n%d.", i), one, true); p == nil {
			refused++
		} else {
			last = p
		}
	}
	if taken, waiting := q.Len(); taken != 2 || waiting != 10 || refused != 8 {
		t.Fatalf("%d have a place, %d wait, %d are refused", taken, waiting, refused)
	}
	if p := q.Enter("www.other.", two, true); p == nil {
		t.Error("the other client is refused")
	}
	if last.Wait(time.Hour) {
		t.Error("the last query of the first client has a place")
	}
	if _, waiting := q.Len(); waiting != 10 {
		t.Errorf("%d wait; want 10", waiting)
	}
}

// Whatever queries do at once, nothing of them is left, and there are never more than
// the places.
func TestNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(8)
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				client := netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 7)})
				p := q.Enter(fmt.Sprintf("n%d.zone%d.example.", i, i%11), client, i%5 != 0)
				if p == nil {
					return
				}
				defer p.Leave()
				if p.Wait(time.Second) {
					if taken, _ := q.Len(); taken > 8 {
						t.Errorf("%d places are taken", taken)
					}
					time.Sleep(time.Duration(i) * time.Millisecond)
				}
			})
		}
		all.Wait()
		if !q.Empty() {
			t.Error("something is left")
		}
	})
}

// A name's domains.
func TestDomainsOf(t *testing.T) {
	for _, tc := range []struct{ name, registered, below string }{
		{".", ".", "."},
		{"com.", "com.", "com."},
		{"example.com.", "example.com.", "example.com."},
		{"www.example.com.", "example.com.", "www.example.com."},
		{"a.b.www.example.com.", "example.com.", "www.example.com."},
		{"www.example.co.uk.", "example.co.uk.", "www.example.co.uk."},
		{"a.database.windows.net.", "windows.net.", "database.windows.net."},
		{"x.blob.core.windows.net.", "x.blob.core.windows.net.", "x.blob.core.windows.net."},
		{"_ldap._tcp.dc._msdcs.corp.local.", "corp.local.", "_msdcs.corp.local."},
		{"host.", "host.", "host."},
		{"4.3.2.1.in-addr.arpa.", "2.1.in-addr.arpa.", "3.2.1.in-addr.arpa."},
		{"1.in-addr.arpa.", "1.in-addr.arpa.", "1.in-addr.arpa."},
		{"0-25.2.0.192.in-addr.arpa.", "0.192.in-addr.arpa.", "2.0.192.in-addr.arpa."},
		{"in-addr.arpa.", "in-addr.arpa.", "in-addr.arpa."},
		{"a.9.8.7.6.5.4.3.2.1.8.b.d.0.1.0.0.2.ip6.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.", "4.3.2.1.8.b.d.0.1.0.0.2.ip6.arpa."},
		{`a\.b.example.com.`, "example.com.", `a\.b.example.com.`},
		{`x.a\.com.`, `x.a\.com.`, `x.a\.com.`},
		{`\000.\255.com.`, `\255.com.`, `\000.\255.com.`},
	} {
		if registered, below := domainsOf(tc.name); registered != tc.registered || below != tc.below {
			t.Errorf("domainsOf(%s) = %s, %s; want %s, %s", tc.name, registered, below, tc.registered, tc.below)
		}
	}
}

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

// Domains leave slots for others, however many queries they have.
func TestShares(t *testing.T) {
	for _, tc := range []struct {
		name    string
		slots   int
		domains int
		inUse   int // of all slots
	}{
		{"one domain", 200, 1, 150},
		{"two domains", 200, 2, 172},
		{"four domains", 200, 4, 185},
		{"100 domains", 200, 100, 200},
		{"few slots", 16, 1, 12},
		{"one slot", 1, 1, 1},
	} {
		q := New(tc.slots)
		var all []*Slot
		for i := range 300 {
			for d := range tc.domains {
				if p := q.Acquire(fmt.Sprintf("n%d.zone%d.example.", i, d), one, false); p != nil {
					all = append(all, p)
				}
			}
		}
		if len(all) != tc.inUse {
			t.Errorf("%s: %d slots; want %d", tc.name, len(all), tc.inUse)
		}
		for _, p := range all {
			p.Release()
		}
		if !q.Empty() {
			t.Errorf("%s: something is left", tc.name)
		}
	}
}

// The client with the fewest slots is next, not the one that has waited longest.
func TestClientsTakeTurns(t *testing.T) {
	q := New(4)
	var flood []*Slot
	for i := range 10 {
		flood = append(flood, q.Acquire(fmt.Sprintf("n%d.", i), one, true))
	}
	other := q.Acquire("www.other.", two, true)
	if other.ready == nil {
		t.Fatal("there is a free slot")
	}
	flood[0].Release()
	if !other.Wait(0) {
		t.Error("the other client does not get the next slot")
	}
}

// If the queue is full, the client with the most waiting queries loses one of them.
func TestFullQueueRejectsLargestClient(t *testing.T) {
	q := New(2)
	refused := 0
	var last *Slot
	for i := range 20 {
		if p := q.Acquire(fmt.Sprintf("n%d.", i), one, true); p == nil {
			refused++
		} else {
			last = p
		}
	}
	if inUse, waiting := q.Len(); inUse != 2 || waiting != 10 || refused != 8 {
		t.Fatalf("%d have a slot, %d wait, %d are rejected; want 2, 10 and 8", inUse, waiting, refused)
	}
	if p := q.Acquire("www.other.", two, true); p == nil {
		t.Error("the query of the other client is rejected")
	}
	if last.Wait(time.Hour) {
		t.Error("the last query of the first client has a slot")
	}
	if _, waiting := q.Len(); waiting != 10 {
		t.Errorf("%d wait; want 10", waiting)
	}
}

// Concurrent queries never have more slots than the queue, and no counts remain after
// their end.
func TestConcurrentQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(8)
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				client := netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 7)})
				p := q.Acquire(fmt.Sprintf("n%d.zone%d.example.", i, i%11), client, i%5 != 0)
				if p == nil {
					return
				}
				defer p.Release()
				if p.Wait(time.Second) {
					if inUse, _ := q.Len(); inUse > 8 {
						t.Errorf("%d slots are in use; want 8 at most", inUse)
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

func TestDomainsOf(t *testing.T) {
	for _, tc := range []struct{ name, registered, subdomain string }{
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
		if registered, subdomain := domainsOf(tc.name); registered != tc.registered || subdomain != tc.subdomain {
			t.Errorf("domainsOf(%s) = %s, %s; want %s, %s", tc.name, registered, subdomain, tc.registered, tc.subdomain)
		}
	}
}

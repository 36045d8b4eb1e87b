package clients

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
)

// show returns the networks of a table as text.
func show(t *Table) (text string) {
	byKey := map[uint64]*Network{}
	t.addTo(byKey)
	for _, n := range byKey {
		if n.total() > 0 {
			text += fmt.Sprint(n.Prefix.String(), n.Counts)
		}
	}
	return text
}

func TestCount(t *testing.T) {
	for _, tt := range []struct{ client, want string }{
		{"10.1.2.3", "10.1.2.0/24[1 0 2]"},
		{"255.255.255.255", "255.255.255.0/24[1 0 2]"},
		{"0.0.0.0", "0.0.0.0/24[1 0 2]"},
		{"::ffff:10.1.2.3", "10.1.2.0/24[1 0 2]"},
		{"2001:db8:1:2ff:3::4", "2001:db8:1:200::/56[1 0 2]"},
		{"fe80::1%eth0", "fe80::/56[1 0 2]"},
		{"::", "::/56[1 0 2]"},
	} {
		var one Table
		client := netip.MustParseAddr(tt.client)
		one.Count(client, Private)
		one.Count(client, Refused)
		one.Count(client, Refused)
		if got := show(&one); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.client, got, tt.want)
		}
	}
}

// However many networks there are, no answer is lost and the memory stays the same.
func TestBounds(t *testing.T) {
	var one Table
	const networks = 100 * rows
	for i := range networks {
		one.Count(netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1}), Public)
	}
	byKey, sum := map[uint64]*Network{}, uint64(0)
	one.addTo(byKey)
	for _, n := range byKey {
		sum += n.total()
	}
	if sum != networks || len(byKey) > rows+1 || len(byKey) < rows*9/10 {
		t.Errorf("%d answers in %d rows; want %d in about %d", sum, len(byKey), networks, rows)
	}
}

// Several goroutines share a table, also for networks that are new to it.
func TestParallel(t *testing.T) {
	var one Table
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 10_000 {
				one.Count(netip.AddrFrom4([4]byte{10, 0, byte(i % 50), 1}), Private)
			}
		})
	}
	all.Wait()
	byKey := map[uint64]*Network{}
	one.addTo(byKey)
	for key, n := range byKey {
		if want := uint64(4 * 10_000 / 50); key != 0 && n.Counts[Private] != want || len(byKey) != 51 {
			t.Fatalf("%s: %d of %d networks; want %d", n.Prefix, n.Counts[Private], len(byKey)-1, want)
		}
	}
}

// A flood of refused queries leaves rows for the other networks.
func TestNetworks(t *testing.T) {
	counts := func() map[string][kinds]uint64 {
		found := map[string][kinds]uint64{}
		for _, n := range Networks() {
			found[n.Prefix.String()] = n.Counts
		}
		return found
	}
	own, before := Take(), counts()
	client := netip.MustParseAddr("192.0.2.7")
	own.Count(client, Private)
	Count(client, Public)
	for i := range 4 * rows {
		Count(netip.AddrFrom4([4]byte{198, byte(i >> 8), byte(i), 1}), Refused)
	}
	late := netip.MustParseAddr("203.0.113.7")
	Count(late, Private)
	after := counts()
	for network, want := range map[string][kinds]uint64{"192.0.2.0/24": {1, 1, 0}, "203.0.113.0/24": {1, 0, 0}} {
		for k, n := range want {
			if got := after[network][k] - before[network][k]; got != n {
				t.Errorf("%s has %d more of kind %d; want %d", network, got, k, n)
			}
		}
	}
	if after["invalid Prefix"][Refused] == before["invalid Prefix"][Refused] {
		t.Error("every network has a row; want some beyond the bound")
	}
}

func TestCountDoesNotAllocate(t *testing.T) {
	var one Table
	for _, client := range []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")} {
		if n := testing.AllocsPerRun(100, func() { one.Count(client, Private) }); n != 0 {
			t.Errorf("%s: %v allocations; want 0", client, n)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	var one Table
	client := netip.MustParseAddr("10.0.0.1")
	for b.Loop() {
		one.Count(client, Private)
	}
}

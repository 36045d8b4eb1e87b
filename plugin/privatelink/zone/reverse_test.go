package zone

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"unsafe"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// reversed returns a snapshot with the names of two zones.
func reversed(t testing.TB, ptr bool) *Snapshot {
	set := &Set{Cloud: cloud.Public, Zones: []dnsname.Name{blob, queue, studio}, PTR: ptr, TTL: 60}
	b := NewBuilder(set, nil)
	add(t, b, set, "b.blob.core.windows.net.", "10.0.0.1", "10.0.0.2")
	add(t, b, set, "a.queue.core.windows.net.", "10.0.0.2", "fd00::1")
	add(t, b, set, "a.blob.core.windows.net.", "10.0.0.2")
	add(t, b, set, "*.ws."+studioPub, "10.0.0.3")
	add(t, b, set, "0.blob.core.windows.net.", "0.0.0.0", "255.255.255.255")
	return b.Snapshot(true, at(1))
}

// names returns the names of an address.
func names(m Answer, qname string) (all []string) {
	if m.Result == Reverse {
		for name := range m.Names(qname) {
			all = append(all, name.String())
		}
	}
	return all
}

func TestReverse(t *testing.T) {
	s := reversed(t, true)
	const arpa6 = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa."
	for _, tc := range []struct{ name, qname, want string }{
		{"one name", "1.0.0.10.in-addr.arpa.", "[b.privatelink.blob.core.windows.net]"},
		{"names of several zones, sorted", "2.0.0.10.in-addr.arpa.", "[a.privatelink.blob.core.windows.net a.privatelink.queue.core.windows.net b.privatelink.blob.core.windows.net]"},
		{"IPv6", "1.0.0." + arpa6, "[a.privatelink.queue.core.windows.net]"},
		{"the first address", "0.0.0.0.in-addr.arpa.", "[0.privatelink.blob.core.windows.net]"},
		{"the last address", "255.255.255.255.in-addr.arpa.", "[0.privatelink.blob.core.windows.net]"},
		{"a wildcard is no name of a host", "3.0.0.10.in-addr.arpa.", "[]"},
		{"an address without a record", "4.0.0.10.in-addr.arpa.", "[]"},
		{"a network", "0.0.10.in-addr.arpa.", "[]"},
		{"the suffix", "in-addr.arpa.", "[]"},
		{"five labels", "x.1.0.0.10.in-addr.arpa.", "[]"},
		{"five numbers", "0.1.0.0.10.in-addr.arpa.", "[]"},
		{"leading zero", "01.0.0.10.in-addr.arpa.", "[]"},
		{"too large", "257.0.0.10.in-addr.arpa.", "[]"},
		{"four digits", "0001.0.0.10.in-addr.arpa.", "[]"},
		{"no number", "a.0.0.10.in-addr.arpa.", "[]"},
		{"empty label", ".0.0.10.in-addr.arpa.", "[]"},
		{"escaped digit", `\049.0.0.10.in-addr.arpa.`, "[]"},
		{"IPv6 with too few digits", "1.0." + arpa6, "[]"},
		{"IPv6 with a wrong digit", "g.0.0." + arpa6, "[]"},
		{"IPv6 with two digits in a label", "1.00.0" + arpa6[1:], "[]"},
		{"an IPv4 address in IPv6", "1.0.0.0.0.0.a.0.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.", "[]"},
		{"IPv4 labels below ip6.arpa", "1.0.0.10.ip6.arpa.", "[]"},
	} {
		m := s.Lookup(tc.qname)
		if got := fmt.Sprint(names(m, tc.qname)); got != tc.want || (m.Result == Reverse) != (tc.want != "[]") {
			t.Errorf("%s: Lookup(%q) = %d %s; want %s", tc.name, tc.qname, m.Result, got, tc.want)
		}
	}
	if got := reversed(t, false).Lookup("1.0.0.10.in-addr.arpa.").Result; got != OutOfZone {
		t.Errorf("without ptr: %d; want OutOfZone", got)
	}
}

func TestReverseDoesNotAllocate(t *testing.T) {
	s := reversed(t, true)
	for _, name := range []string{
		"2.0.0.10.in-addr.arpa.", "9.0.0.10.in-addr.arpa.",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.",
	} {
		if n := testing.AllocsPerRun(100, func() { s.Lookup(name) }); n != 0 {
			t.Errorf("Lookup(%q) makes %v allocations; want 0", name, n)
		}
	}
}

// A name is the reverse name of an address exactly if that address has this reverse
// name.
func FuzzAddressOf(f *testing.F) {
	for _, addr := range []string{"10.0.0.1", "0.0.0.0", "255.255.255.255", "fd00::1", "::", "ffff::ffff", "::ffff:10.0.0.1"} {
		name, err := dns.ReverseAddr(addr)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name)
	}
	f.Add("1.0.10.in-addr.arpa.")
	f.Add("01.0.0.10.in-addr.arpa.")
	f.Add("1..0.10.in-addr.arpa.")
	f.Fuzz(func(t *testing.T, name string) {
		octets, ok := addressOf(name)
		if !ok {
			return
		}
		addr := netip.AddrFrom16(octets).Unmap()
		if back, err := dns.ReverseAddr(addr.String()); err != nil || back != name {
			t.Errorf("addressOf(%q) = %s, whose reverse name is %q, %v", name, addr, back, err)
		}
	})
}

// Random addresses are found by their reverse names.
func TestReverseOfManyAddresses(t *testing.T) {
	set := &Set{Cloud: cloud.Public, Zones: []dnsname.Name{blob}, PTR: true}
	b := NewBuilder(set, nil)
	const n = 5000
	for i := range n {
		add(t, b, set, dnsname.Name(fmt.Sprintf("a%d.blob.core.windows.net.", i)), fmt.Sprintf("10.%d.%d.%d", i%7, i/256, i%256), fmt.Sprintf("fd00::%x", i))
	}
	s := b.Snapshot(true, at(1))
	for i := range n {
		for _, addr := range []string{fmt.Sprintf("10.%d.%d.%d", i%7, i/256, i%256), fmt.Sprintf("fd00::%x", i)} {
			name, err := dns.ReverseAddr(addr)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(names(s.Lookup(name), name)), fmt.Sprintf("[a%d.privatelink.blob.core.windows.net]", i); got != want {
				t.Fatalf("%s: %s; want %s", addr, got, want)
			}
		}
	}
}

// The index takes 24 octets for each address, and nothing without ptr.
func TestReverseMemory(t *testing.T) {
	if size := unsafe.Sizeof(pointer{}); size != 24 {
		t.Errorf("a pointer has %d octets; want 24", size)
	}
	if s := reversed(t, false); s.reverse != nil {
		t.Error("there is an index without ptr")
	}
	if all := reversed(t, true).reverse.pointers; cap(all) > len(all)+1 { // the wildcard
		t.Errorf("room for %d pointers; want %d", cap(all), len(all))
	}
}

func BenchmarkReverse(b *testing.B) {
	set := &Set{Cloud: cloud.Public, Zones: []dnsname.Name{blob}, PTR: true}
	builder := NewBuilder(set, nil)
	var before, after runtime.MemStats
	const n = 100_000
	for i := range n {
		name := dnsname.Name(fmt.Sprintf("a%d.", i)) + blob
		builder.Add(Owner{Zone: blob, Name: name}, []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})})
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := builder.Snapshot(true, at(1))
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		s.Lookup("70.17.1.10.in-addr.arpa.")
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "bytes/record")
}

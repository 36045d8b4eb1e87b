package zone

import (
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

const (
	blob      dnsname.Name = "privatelink.blob.core.windows.net."
	queue     dnsname.Name = "privatelink.queue.core.windows.net."
	vault     dnsname.Name = "privatelink.vaultcore.azure.net."
	registry  dnsname.Name = "privatelink.azurecr.io."
	inRegion  dnsname.Name = "privatelink.weu.azurecr.io."
	recovery  dnsname.Name = "privatelink.siterecovery.windowsazure.com."
	web       dnsname.Name = "privatelink.web.core.windows.net."
	portal    dnsname.Name = "privatelink.purviewstudio.azure.com."
	backupInW dnsname.Name = "privatelink.we.backup.windowsazure.com."
)

func newSet() *Set {
	return &Set{Cloud: cloud.Public, Zones: []dnsname.Name{blob, queue, vault, registry, inRegion, recovery}}
}

// add adds a name with its addresses to the builder.
func add(t testing.TB, b *Builder, set *Set, fqdn dnsname.Name, addrs ...string) {
	t.Helper()
	p, err := set.OwnerOf(fqdn)
	if err != nil {
		t.Fatal(err)
	}
	var all []netip.Addr
	for _, addr := range addrs {
		all = append(all, netip.MustParseAddr(addr))
	}
	b.Add(p, all)
}

// checkLookups compares the results for a name before and after every source is loaded.
func checkLookups(t *testing.T, partial, complete *Snapshot, name string, before, loaded Result) {
	t.Helper()
	if got := partial.Lookup(name).Result; got != before {
		t.Errorf("before: Lookup(%q) = %d; want %d", name, got, before)
	}
	if got := complete.Lookup(name).Result; got != loaded {
		t.Errorf("loaded: Lookup(%q) = %d; want %d", name, got, loaded)
	}
}

// Before every source is loaded, known records are served and other names are not
// ready.
func TestLookupBeforeComplete(t *testing.T) {
	set := newSet()
	b := NewBuilder(set, nil)
	add(t, b, set, "a.blob.core.windows.net.", "10.0.0.1")
	add(t, b, set, "p.z7.blob.storage.azure.net.", "10.0.0.2")
	partial := b.Snapshot(false, at(1))
	b = NewBuilder(set, nil)
	add(t, b, set, "a.blob.core.windows.net.", "10.0.0.1")
	add(t, b, set, "p.z7.blob.storage.azure.net.", "10.0.0.2")
	complete := b.Snapshot(true, at(2))
	for _, tc := range []struct {
		name           string
		before, loaded Result
	}{
		{"a.privatelink.blob.core.windows.net.", Success, Success},
		{"a.blob.core.windows.net.", Alias, Alias},
		{"p.z7.blob.storage.azure.net.", Alias, Alias},
		{"privatelink.blob.core.windows.net.", Success, Success},
		{"x.privatelink.blob.core.windows.net.", NotReady, OutOfZone},
		{"x.blob.core.windows.net.", NotReady, OutOfZone},
		{"x.z7.blob.storage.azure.net.", NotReady, OutOfZone},
		{"x.blob.storage.azure.net.", OutOfZone, OutOfZone},
		{"we.backup.windowsazure.com.", OutOfZone, OutOfZone},
		{"privatelink.we.backup.windowsazure.com.", NotReady, OutOfZone},
		{"1.privatelink.we.backup.windowsazure.com.", NotReady, OutOfZone},
		{"1.we.backup.windowsazure.com.", NotReady, OutOfZone},
		{"blob.core.windows.net.", OutOfZone, OutOfZone},
		{"backup.windowsazure.com.", OutOfZone, OutOfZone},
		{"www.example.", OutOfZone, OutOfZone},
		{".", OutOfZone, OutOfZone},
	} {
		checkLookups(t, partial, complete, tc.name, tc.before, tc.loaded)
	}
}

func TestAddressesAreUnited(t *testing.T) {
	set := newSet()
	b := NewBuilder(set, nil)
	add(t, b, set, "a.blob.core.windows.net.", "10.0.0.2", "fd00::1", "10.0.0.1")
	add(t, b, set, "a.privatelink.blob.core.windows.net.", "10.0.0.2", "10.0.0.3")
	got := b.Snapshot(true, at(1)).Lookup("a.blob.core.windows.net.").Record.Addrs
	if want := "[10.0.0.1 10.0.0.2 10.0.0.3 fd00::1]"; fmt.Sprint(got) != want {
		t.Errorf("addresses = %v; want %v", got, want)
	}
}

// at returns a function that returns the serial for every zone.
func at(serial uint32) func(*Zone) uint32 { return func(*Zone) uint32 { return serial } }

func TestEqual(t *testing.T) {
	set := newSet()
	build := func(ttl uint32, addrs ...string) *Zone {
		modified := *set
		modified.TTL = ttl
		b := NewBuilder(&modified, nil)
		if len(addrs) > 0 {
			add(t, b, &modified, "a.blob.core.windows.net.", addrs...)
		}
		return b.Snapshot(true, at(1)).Zones[blob]
	}
	for _, tc := range []struct {
		name string
		a, b *Zone
		want bool
	}{
		{"empty", build(60), build(60), true},
		{"same records", build(60, "10.0.0.1", "10.0.0.2"), build(60, "10.0.0.2", "10.0.0.1"), true},
		{"different address", build(60, "10.0.0.1"), build(60, "10.0.0.2"), false},
		{"one record less", build(60, "10.0.0.1"), build(60), false},
		{"different TTL", build(60, "10.0.0.1"), build(61, "10.0.0.1"), false},
	} {
		if got := tc.a.Equal(tc.b); got != tc.want {
			t.Errorf("%s: Equal = %v; want %v", tc.name, got, tc.want)
		}
	}
}

// A zone that a record created remains after the removal of the record.
func TestZoneStaysWhenEmpty(t *testing.T) {
	set := newSet()
	b := NewBuilder(set, nil)
	add(t, b, set, "1.we.backup.windowsazure.com.", "10.0.0.1")
	known := slices.Collect(maps.Keys(b.Snapshot(true, at(1)).Zones))
	s := NewBuilder(set, known).Snapshot(true, at(2))
	if got := s.Lookup("1.privatelink.we.backup.windowsazure.com.").Result; got != NameError {
		t.Errorf("result %d; want %d", got, NameError)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	s := accounts(t, 1000)
	for _, name := range []string{
		"account500.privatelink.blob.core.windows.net.", "account500.blob.core.windows.net.", "no.privatelink.blob.core.windows.net.", "www.example.org.",
	} {
		if n := testing.AllocsPerRun(100, func() { s.Lookup(name) }); n != 0 {
			t.Errorf("Lookup(%q) makes %v allocations; want 0", name, n)
		}
	}
}

// accounts returns a snapshot of n accounts.
func accounts(t testing.TB, n int) *Snapshot {
	t.Helper()
	set := newSet()
	b := NewBuilder(set, nil)
	for i := range n {
		name := dnsname.Name(fmt.Sprintf("account%d.privatelink.blob.core.windows.net.", i))
		p, err := b.OwnerOf(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(p, []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})})
	}
	return b.Snapshot(true, at(1))
}

func BenchmarkLookup(b *testing.B) {
	s := accounts(b, 100_000)
	for _, bc := range []struct{ name, qname string }{
		{"direct", "account500.privatelink.blob.core.windows.net."},
		{"alias", "account500.blob.core.windows.net."},
		{"missing", "no.privatelink.blob.core.windows.net."},
		{"foreign", "www.example.org."},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Lookup(bc.qname)
			}
		})
	}
}

// BenchmarkSnapshot builds 100,000 records. The reported memory includes names and
// addresses, and is measured after a garbage collection.
func BenchmarkSnapshot(b *testing.B) {
	const n = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := accounts(b, n)
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		accounts(b, n)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "bytes/record")
	runtime.KeepAlive(kept)
}

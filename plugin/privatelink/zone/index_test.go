package zone

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"unsafe"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// The index has the records that a map has, whatever their number, and pointers to
// them stay valid.
func TestIndex(t *testing.T) {
	for _, n := range []int{0, 1, 5, 6, 8, 9, 1023, 1024, 1025, 5000} {
		var x index
		all := map[string]*Record{}
		for i := range n {
			labels := fmt.Sprintf("a%d.x", i*7919)
			c := x.add(dnsname.Name(labels+"."+string(blob)), blob)
			c.set([]netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})})
			all[labels] = &c.Record
		}
		for labels, want := range all {
			got := x.find(labels)
			if got != want || string(got.Name) != labels+"."+string(blob) || len(got.Addrs) != 1 {
				t.Fatalf("%d records: find(%q) = %v; want %v", n, labels, got, want)
			}
		}
		for _, labels := range []string{"", "a", "a1.x", "a7919", "a7919.x." + string(blob)} {
			if got := x.find(labels); got != nil {
				t.Errorf("%d records: find(%q) = %v; want no record", n, labels, got)
			}
		}
		if yielded := slices.Collect(x.all()); len(yielded) != n || n > 0 && yielded[n-1] != x.find(fmt.Sprintf("a%d.x", (n-1)*7919)) {
			t.Errorf("all yields %d records; want %d in the order of add", len(yielded), n)
		}
	}
}

// Labels with the same hash are distinguished by their text.
func TestIndexCompares(t *testing.T) {
	var x index
	first := x.add("first."+blob, blob)
	for i := range x.slots { // all slots have the hash of the labels that are looked up
		x.slots[i] = hashOf("second") | 1
	}
	x.slots[(x.start(hashOf("second"))+2)%len(x.slots)] = 0
	if got := x.find("second"); got != nil {
		t.Errorf("find returns %q", got.Name)
	}
	x.slots[x.start(hashOf("first"))] = hashOf("first") | 1
	if got := x.find("first"); got != &first.Record {
		t.Errorf("find = %v; want the record", got)
	}
}

func TestPlace(t *testing.T) {
	chunk, offset := 0, 0
	for number := range 5 * mostCells {
		if c, o := place(number); c != chunk || o != offset {
			t.Fatalf("place(%d) = %d, %d; want %d, %d", number, c, o, chunk, offset)
		}
		if offset++; offset == roomOf(chunk) {
			chunk, offset = chunk+1, 0
		}
	}
}

// Each record with its address is one line of the cache.
func TestCellSize(t *testing.T) {
	if size := unsafe.Sizeof(cell{}); unsafe.Sizeof(uintptr(0)) == 8 && size != 64 {
		t.Errorf("a cell has %d octets; want 64", size)
	}
}

// Prefetch accepts every name, and allocates nothing.
func TestPrefetch(t *testing.T) {
	s := accounts(t, manyRecords)
	names := []string{
		"account1.privatelink.blob.core.windows.net.", "account2.blob.core.windows.net.", "no.blob.core.windows.net.", "x.z1.blob.storage.azure.net.",
		"privatelink.blob.core.windows.net.", "blob.core.windows.net.", "1.we.backup.windowsazure.com.", "www.example.org.", ".", "",
	}
	for len(names) < 2*maxPrefetch {
		names = append(names, names...)
	}
	for _, snapshot := range []*Snapshot{s, accounts(t, 10), {}} {
		if n := testing.AllocsPerRun(10, func() { snapshot.Prefetch(names); snapshot.Prefetch(nil) }); n != 0 {
			t.Errorf("Prefetch makes %v allocations; want 0", n)
		}
	}
}

// The memory of each record is found without a comparison of names.
func TestPending(t *testing.T) {
	s := accounts(t, manyRecords)
	x := &s.Zones[blob].records
	for r := range x.all() {
		hash := hashOf(x.labels(r))
		p := pending{records: x, hash: hash, place: x.start(hash)}
		if got := p.probe(); got != r && hashOf(x.labels(got)) != hash {
			t.Fatalf("probe = %v; want %v", got, r)
		}
	}
}

// BenchmarkLookupOfMany looks up names in random order, so that the memory of a record is
// seldom in a cache. The names come in batches, as at a socket.
func BenchmarkLookupOfMany(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := accounts(b, n)
			random := rand.New(rand.NewPCG(1, 2))
			names := make([]string, 1<<16)
			for i := range names {
				names[i] = fmt.Sprintf("account%d.privatelink.blob.core.windows.net.", random.IntN(n))
			}
			i := 0
			for b.Loop() {
				if at := i & (len(names) - 1); at%maxPrefetch == 0 {
					s.Prefetch(names[at : at+maxPrefetch])
				}
				if a := s.Lookup(names[i&(len(names)-1)]); !a.Record.Addrs[0].Is4() {
					b.Fatal("no address")
				}
				i++
			}
		})
	}
}

package zone

import (
	"net/netip"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// snapshotOf returns a snapshot with the records of names, which have one address.
func snapshotOf(t *testing.T, set *Set, names ...dnsname.Name) *Snapshot {
	t.Helper()
	b := NewBuilder(set, nil)
	for _, name := range names {
		o, err := b.OwnerOf(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(o, []netip.Addr{netip.MustParseAddr("10.0.0.1")})
	}
	return b.Snapshot(true, func(*Zone) uint32 { return 1 })
}

// A query for any name of a record is counted for the record, and a later snapshot has it
// as well.
func TestUse(t *testing.T) {
	set := &Set{Zones: []dnsname.Name{"privatelink.blob.core.windows.net."}}
	names := []dnsname.Name{"a.privatelink.blob.core.windows.net.", "b.privatelink.blob.core.windows.net.", "*.c.privatelink.blob.core.windows.net."}
	s, start := snapshotOf(t, set, names...), time.Unix(1_700_000_000, 0)
	for i, tc := range []struct {
		name, client string
		want         [3]uint64 // by record
	}{
		{"a.privatelink.blob.core.windows.net.", "10.1.2.3", [3]uint64{1}},
		{"a.blob.core.windows.net.", "10.1.3.3", [3]uint64{2}},
		{"x.c.privatelink.blob.core.windows.net.", "fd00::1", [3]uint64{2, 0, 1}},
		{"x.c.blob.core.windows.net.", "10.1.2.3", [3]uint64{2, 0, 2}},
		{"none.privatelink.blob.core.windows.net.", "10.1.2.3", [3]uint64{2, 0, 2}},
		{"privatelink.blob.core.windows.net.", "10.1.2.3", [3]uint64{2, 0, 2}},
	} {
		found := s.Lookup(tc.name)
		found.Count(netip.MustParseAddr(tc.client), start.Add(time.Duration(i)*time.Second))
		for j, name := range names {
			o, err := s.OwnerOf(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Use(s.Find(o)).Queries; got != tc.want[j] {
				t.Errorf("after %s, %s has %d queries; want %d", tc.name, name, got, tc.want[j])
			}
		}
	}
	next := snapshotOf(t, set, names[0], "d.privatelink.blob.core.windows.net.")
	next.Date(s, start)
	o, _ := next.OwnerOf(names[0])
	want := Use{2, start.Add(time.Second), netip.MustParsePrefix("10.1.3.0/24")}
	if got := next.Use(next.Find(o)); got != want {
		t.Errorf("the next snapshot has %+v; want %+v", got, want)
	}
}

func TestUsePlus(t *testing.T) {
	early := Use{3, time.Unix(10, 0), netip.MustParsePrefix("10.0.0.0/24")}
	late := Use{4, time.Unix(20, 0), netip.MustParsePrefix("10.0.1.0/24")}
	for _, sum := range []Use{early.Plus(late), late.Plus(early), early.Plus(late).Plus(Use{})} {
		if sum != (Use{7, late.Last, late.Network}) {
			t.Errorf("the sum is %+v", sum)
		}
	}
}

func TestUseDoesNotAllocate(t *testing.T) {
	s := snapshotOf(t, &Set{Zones: []dnsname.Name{"privatelink.blob.core.windows.net."}}, "a.privatelink.blob.core.windows.net.")
	client, now := netip.MustParseAddr("10.1.2.3"), time.Now()
	if n := testing.AllocsPerRun(100, func() {
		found := s.Lookup("a.blob.core.windows.net.")
		found.Count(client, now)
	}); n != 0 {
		t.Errorf("a query allocates %v times", n)
	}
}

package zone

import (
	"net/netip"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

func TestDateAndMissing(t *testing.T) {
	generation := func(previous *Snapshot, at int64, names ...dnsname.Name) *Snapshot {
		b := NewBuilder(&Set{Cloud: cloud.Public}, nil)
		for _, name := range names {
			owner, _ := b.OwnerOf(name)
			b.Add(owner, []netip.Addr{netip.MustParseAddr("10.0.0.1")})
		}
		s := b.Snapshot(true, func(*Zone) uint32 { return 1 })
		s.Date(previous, time.Unix(at, 0))
		return s
	}
	const a, b = dnsname.Name("a.privatelink.we.backup.windowsazure.com."), dnsname.Name("b.privatelink.we.backup.windowsazure.com.")
	first := generation(&Snapshot{}, 100, a)
	second := generation(first, 200, a, b)
	third := generation(second, 300, b)
	for _, tt := range []struct {
		name  dnsname.Name
		s     *Snapshot
		since int64
	}{{a, first, 100}, {a, second, 100}, {b, second, 200}, {b, third, 200}} {
		owner, _ := tt.s.OwnerOf(tt.name)
		if r := tt.s.Find(owner); r == nil || tt.s.Provenance(r).Since().Unix() != tt.since {
			t.Errorf("Find(%s) = %+v; want one since %d", tt.name, r, tt.since)
		}
	}
	for r := range third.Missing(second) {
		if r.Name != a {
			t.Errorf("Missing yields %s; want %s", r.Name, a)
		}
	}
	owner, _ := third.OwnerOf(a)
	if r := third.Find(owner); r != nil || !(Provenance{}).Since().IsZero() {
		t.Errorf("Find(%s) = %+v; want nil", a, r)
	}
}

func TestBackupForm(t *testing.T) {
	set := &Set{Cloud: cloud.Public}
	for name, want := range map[dnsname.Name]bool{
		"v-ab-pod01-fc1.we.backup.windowsazure.com.":             true,
		"v-ab-pod01-fc1.privatelink.we.backup.windowsazure.com.": true,
		"we.backup.windowsazure.com.":                            false,
		"abcdepod01ecs9.blob.core.windows.net.":                  true,
		"abcdepod01ecs9.privatelink.queue.core.windows.net.":     true,
		"abcdepod01ecs9.z7.blob.storage.azure.net.":              true,
		"abcdepod01ecs9.example.com.":                            false,
		"account.blob.core.windows.net.":                         false,
		"tripod.blob.core.windows.net.":                          false,
	} {
		if got := set.BackupForm(string(name)); got != want {
			t.Errorf("BackupForm(%s) = %v; want %v", name, got, want)
		}
	}
}

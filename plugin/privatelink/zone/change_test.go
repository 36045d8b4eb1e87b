package zone

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

func TestChanges(t *testing.T) {
	const blob = "privatelink.blob.core.windows.net."
	set := &Set{Cloud: cloud.Public, Zones: []dnsname.Name{blob}}
	build := func(records map[string]string) *Zone {
		b := NewBuilder(set, nil)
		for name, addr := range records {
			owner, err := set.OwnerOf(dnsname.Name(name + ".blob.core.windows.net."))
			if err != nil {
				t.Fatal(err)
			}
			b.Add(owner, []netip.Addr{netip.MustParseAddr(addr)})
		}
		return b.Snapshot(true, at(1)).Zones[blob]
	}
	was := map[string]string{"a": "10.0.0.1", "b.c": "10.0.0.2"}
	for _, tt := range []struct {
		name   string
		before *Zone
		now    map[string]string
		want   string
	}{
		{"the same", build(was), was, "[]"},
		{"no zone before", nil, was, "[{a.privatelink.blob.core.windows.net [] [10.0.0.1]} {b.c.privatelink.blob.core.windows.net [] [10.0.0.2]}]"},
		{"new name", build(was), map[string]string{"a": "10.0.0.1", "b.c": "10.0.0.2", "d": "10.0.0.3"}, "[{d.privatelink.blob.core.windows.net [] [10.0.0.3]}]"},
		{"changed address", build(was), map[string]string{"a": "10.0.0.9", "b.c": "10.0.0.2"}, "[{a.privatelink.blob.core.windows.net [10.0.0.1] [10.0.0.9]}]"},
		{"removed name, with the names above it", build(was), map[string]string{"a": "10.0.0.1"}, "[{b.c.privatelink.blob.core.windows.net [10.0.0.2] []}]"},
		{"removed name, names below it stay", build(map[string]string{"c": "10.0.0.1", "b.c": "10.0.0.2"}), map[string]string{"b.c": "10.0.0.2"}, "[{c.privatelink.blob.core.windows.net [10.0.0.1] []}]"},
	} {
		if got := fmt.Sprint(build(tt.now).Changes(tt.before)); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
}

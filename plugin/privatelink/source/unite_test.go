package source

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// Endpoints that are united some at a time are in the order in which they appear, and each
// has all of its resources.
func TestUniteManyEndpoints(t *testing.T) {
	const number = endpointsAtOnce*2 + 100
	var ends, interfaces []privateendpoint.Endpoint
	address := func(i int) string { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String() }
	names := func(i int) []privateendpoint.DNSConfig {
		return []privateendpoint.DNSConfig{{FQDN: fmt.Sprint("n", i, ".example"), Addresses: []string{address(i)}}}
	}
	for i := range number {
		id := fmt.Sprint("/s/pe-", i)
		one := privateendpoint.Endpoint{ID: id, Resource: id, Connected: true, Status: "Approved", VNet: "/hub"}
		if i%3 == 0 { // the endpoint alone
			one.DNS = names(i)
		}
		ends = append(ends, one)
	}
	for i := number - 1; i >= 0; i-- {
		if i%3 > 0 {
			interfaces = append(interfaces, privateendpoint.Endpoint{ID: fmt.Sprint("/S/PE-", i), DNS: names(i)})
		}
	}
	list := Unite([][]privateendpoint.Endpoint{ends, interfaces}, []string{"hub"})
	if len(list.Entries) != number || len(list.Skipped) > 0 {
		t.Fatalf("%d entries, %d skips; want %d, 0", len(list.Entries), len(list.Skipped), number)
	}
	for i, e := range list.Entries {
		if want := fmt.Sprint("n", i, ".example."); string(e.FQDN) != want || e.Addrs[0].String() != address(i) || e.Endpoint.String() != ends[i].ID {
			t.Fatalf("entry %d = %s %v of %s; want %s %s of %s", i, e.FQDN, e.Addrs, e.Endpoint, want, address(i), ends[i].ID)
		}
	}
}

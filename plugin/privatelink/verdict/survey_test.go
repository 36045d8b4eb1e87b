package verdict

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// bookOf returns a book with one source.
func bookOf(t testing.TB, held []dnsname.Name, endpoints ...privateendpoint.Endpoint) *Book {
	t.Helper()
	list := source.Unite([][]privateendpoint.Endpoint{endpoints}, []string{"hub"})
	set := &zone.Set{Cloud: cloud.Public, Zones: []dnsname.Name{"privatelink.blob.core.windows.net.", "privatelink.queue.core.windows.net."}}
	b := zone.NewBuilder(set, nil)
	for i, e := range list.Entries {
		if owner, err := b.OwnerOf(e.FQDN); err == nil {
			b.Add(owner, e.Addrs)
			b.SetProvenance(owner, zone.Provenance{Origin: uint32(i + 1)})
		}
	}
	snapshot := b.Snapshot(true, func(*zone.Zone) uint32 { return 1 })
	snapshot.Date(&zone.Snapshot{}, time.Unix(1_700_000_000, 0))
	book := &Book{Zones: set, Snapshot: snapshot, Lists: []List{{List: list, Source: "files a", State: func(fqdn dnsname.Name) State {
		state := State{Loaded: true}
		for _, name := range held {
			state.Held = state.Held || name == fqdn
		}
		return state
	}}}}
	return book
}

func (r *Resource) show() string {
	newest := "-"
	if r.Newest != nil {
		newest = zone.Canonical(r.Newest.Name).String()
	}
	return fmt.Sprintf("%s %s [%s] %d/%d/%d/%d %s, endpoints %d, newest %s", r.Type, r.Name, r.Region, r.Counts.Backup, r.Counts.Blob, r.Counts.Queue,
		r.Counts.Other, r.Condition, len(r.Endpoints), newest)
}

func TestSurvey(t *testing.T) {
	const backup = "v1-ab-pod01-fc1.privatelink.we.backup.windowsazure.com 10.0.0.1"
	blob, queue := "wepod01ecs1.blob.core.windows.net 10.0.0.2", "wepod01ecs1.queue.core.windows.net 10.0.0.3"
	for _, tt := range []struct {
		name      string
		endpoints []privateendpoint.Endpoint
		want      string
	}{
		{"before the first registration", []privateendpoint.Endpoint{endpoint("pe", vault+"rsv", "Approved", "", backup)},
			"vault rsv [westeurope] 1/0/0/0 no_storage_names, endpoints 1, newest v1-ab-pod01-fc1.we.backup.windowsazure.com"},
		{"after it", []privateendpoint.Endpoint{endpoint("pe", vault+"rsv", "Approved", "", backup, blob, queue)},
			"vault rsv [westeurope] 1/1/1/0 complete, endpoints 1, newest wepod01ecs1.blob.core.windows.net"},
		{"storage names in endpoints of their own", []privateendpoint.Endpoint{
			endpoint("pe", vault+"rsv", "Approved", "", backup), endpoint("PE_ecs1_blob", storage+"wepod01ecs1", "Approved", "", blob),
			endpoint("pe_ecs1_queue", storage+"wepod01ecs1b", "Approved", "", queue)},
			"vault rsv [westeurope] 1/1/1/0 complete, endpoints 3, newest wepod01ecs1.blob.core.windows.net"},
		{"a second endpoint that is not approved", []privateendpoint.Endpoint{
			endpoint("pe", vault+"rsv", "Approved", "", backup, blob, queue), endpoint("pe2", vault+"RSV", "Pending", "")},
			"vault rsv [westeurope] 1/1/1/0 not_approved, endpoints 1, newest wepod01ecs1.blob.core.windows.net"},
		{"nothing is approved", []privateendpoint.Endpoint{endpoint("pe", vault+"rsv", "Pending", "")}, "vault rsv [] 0/0/0/0 not_approved, endpoints 0, newest -"},
		{"not made yet", []privateendpoint.Endpoint{provisioning(endpoint("pe", vault+"rsv", "Approved", ""), "Updating")},
			"vault rsv [] 0/0/0/0 not_served, endpoints 0, newest -"},
		{"an account", []privateendpoint.Endpoint{endpoint("pe", storage+"data", "Approved", "", "data.blob.core.windows.net 10.0.0.1")},
			"storageAccounts data [] 0/1/0/0 complete, endpoints 1, newest data.blob.core.windows.net"},
		{"held back", []privateendpoint.Endpoint{endpoint("pe", storage+"held", "Approved", "", "held.blob.core.windows.net 10.0.0.1")},
			"storageAccounts held [] 0/1/0/0 held_back, endpoints 1, newest held.blob.core.windows.net"},
		{"a conflict", []privateendpoint.Endpoint{endpoint("pe", storage+"twice", "Approved", "", "twice.blob.core.windows.net 10.0.0.1")},
			"storageAccounts twice [] 0/1/0/0 conflict, endpoints 1, newest twice.blob.core.windows.net"},
		{"another virtual network and another service", []privateendpoint.Endpoint{
			inVNet(endpoint("pe", vault+"rsv", "Approved", "", backup), "spoke"),
			endpoint("pe-sql", group+"x/servers/s", "Approved", "", "s.database.windows.net 10.0.0.1")}, ""},
	} {
		book := bookOf(t, []dnsname.Name{"held.blob.core.windows.net."}, tt.endpoints...)
		book.Conflicts = []Conflict{{Name: "twice.privatelink.blob.core.windows.net."}}
		var got []string
		for _, r := range book.Survey().Resources {
			got = append(got, r.show())
		}
		if text := strings.Join(got, "; "); text != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, text, tt.want)
		}
	}
}

// A conflict is a note about a name that is served.
func TestConflict(t *testing.T) {
	book := bookOf(t, nil, endpoint("pe", storage+"twice", "Approved", "", "twice.blob.core.windows.net 10.0.0.1", "once.blob.core.windows.net 10.0.0.2"))
	book.Conflicts = []Conflict{{"twice.privatelink.blob.core.windows.net.", "it is in two endpoints"}}
	for name, want := range map[dnsname.Name]string{"twice.blob.core.windows.net.": "it is in two endpoints", "once.blob.core.windows.net.": ""} {
		if v := book.Explain(name); !v.Served || v.Text != want {
			t.Errorf("%s: %v, %q; want %q", name, v.Served, v.Text, want)
		}
	}
}

// Every cause is an item, the important ones first, and those on purpose one for many.
func TestNotServed(t *testing.T) {
	all := append([]privateendpoint.Endpoint{
		inVNet(endpoint("pe-spoke2", storage+"spoke2", "Approved", "", "spoke2.blob.core.windows.net 10.0.0.9"), "spoke"),
		endpoint("pe-file2", storage+"files2", "Approved", "", "files2.file.core.windows.net 10.0.0.6"),
	}, world...)
	var got []string
	for _, i := range bookOf(t, nil, all...).Survey().NotServed {
		title := strings.ReplaceAll(i.Title, group+"Microsoft.Network/privateEndpoints/", "")
		got = append(got, fmt.Sprintf("%s: %s (%v)", title, i.Kind, i.OnPurpose))
	}
	want := []string{
		"pe-kv (vault kv): not_approved (false)",
		"pe-new (vault rsv-new): not_approved (false)",
		"pe-bad (storageAccounts bad): invalid (false)",
		"pe-grouped (storageAccounts grouped): no_dns_configuration (false)",
		"pe-making (storageAccounts making): provisioning (false)",
		"pe-pending (storageAccounts Pending): not_approved (false)",
		"pe-rejected (storageAccounts rejected): not_approved (false)",
	}
	for i, text := range want {
		if i == 0 || i == 1 {
			continue // their order depends on the kind of vault
		}
		if !strings.Contains(strings.Join(got, "\n"), text) {
			t.Errorf("no item %s in\n%s", text, strings.Join(got, "\n"))
		}
	}
	last := strings.Join(got[max(0, len(got)-3):], "\n")
	if !strings.Contains(last, "2 endpoints, such as pe-spoke") || !strings.Contains(last, "2 names, such as files2.file.core.windows.net: outside_zones (true)") {
		t.Errorf("the last items are\n%s", last)
	}
	if !strings.HasPrefix(got[0], "pe-new (vault rsv-new)") {
		t.Errorf("the first item is %s; want that of the vault", got[0])
	}
}

// BenchmarkSurvey is the survey of 100,000 names in 200 vaults.
func BenchmarkSurvey(b *testing.B) {
	var all []privateendpoint.Endpoint
	for v := range 200 {
		var names []string
		for i := range 500 {
			names = append(names, fmt.Sprintf("a%dx%d.blob.core.windows.net %s", v, i, netip.AddrFrom4([4]byte{10, byte(v), byte(i >> 8), byte(i)})))
		}
		all = append(all, endpoint(fmt.Sprintf("pe-%d", v), fmt.Sprintf("%srsv-%d", vault, v), "Approved", "", names...))
	}
	book := bookOf(b, nil, all...)
	b.ReportAllocs()
	for b.Loop() {
		next := Book{Zones: book.Zones, Snapshot: book.Snapshot, Lists: book.Lists}
		if n := next.Survey().Names; n != 100_000 {
			b.Fatal(n)
		}
	}
}

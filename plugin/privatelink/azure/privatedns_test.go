package azure

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
)

// zoned returns an endpoint in a resource group whose names are in private DNS zones.
func zoned(group string, fqdns ...string) fakearm.Endpoint {
	e := endpoint("pe-"+group, fqdns...)
	e.Group, e.ZoneGroup = group, true
	return e
}

func TestPrivateDNS(t *testing.T) {
	const blob, vault = "a.blob.core.windows.net", "1-ab-pod01-fc1.privatelink.we.backup.windowsazure.com"
	const both = vault + " 1; a.privatelink.blob.core.windows.net 1"
	fault := func(kind fakearm.Kind, path string) []fakearm.Fault { return []fakearm.Fault{{Kind: kind, Path: path}} }
	body := func(path, text string) []fakearm.Fault {
		return []fakearm.Fault{{Kind: fakearm.Body, Path: path, Value: []byte(text)}}
	}
	const zones = "list /subscriptions/" + subscription + "/providers/Microsoft.Network/privateDnsZones: page 1: "
	const blobZone = "/subscriptions/" + subscription + "/resourceGroups/rg1/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
	for _, tc := range []struct {
		name     string
		groups   []string
		faults   []fakearm.Fault
		first    string // the list of a first fetch
		later    string // the list of a fetch after a good one
		complete bool
		err      string
	}{
		{"all zones", nil, nil, both + "; b.privatelink.queue.core.windows.net 1", both + "; b.privatelink.queue.core.windows.net 1", true, ""},
		{"one resource group", []string{"rg1"}, nil, both, both, true, ""},
		{"zones cannot be listed", nil, fault(fakearm.Forbidden, "/privateDnsZones"), "nil", both + "; b.privatelink.queue.core.windows.net 1", false,
			zones + "ARM answers 403 AuthorizationFailed: grant Reader on subscription " + subscription + " to the identity"},
		{"one group cannot be listed", []string{"rg1", "rg2"}, fault(fakearm.Forbidden, "/rg2/"), both, both + "; b.privatelink.queue.core.windows.net 1", false,
			"list /subscriptions/" + subscription + "/resourceGroups/rg2/providers/Microsoft.Network/privateDnsZones: page 1: ARM answers 403 "},
		{"a zone cannot be read", []string{"rg1"}, fault(fakearm.Broken, "privatelink.blob.core.windows.net/ALL"), vault + " 1", both, false,
			"list " + blobZone + "/ALL: page 1: ARM answers 500 InternalServerError"},
		{"half a page", []string{"rg1"}, fault(fakearm.Truncated, "privatelink.blob.core.windows.net/ALL"), vault + " 1", both, false, "list " + blobZone + "/ALL: page 1: "},
		{"no listing", []string{"rg1"}, body("privatelink.blob.core.windows.net/ALL", `{}`), vault + " 1", both, false, "list " + blobZone + "/ALL: page 1: not a page of a listing: "},
	} {
		for _, known := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, read before %v", tc.name, known), func(t *testing.T) {
				arm, of := start(t, fakearm.Config{PageSize: 1}, zoned("rg1", blob, vault), zoned("rg2", "b.queue.core.windows.net"), in("rg1", "x"))
				of.Groups = tc.groups
				src, want := NewPrivateDNS(of), tc.first
				if known {
					if _, err := src.Fetch(t.Context()); err != nil {
						t.Fatal(err)
					}
					want = tc.later
				}
				arm.SetFaults(tc.faults...)
				list, err := src.Fetch(t.Context())
				if show(list) != want || list != nil && list.Complete != (tc.complete || known) {
					t.Errorf("Fetch = %s, %v; want %s", show(list), err, want)
				}
				if err == nil && tc.err != "" || err != nil && (tc.err == "" || !strings.HasPrefix(err.Error(), tc.err)) {
					t.Errorf("Fetch error = %v; want %s", err, tc.err)
				}
				if again, _ := src.Fetch(t.Context()); list != nil && again != list {
					t.Errorf("Fetch again = %s; want the same list", show(again))
				}
			})
		}
	}
}

// A zone that is deleted takes its names with it; one that is only not listed does not.
func TestPrivateDNSZoneGoes(t *testing.T) {
	arm, of := start(t, fakearm.Config{}, zoned("rg1", "a.blob.core.windows.net"), zoned("rg2", "b.queue.core.windows.net"))
	src := NewPrivateDNS(of)
	if _, err := src.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Body, Path: "/Microsoft.Network/privateDnsZones", Value: []byte(`{"value": []}`), Count: 1})
	for range 2 {
		if list, err := src.Fetch(t.Context()); err != nil || show(list) != "a.privatelink.blob.core.windows.net 1; b.privatelink.queue.core.windows.net 1" {
			t.Errorf("Fetch = %s, %v; want both names", show(list), err)
		}
	}
	arm.Update(func(e fakearm.Estate) { e[subscription] = e[subscription][:1] })
	if list, err := src.Fetch(t.Context()); err != nil || show(list) != "a.privatelink.blob.core.windows.net 1" {
		t.Errorf("Fetch = %s, %v; want no name of the deleted zone", show(list), err)
	}
}

// Record sets of every form. A bad one costs its own name only.
func TestRecordSets(t *testing.T) {
	arm, of := start(t, fakearm.Config{}, zoned("rg1", "a.blob.core.windows.net"))
	const zone = "/subscriptions/" + subscription + "/resourceGroups/rg1/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
	page := strings.NewReplacer("ID/", zone+"/", "TYPE/", "Microsoft.Network/privateDnsZones/").Replace(`{"value": [
		{"id": "ID/SOA/@", "name": "@", "type": "TYPE/SOA", "properties": {"fqdn": "privatelink.blob.core.windows.net.", "soaRecord": {"host": "azureprivatedns.net"}}},
		{"id": "ID/A/two", "name": "two", "type": "TYPE/A", "properties": {"fqdn": "two.privatelink.blob.core.windows.net.", "aRecords": [{"ipv4Address": "10.0.0.1"}, {"ipv4Address": "10.0.0.2"}]}},
		{"id": "ID/AAAA/two", "name": "two", "type": "TYPE/AAAA", "properties": {"fqdn": "two.privatelink.blob.core.windows.net.", "aaaaRecords": [{"ipv6Address": "fd00::1"}]}},
		{"id": "ID/A/*.x", "name": "*.x", "type": "TYPE/A", "properties": {"fqdn": "*.x.privatelink.blob.core.windows.net.", "aRecords": [{"ipv4Address": "10.0.0.3"}]}},
		{"id": "ID/TXT/t", "name": "t", "type": "TYPE/TXT", "properties": {"fqdn": "t.privatelink.blob.core.windows.net.", "txtRecords": [{"value": ["x"]}]}},
		{"id": "ID/A/bad", "name": "bad", "type": "TYPE/A", "properties": {"fqdn": "bad.privatelink.blob.core.windows.net.", "aRecords": [{"ipv4Address": "10.0.0.300"}]}}
	], "nextLink": null}`)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Body, Path: "/ALL", Value: []byte(page)})
	list, err := NewPrivateDNS(of).Fetch(t.Context())
	for kind, n := range arm.Reads() {
		if got := testutil.ToFloat64(metrics.AzureReads.WithLabelValues(NewPrivateDNS(of).Config().Name, kind)); got != float64(n) {
			t.Errorf("the metric of %s is %v; Azure has counted %d", kind, got, n)
		}
	}
	const skips = "; -privatelink.blob.core.windows.net bad_address; -privatelink.blob.core.windows.net no_address"
	if want := "*.x.privatelink.blob.core.windows.net 1; two.privatelink.blob.core.windows.net 3" + skips; err != nil || show(list) != want {
		t.Errorf("Fetch = %s, %v; want %s", show(list), err, want)
	}
}

func TestPrivateDNSConfig(t *testing.T) {
	for _, tc := range []struct {
		of   Source
		want string
	}{
		{Source{Scope: Scope{Subscription: subA}, VNets: []string{"hub"}}, "azure " + subA + " privatedns 5m0s"},
		{Source{Scope: Scope{Subscription: subA, Groups: []string{"privatedns"}}, Interval: time.Minute}, "azure " + subA + " resourceGroups/privatedns privatedns 1m0s"},
	} {
		if c := NewPrivateDNS(&tc.of).Config(); c.Name+" "+c.Interval.String() != tc.want || !c.Remote {
			t.Errorf("Config = %+v; want %s", c, tc.want)
		}
	}
}

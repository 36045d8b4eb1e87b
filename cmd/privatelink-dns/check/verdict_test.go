package check

import (
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// A zone is served although it has a record without an address.
func TestSkippedRecord(t *testing.T) {
	const zone = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
	const detail = "its CNAME record of old.privatelink.blob.core.windows.net has no address, only A and AAAA records are served"
	f := ofSkip(&endpoint{Endpoint: &verdict.Endpoint{ID: zone}}, source.Skip{Endpoint: zone, Reason: source.NoAddress, Detail: detail})
	want := "private DNS zone privatelink.blob.core.windows.net: " + detail
	if f.Text != want || f.Remedy != "nothing, or add the addresses of the name with record or hosts in the Corefile" {
		t.Errorf("%q, remedy %q; want %q", f.Text, f.Remedy, want)
	}
}

// The remedy is that of the endpoint's state, not of the reason alone.
func TestRemedyOfState(t *testing.T) {
	for _, tc := range []struct{ status, provisioning, want string }{
		{"Pending", "Succeeded", "approve the connection"},
		{"Rejected", "Succeeded", "delete the private endpoint and create it again"},
		{"Disconnected", "Succeeded", "delete the private endpoint and create it again"},
		{"Approved", "Failed", "check the failed deployment, delete the private endpoint and create it again"},
		{"Approved", "Canceled", "check the failed deployment"},
		{"Approved", "Deleting", "nothing to do"},
		{"Approved", "Updating", "wait"},
	} {
		list := source.Unite([][]privateendpoint.Endpoint{{{ID: "pe", Connected: true, Status: tc.status, Provisioning: tc.provisioning}}}, nil)
		f := ofSkip(&endpoint{Endpoint: &verdict.Endpoint{ID: "pe"}}, list.Skipped[0])
		if !strings.Contains(f.Remedy, tc.want) || strings.Contains(f.Text, f.Remedy) {
			t.Errorf("%s %s: %q, remedy %q; want %q", tc.status, tc.provisioning, f.Text, f.Remedy, tc.want)
		}
	}
}

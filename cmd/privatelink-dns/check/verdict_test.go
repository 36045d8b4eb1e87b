package check

import (
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

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

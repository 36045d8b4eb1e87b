package privatelink

import (
	"fmt"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

// A storage account with DNS zone endpoints has a private endpoint for each of
// its services. In Azure only the name with zNN exists.
func TestDNSZoneEndpoints(t *testing.T) {
	services := []string{"blob", "queue", "file", "table", "dfs", "web"}
	zones := ""
	for _, service := range services {
		zones += " privatelink." + service + ".core.windows.net"
	}
	p := start(t, "privatelink"+zones+" {\nfiles testdata/dns-zone-endpoints.json\n}", nobody(t))
	for i, service := range services {
		record := "lakene01.privatelink." + service + ".core.windows.net."
		address := fmt.Sprintf("A 10.40.0.%d", 10+i)
		if got, want := dnstest.Brief(ask(t, p, query(record, "A"))), "NOERROR aa: "+record+" "+address; got != want {
			t.Errorf("%s = %s; want %s", record, got, want)
		}
		for _, alias := range []string{"lakene01." + service + ".core.windows.net.", "lakene01.z31." + service + ".storage.azure.net."} {
			for qtype, end := range map[string]string{"A": "; " + address, "AAAA": " / " + strings.TrimPrefix(record, "lakene01.") + " SOA"} {
				if got, want := dnstest.Brief(ask(t, p, query(alias, qtype))), "NOERROR: "+alias+" CNAME "+record+end; got != want {
					t.Errorf("%s %s = %s; want %s", alias, qtype, got, want)
				}
			}
		}
	}
}

// If the zone of a service is not served, its endpoint is out of zone, and queries
// for its name are passed on.
func TestDNSZoneEndpointsOfUnlistedZones(t *testing.T) {
	p := start(t, "privatelink {\nfiles testdata/dns-zone-endpoints.json\n}", upstream(parseReply(t, "NOERROR: x. A 192.0.2.1")))
	for _, tc := range []struct{ qname, want string }{
		{"lakene01.z31.blob.storage.azure.net.", "NOERROR: lakene01.z31.blob.storage.azure.net. CNAME lakene01.privatelink.blob.core.windows.net.; A 10.40.0.10"},
		{"lakene01.z31.file.storage.azure.net.", "NOERROR: x. A 192.0.2.1"},
	} {
		if got := dnstest.Brief(ask(t, p, query(tc.qname, "A"))); got != tc.want {
			t.Errorf("%s = %s; want %s", tc.qname, got, tc.want)
		}
	}
}

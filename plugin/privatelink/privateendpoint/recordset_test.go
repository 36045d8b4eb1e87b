package privateendpoint

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recordLines returns a line for each record set of a page.
func recordLines(p Page) (all []string) {
	for _, r := range p.Records {
		all = append(all, strings.TrimSpace(fmt.Sprint(path.Base(r.Zone), " ", r.Type, " ", strings.TrimSuffix(r.FQDN, "."), " ", strings.Join(r.Addresses, " "))))
	}
	return all
}

func TestDecodeRecordSets(t *testing.T) {
	const zone = "privatelink.blob.core.windows.net"
	want := []string{
		zone + " SOA " + zone,
		zone + " A backupwepod01ecs1." + zone + " 10.20.0.6",
		zone + " A two." + zone + " 10.20.0.8 10.20.0.9",
		zone + " A *.lab." + zone + " 10.20.0.10",
		zone + " AAAA two." + zone + " fd00:20::8",
		zone + " CNAME old." + zone,
		zone + " TXT note." + zone,
		zone + " A empty." + zone,
	}
	tests := []struct{ name, file string }{
		{"az network private-dns record-set list", "azcli-list.json"},
		{"Azure CLI before its record sets were generated: nulls", "azcli-old-list.json"},
		{"page of ARM", "arm-list.json"},
		{"Get-AzPrivateDnsRecordSet: no type, no FQDN", "powershell-array.json"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			page, err := Decode(fixture(t, "zones/"+tc.file))
			if got := recordLines(page); err != nil || len(page.Endpoints) > 0 || !slices.Equal(got, want) {
				t.Errorf("Decode(%s) = %q, %v, %v; want %q", tc.file, got, page.Endpoints, err, want)
			}
		})
	}
	if files, _ := filepath.Glob("testdata/zones/*.json"); len(files) != len(tests) {
		t.Errorf("%d fixtures, %d rows; want one row for each", len(files), len(tests))
	}
}

func TestDecodeRecordSet(t *testing.T) {
	const (
		id        = `"id": "/s/providers/Microsoft.Network/privateDnsZones/privatelink.z/`
		typeA     = `"type": "Microsoft.Network/privateDnsZones/A", `
		lower     = `"type": "microsoft.network/privatednszones/a", `
		link      = `{"id": "/s/privateDnsZones/z/virtualNetworkLinks/l", "type": "Microsoft.Network/privateDnsZones/virtualNetworkLinks"}`
		zone      = `{"id": "/s/privateDnsZones/z", "type": "Microsoft.Network/privateDnsZones", "numberOfRecordSets": 3}`
		shortened = "line 1: the resource: a JSON string is not what belongs there " +
			"(PowerShell shortens to strings what lies deeper than ConvertTo-Json -Depth says: use -Depth 10)"
		zones = "private DNS zones without their records: " +
			"export the records of each with az network private-dns record-set list -g GROUP -z ZONE -o json"
	)
	for _, tc := range []struct{ name, in, want string }{
		{"no FQDN", `[{` + typeA + id + `A/x", "aRecords": [{"ipv4Address": "10.0.0.4"}]}]`, "privatelink.z A x.privatelink.z 10.0.0.4"},
		{"name of the zone itself", `[{` + typeA + id + `A/@", "aRecords": [{"ipv4Address": "10.0.0.4"}]}]`, "privatelink.z A privatelink.z 10.0.0.4"},
		{"records as values", `{"data": [{` + lower + id + `a/x", "properties": {"records": [{"value": "10.0.0.4"}]}}]}`, "privatelink.z a x.privatelink.z 10.0.0.4"},
		{"records as objects in values", `{"data": [{` + lower + id + `a/x", "properties": {"records": [{"value": {"ipv4Address": "10.0.0.4"}}]}}]}`, "privatelink.z a x.privatelink.z 10.0.0.4"},
		{"record without an address", `[{` + typeA + id + `A/x", "aRecords": [{}]}]`, "privatelink.z A x.privatelink.z"},
		{"links beside it", `[` + link + `, {` + typeA + id + `A/x", "aRecords": null}]`, "privatelink.z A x.privatelink.z"},
		{"links alone", `[` + link + `]`, errNothing.Error()},
		{"list of zones", "[\n" + zone + "]", "line 2: " + zones},
		{"list of zones, a page of ARM", `{"value": [` + zone + "]}", "line 1: " + zones},
		{"no ID", `[{` + typeA + `"aRecords": []}]`, "line 1: the record set has no id of a private DNS zone: export it without --query"},
		{"ID of a zone", `[{` + typeA + `"id": "/s/privateDnsZones/z"}]`, "line 1: the record set has no id of a private DNS zone: export it without --query"},
		{"addresses an object", `[{` + typeA + id + `A/x", "aRecords": {}}]`, "line 1: ARecords: a JSON object is not what belongs there"},
		{"address a number", `[{` + typeA + id + `A/x", "aRecords": [{"ipv4Address": 4}]}]`, "line 1: ARecords.IPv4Address: a JSON number is not what belongs there"},
		{"record a number", `[{` + typeA + id + `A/x", "records": [4]}]`, "line 1: the resource: a JSON number is not what belongs there"},
		{"records shortened by ConvertTo-Json", `[{` + id + `A/x", "Records": ["Microsoft.Azure.Commands.PrivateDns.Models.ARecord"]}]`, shortened},
		{"names and addresses by a query", `[{"fqdn": "x.privatelink.z", "ips": ["10.0.0.4"]}]`, "line 1: " + errTable.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page, err := Decode([]byte(tc.in))
			got := strings.Join(recordLines(page), ", ") + text(err)
			if got != tc.want || len(page.Endpoints) > 0 {
				t.Errorf("Decode(%s) = %q, %v; want %q", tc.in, got, page.Endpoints, tc.want)
			}
		})
	}
}

package privateendpoint

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// Documents that are small on disk and large in memory are refused early.
func TestDecodeBombs(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"numbers", "[" + strings.Repeat("1,", maxResources) + "1]", "line 1: more than 500000 resources"},
		{"empty objects", "[" + strings.Repeat("{},", maxResources) + "{}]", "line 1: more than 500000 resources"},
		{"one endpoint", `[{"id": "pe", "customDnsConfigs": [` + strings.Repeat("{},", 400_000) + "{}]}]", "line 1: a resource of more than 1048576 bytes"},
	} {
		if _, err := Decode([]byte(tc.in)); err == nil || err.Error() != tc.want {
			t.Errorf("%s: Decode error = %v; want %s", tc.name, err, tc.want)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	const (
		depth = " (PowerShell shortens to strings what lies deeper than ConvertTo-Json -Depth says: use -Depth 10)"
		table = "names and addresses without the state of the connection, which decides whether they are served: " +
			"export whole private endpoints with az network private-endpoint list -o json, without --query"
		state   = `[{"properties": {"privateLinkServiceConnectionState": "@{Status=Approved}"}}]`
		inState = "PrivateLinkServiceConnections.PrivateLinkServiceConnectionState"
		notJSON = "line 1: not JSON; export with -o json"
		use     = "use az network private-endpoint list -o json"
		csv     = " (this is CSV, which has no state of a connection; " + use + ")"
		bicep   = " (this is Bicep, which declares private endpoints and has no addresses; " + use + ")"
		queried = " (a query changed it: export whole private endpoints with az network private-endpoint list -o json, without --query)"
		nothing = "no private endpoint, zone group, network interface or record set of a private DNS zone in it: " +
			"export private endpoints with az network private-endpoint list -o json, without --query"
	)
	// endpoint has its id on line 1 and its property on line 2.
	endpoint := func(property string) string {
		return "{\"id\": \"pe\", \"type\": \"Microsoft.Network/privateEndpoints\", \"properties\": {\n" + property + "}}"
	}
	for _, tc := range []struct{ name, in, want string }{
		{"empty", "", "the document is empty"},
		{"blank lines", " \r\n\t\n", "the document is empty"},
		{"cut after the first brace", "{", "line 1: unexpected end of JSON input"},
		{"cut in a string", "{\n\"val", "line 2: unexpected end of JSON input"},
		{"cut at the end of a line", "{\n\"value\": [\n", "line 2: unexpected end of JSON input"},
		{"cut between resources", "[\n{\"id\": \"pe\", \"customDnsConfigs\": []},\n", "line 2: unexpected end of JSON input"},
		{"cut before the last brace", "{\"value\": [\n{\"id\": \"pe\", \"customDnsConfigs\": []}\n]\n", "line 3: unexpected end of JSON input"},
		{"HTML page", "<!DOCTYPE html>\n<html></html>", "line 1: not JSON; export with -o json (this is HTML or XML)"},
		{"message of a tool", "\nPlease run 'az login' to setup account.\n", "line 2: not JSON; export with -o json (this is an error of the export)"},
		{"YAML", "- id: pe\n", notJSON + " (this is YAML; " + use + ")"},
		{"CSV", "Name,ResourceGroup,IPAddress\npe,rg,10.0.0.4\n", notJSON + csv},
		{"CSV that begins as a literal", "name,ip\nfqdn,10.0.0.4", notJSON + csv},
		{"CSV in quotes", "\"Name\",\"Location\"\r\n", notJSON + csv},
		{"table of az", "\nCustomNetworkInterfaceName    Location    Name\n-----", "line 2: not JSON; export with -o json (this is a table; " + use + ")"},
		{"tab-separated", "pe\trg-net\twesteurope\n", notJSON + " (this is a table; " + use + ")"},
		{"list of PowerShell", "Name : pe\nId   : /subscriptions", "line 1: not JSON; export with -o json"},
		{"Bicep", "resource pe 'Microsoft.Network/privateEndpoints@2023-01-01' = {", notJSON + bicep},
		{"error of az", "ERROR: (AuthorizationFailed) The client does not have authorization", "line 1: not JSON; export with -o json (this is an error of the export)"},
		{"usage of az", "az: error: unrecognized arguments", "line 1: not JSON; export with -o json (this is an error of the export)"},
		{"hosts file", "10.20.0.4 a.blob.core.windows.net\n", "line 1: not JSON; export with -o json (this looks like a hosts file, which belongs to the property hosts)"},
		{"hosts file of IPv6", "fd00::4\ta.blob.core.windows.net\n", "line 1: not JSON; export with -o json (this looks like a hosts file, which belongs to the property hosts)"},
		{"hosts file of the portal", "# Private endpoint\n10.20.0.4 a\n", "line 1: not JSON; export with -o json (this looks like a hosts file, which belongs to the property hosts)"},
		{"names and addresses by a query", `[{"FQDN": "a.blob.core.windows.net", "IPAddress": "10.20.0.4"}]`, "line 1: " + table},
		{"the same of Resource Graph", `{"data": [{"dnsName": "a", "privateIp": "10.20.0.4"}], "count": 1}`, "line 1: " + table},
		{"rows with a state by a query", `[{"fqdn": "a.blob.core.windows.net", "ip": "10.20.0.4", "status": "Approved"}]`, "line 1: " + errRows.Error()},
		{"names alone by a query", `[{"fqdn": "a.blob.core.windows.net"}]`, nothing},
		{"subnet as text by a query", `[{"id": "pe", "customDnsConfigs": [], "subnet": "/subscriptions/x"}]`,
			"line 1: Subnet: a JSON string is not what belongs there" + queried},
		{"line end in a string", "{\n\"id\": \"p\n\"}", "line 2: invalid character '\\n' in string literal"},
		{"line end in a word", "{\n\"id\": tru\r\n}", "line 2: invalid character '\\r' in literal true (expecting 'e')"},
		{"comma too many", "[\r\n{},\r\n]\r\n", "line 3: invalid character ']' looking for beginning of value"},
		{"quoted as Python does", "{\n'id': 'pe'}", "line 2: invalid character '\\'' looking for beginning of object key string"},
		{"two empty objects", "{}\n{}\n", nothing},
		{"invalid UTF-8 outside a string", "[\n\xff]", "line 2: invalid character 'ÿ' looking for beginning of value"},
		{"UTF-16 without a byte order mark", "[\x00]\x00", "line 1: invalid character '\\x00' looking for beginning of value"},
		{"nested too deeply", strings.Repeat("[", 20_000), "line 1: invalid character '[' exceeded max depth"},
		{"number", "\n 42 \n", "line 2: 42 where an object or an array is expected"},
		{"huge number", "1e999999", "line 1: 1e999999 where an object or an array is expected"},
		{"string", `"pe"`, `line 1: "pe" where an object or an array is expected`},
		{"long string", `"` + strings.Repeat("a", 100) + `"`, `line 1: "` + strings.Repeat("a", 39) + ` where an object or an array is expected`},
		{"null", "null", "line 1: null where an object or an array is expected"},
		{"true", "true", "line 1: true where an object or an array is expected"},
		{"array of numbers", "[\n\n1]", "line 3: the resource: a JSON number is not what belongs there"},
		{"array of arrays", "[[\n]]", "line 1: the resource: a JSON array is not what belongs there" + queried},
		{"array of strings from ConvertTo-Json", `["@{Name=pe}"]`, "line 1: the resource: a JSON string is not what belongs there" + depth},
		{"empty object", "{}", nothing},
		{"array of null", "[null]", nothing},
		{"page without a list", `{"value": null}`, nothing},
		{"error of ARM", `{"error": {"code": "AuthorizationFailed", "message": "The client does not have authorization."}}`, nothing},
		{"resources of another type only", `{"value": [{"id": "/vnet", "type": "Microsoft.Network/virtualNetworks"}]}`, nothing},
		{"type a number", `[{"type": 5}]`, "line 1: Type: a JSON number is not what belongs there"},
		{"id a number", "[\n{\"id\": 5, \"customDnsConfigs\": []}]", "line 2: ID: a JSON number is not what belongs there"},
		{"id missing", "[\n{\"customDnsConfigs\": []}]", "line 2: the resource has no id"},
		{"id of a zone group missing", `{"name": "default", "privateDnsZoneConfigs": []}`, "line 1: the resource has no id"},
		{"properties a string", `{"id": "pe", "type": "Microsoft.Network/privateEndpoints", "properties": "@{}"}`, "line 1: the resource: a JSON string is not what belongs there" + depth},
		{"fqdn a number", endpoint(`"customDnsConfigs": [{"fqdn": 4}]`), "line 1: CustomDNSConfigs.FQDN: a JSON number is not what belongs there"},
		{"fqdn a huge number", endpoint(`"customDnsConfigs": [{"fqdn": 1e999999}]`), "line 1: CustomDNSConfigs.FQDN: a JSON number is not what belongs there"},
		{"ipAddresses an object", endpoint(`"customDnsConfigs": [{"fqdn": "a", "ipAddresses": {}}]`), "line 1: CustomDNSConfigs.IPAddresses: a JSON object is not what belongs there"},
		{"address a number", endpoint(`"customDnsConfigs": [{"fqdn": "a", "ipAddresses": [10]}]`), "line 1: CustomDNSConfigs.IPAddresses: a JSON number is not what belongs there"},
		{"customDnsConfigs an object", endpoint(`"customDnsConfigs": {"fqdn": "a"}`), "line 1: CustomDNSConfigs: a JSON object is not what belongs there"},
		{"customDnsConfigs strings from ConvertTo-Json", endpoint(`"customDnsConfigs": ["@{Fqdn=a; IpAddresses=10.0.0.4}"]`), "line 1: CustomDNSConfigs: a JSON string is not what belongs there" + depth},
		{"connections a bool", endpoint(`"privateLinkServiceConnections": true`), "line 1: PrivateLinkServiceConnections: a JSON bool is not what belongs there"},
		{"state of the connection a string from ConvertTo-Json", endpoint(`"privateLinkServiceConnections": ` + state), "line 1: " + inState + ": a JSON string is not what belongs there" + depth},
		{"provisioningState an array", endpoint(`"provisioningState": []`), "line 1: ProvisioningState: a JSON array is not what belongs there"},
		{"record sets an object", "[\n{\"id\": \"pe/privateDnsZoneGroups/g\", \"privateDnsZoneConfigs\": [{\"recordSets\": {}}]}]",
			"line 2: PrivateDNSZoneConfigs.RecordSets: a JSON object is not what belongs there"},
		{"address of an interface a number", `{"privateEndpoint": {"id": "pe"}, "ipConfigurations": [{"privateIPAddress": 10}]}`,
			"line 1: IPConfigurations.PrivateIPAddress: a JSON number is not what belongs there"},
		{"one broken resource among good ones", "[\n" + endpoint(`"customDnsConfigs": []`) + ",\n" + endpoint(`"customDnsConfigs": [1]`) + "\n]",
			"line 4: CustomDNSConfigs: a JSON number is not what belongs there"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page, err := Decode([]byte(tc.in))
			if text(err) != tc.want || page.Endpoints != nil || page.Next != "" {
				t.Errorf("Decode(%.200q) = %+v, %q; want nothing, %q", tc.in, page, text(err), tc.want)
			}
		})
	}
}

// TestDecodeCut cuts a document after each of its bytes: half a listing is no
// listing, wherever it ends.
func TestDecodeCut(t *testing.T) {
	data := bytes.TrimSpace(fixture(t, "zonegroups-arm.json"))
	for n := 1; n < len(data); n++ {
		want := fmt.Sprintf("line %d: ", 1+bytes.Count(data[:n-1], []byte("\n")))
		if page, err := Decode(data[:n]); !strings.HasPrefix(text(err), want) || page.Endpoints != nil {
			t.Fatalf("Decode(the first %d bytes) = %+v, %q; want nothing, %q…", n, page, text(err), want)
		}
	}
}

package privateendpoint

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// The fixtures are one estate in every shape: a vault's endpoint with the names
// of its service and of its storage accounts, one whose names are only in its
// zone group and its network interface, one that the owner of a storage account
// rejected, and one that is being made.
var (
	vault = []string{
		"pe-vault-we connected Approved Succeeded rsv-backup-we",
		"pe-vault-we 4728190365512870934-ab-pod01-rec2.privatelink.we.backup.windowsazure.com 10.20.0.4",
		"pe-vault-we 4728190365512870934-ab-pod01-id1.privatelink.we.backup.windowsazure.com 10.20.0.5",
		"pe-vault-we backupwepod01ecs1.blob.core.windows.net 10.20.0.6",
		"pe-vault-we backupwepod01ecs1.queue.core.windows.net 10.20.0.7",
		"pe-vault-we backupwepod01prot1.z12.blob.storage.azure.net 10.20.0.8",
	}
	estate = slices.Concat(vault, []string{
		"pe-blob connected Approved Succeeded stbackupwe",
		"pe-queue-rejected connected Rejected Succeeded stpartner",
		"pe-blob-new connected Approved Updating stnew",
	})
	zoneGroups = []string{
		"pe-blob part Succeeded",
		"pe-blob stbackupwe.privatelink.blob.core.windows.net 10.20.0.9",
	}
	interfaces = slices.Concat([]string{"pe-vault-we part Succeeded"}, vault[1:], []string{
		"pe-blob part Succeeded",
		"pe-blob stbackupwe.blob.core.windows.net 10.20.0.9",
		"pe-queue-rejected part Succeeded",
	})
)

// lines returns a line for each endpoint of a page and for each name.
func lines(p Page) (all []string) {
	const group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg-backup/providers/microsoft.network/privateendpoints/"
	for _, e := range p.Endpoints {
		id, kind := strings.TrimPrefix(casefold.Lower(e.ID), group), "part"
		if e.Connected {
			kind = "connected"
		}
		all = append(all, strings.Join(strings.Fields(id+" "+kind+" "+e.Status+" "+e.Provisioning+" "+strings.Trim(path.Base("/"+e.Target), "/")), " "))
		for _, c := range e.DNS {
			all = append(all, fmt.Sprint(id, " ", c.FQDN, " ", strings.Join(c.Addresses, " ")))
		}
	}
	return all
}

func TestDecodeFixtures(t *testing.T) {
	tests := []struct {
		name, file string
		want       []string
	}{
		{"page of ARM", "arm-list.json", estate},
		{"one resource of ARM", "arm-object.json", vault},
		{"list of ARM without its page", "arm-array.json", estate},
		{"az network private-endpoint list", "azcli-list.json", estate},
		{"az network private-endpoint show", "azcli-show.json", vault},
		{"Azure CLI before 2.41: nulls, privateIpAddress", "azcli-old-list.json", estate},
		{"az graph query: types in lower case, another case of the IDs", "resource-graph.json", estate},
		{"Get-AzPrivateEndpoint: Pascal case, properties flattened", "powershell-array.json", estate},
		{"Get-AzPrivateEndpoint, wrapped as an object", "powershell-value.json", estate},
		{"zone groups of ARM", "zonegroups-arm.json", zoneGroups},
		{"az network private-endpoint dns-zone-group list: no type", "zonegroups-azcli.json", zoneGroups},
		{"network interfaces of ARM, one of a virtual machine", "nics-arm.json", interfaces},
		{"network interfaces of Resource Graph: managedBy is empty", "nics-resource-graph.json", interfaces},
		{"network interfaces of Azure CLI before 2.41", "nics-azcli-old.json", interfaces},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			page, err := Decode(fixture(t, tc.file))
			if got := lines(page); err != nil || page.Next != "" || !slices.Equal(got, tc.want) {
				t.Errorf("Decode(%s) = %q, %q, %v; want %q", tc.file, got, page.Next, err, tc.want)
			}
		})
	}
	if files, _ := filepath.Glob("testdata/*.json"); len(files) != len(tests) {
		t.Errorf("%d fixtures, %d rows; want one row for each", len(files), len(tests))
	}
}

func TestDecodeTolerates(t *testing.T) {
	const (
		e         = `{"id": "pe", "customDnsConfigs": `
		columnsPE = `"id": "pe", "type": "microsoft.network/privateendpoints", "subnet": "text", "customDnsConfigs": "a, b", ` +
			`"ipConfigurations": ["x", {"privateIPAddress": 7}], "privateLinkServiceConnections": {"status": "Pending"}, "provisioningState": 5`
		properties = `{"provisioningState": "Succeeded", "customDnsConfigs": [{"fqdn": "a", "ipAddresses": ["10.0.0.4"]}]}`
		approved   = `{"privateLinkServiceConnectionState": {"status": "Approved"}}`
		staticIP   = `"privateEndpoint": {"id": "x"}, "ipConfigurations": [{"privateIPAddress": "10.0.0.4"}]`
		nicType    = `"type": "Microsoft.Network/networkInterfaces"`
		columnsNIC = `"id": "nic", "type": "microsoft.network/networkinterfaces", "privateEndpoint": "text"`
		namedA     = `{"privateIPAddress": "10.0.0.4", "privateLinkConnectionProperties": {"fqdns": ["a"]}}`
		namedAB    = `{"PrivateIpAddress": "10.0.0.4", "PrivateLinkConnectionProperties": {"Fqdns": ["a", "b"]}}`
	)
	for _, tc := range []struct{ name, in, want string }{
		{"empty array", `[]`, ``},
		{"empty page", `{"value": [], "nextLink": null}`, ``},
		{"empty result of Resource Graph", `{"count": 0, "data": [], "skip_token": null, "total_records": 0}`, ``},
		{"list after other keys", `{"Count": 1, "value": [{"id": "pe", "customDnsConfigs": []}]}`, `pe connected`},
		{"keys in upper case", `{"ID": "pe", "CUSTOMDNSCONFIGS": [{"FQDN": "a", "IPADDRESSES": ["10.0.0.4"]}]}`, `pe connected, pe a 10.0.0.4`},
		{"type in another case", `{"id": "pe", "type": "MICROSOFT.NETWORK/PRIVATEENDPOINTS"}`, `pe connected`},
		{"name in place of the ID", `{"name": "pe", "customDnsConfigs": []}`, `pe connected`},
		{"known by its manual connections alone", `{"id": "pe", "manualPrivateLinkServiceConnections": []}`, `pe connected`},
		{"known by its connections alone", `{"id": "pe", "privateLinkServiceConnections": []}`, `pe connected`},
		{"properties null", `{"id": "pe", "customDnsConfigs": [], "properties": null}`, `pe connected`},
		{"keys partly in properties", `{"id": "pe", "provisioningState": "Succeeded", "properties": {"customDnsConfigs": [{"fqdn": "a"}]}}`, `pe connected Succeeded, pe a `},
		{"columns beside the resource", `{"data": [{` + columnsPE + `, "properties": ` + properties + `}]}`, `pe connected Succeeded, pe a 10.0.0.4`},
		{"columns beside a connection", `{"id": "pe", "privateLinkServiceConnections": [{"privateLinkServiceConnectionState": "text", "properties": ` + approved + `}]}`, `pe connected Approved`},
		{"columns beside an interface", `{` + columnsNIC + `, "properties": {"privateEndpoint": {"id": "pe"}, "ipConfigurations": [{"properties": ` + namedA + `}]}}`, `pe part, pe a 10.0.0.4`},
		{"connection null", `{"id": "pe", "privateLinkServiceConnections": [null]}`, `pe connected`},
		{"state of the connection null", `{"id": "pe", "privateLinkServiceConnections": [{"privateLinkServiceConnectionState": null}]}`, `pe connected`},
		{"DNS configuration null", e + `null, "type": "Microsoft.Network/privateEndpoints"}`, `pe connected`},
		{"name and addresses null", e + `[{"fqdn": null, "ipAddresses": null}]}`, `pe connected, pe  `},
		{"one name, several addresses", e + `[{"fqdn": "a", "ipAddresses": ["10.0.0.4", "fd00::4"]}]}`, `pe connected, pe a 10.0.0.4 fd00::4`},
		{"addresses shortened to a string by ConvertTo-Json", e + `[{"Fqdn": "a", "IpAddresses": "10.0.0.4 10.0.0.5"}]}`, `pe connected, pe a 10.0.0.4 10.0.0.5`},
		{"key twice: the last counts, nothing of the first stays", e + `[{"fqdn": "a", "ipAddresses": ["10.0.0.4"]}], "customDnsConfigs": [{"fqdn": "b"}]}`, `pe connected, pe b `},
		{"key inside and outside of properties: as if twice", e + `[{"fqdn": "a", "ipAddresses": ["10.0.0.4"]}], "properties": {"customDnsConfigs": [{"fqdn": "b"}]}}`, `pe connected, pe b `},
		{"value that is no list belongs to the resource", `{"id": "pe", "value": {}, "customDnsConfigs": []}`, `pe connected`},
		{"huge numbers under unknown keys", `{"id": "pe", "customDnsConfigs": [], "n": 1e999999, "m": ` + strings.Repeat("9", 400) + `}`, `pe connected`},
		{"invalid UTF-8 is replaced", "{\"id\": \"pe\", \"customDnsConfigs\": [{\"fqdn\": \"a\xff\"}]}", "pe connected, pe a\ufffd "},
		{"escapes", `{"\u0069d": "p\u0065", "customDnsConfigs": [{"fqdn": "\u0061\n"}]}`, "pe connected, pe a\n "},
		{"other types are passed over", `[{"id": "vnet", "type": "Microsoft.Network/virtualNetworks"}, {"id": "pe", "customDnsConfigs": []}, null, {}]`, `pe connected`},
		{"zone group of PowerShell", `{"Id": "pe/PrivateDnsZoneGroups/g", "PrivateDnsZoneConfigs": [{"RecordSets": [{"Fqdn": "a", "IpAddresses": ["10.0.0.4"]}]}]}`, `pe part, pe a 10.0.0.4`},
		{"zone group without records", `{"id": "pe/privateDnsZoneGroups/g", "privateDnsZoneConfigs": [{"recordSets": []}, {"recordSets": null}, null]}`, `pe part`},
		{"interface of PowerShell", `{"Id": "nic", "PrivateEndpoint": {"Id": "pe"}, "IpConfigurations": [` + namedAB + `]}`, `pe part, pe a 10.0.0.4, pe b 10.0.0.4`},
		{"interface known by managedBy", `{` + nicType + `, "managedBy": "/privateEndpoints/pe"}`, `/privateendpoints/pe part`},
		{"interface known by managedBy, behind a letter that has another length in lower case", `{` + nicType + `, "managedBy": "/KȺ/PrivateEndpoints/pe"}`, "/Kⱥ/privateendpoints/pe part"},
		{"zone group behind letters that grow in lower case", `{"id": "ȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺ/PrivateDnsZoneGroups/g", "privateDnsZoneConfigs": []}`, strings.Repeat("ⱥ", 30) + " part"},
		{"type with a Kelvin sign is another type", `[{"id": "x", "type": "Microsoft.NetworK/privateEndpoints", "customDnsConfigs": []}, {"id": "pe", "customDnsConfigs": []}]`, `pe connected`},
		{"interface that something else manages", `{` + nicType + `, "managedBy": "/virtualMachines/vm"}`, ``},
		{"static addresses do not make an endpoint an interface", `{"id": "pe", "type": "Microsoft.Network/privateEndpoints", ` + staticIP + `}`, `pe connected`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page, err := Decode([]byte(tc.in))
			if got := strings.Join(lines(page), ", "); err != nil || got != tc.want {
				t.Errorf("Decode(%s) = %q, %v; want %q", tc.in, got, err, tc.want)
			}
		})
	}
}

func TestDecodeStatus(t *testing.T) {
	state := func(s string) string { return `[{"privateLinkServiceConnectionState": {"status": "` + s + `"}}]` }
	for _, tc := range []struct{ name, connections, manual, want string }{
		{"connection", state("Approved"), `[]`, "Approved"},
		{"manual connection", `[]`, state("Pending"), "Pending"},
		{"the other list null", `null`, state("Rejected"), "Rejected"},
		{"no connection", `[]`, `[]`, ""},
		{"a state nobody knows", state("Sleeping"), `[]`, "Sleeping"},
		{"description is not the state", `[{"privateLinkServiceConnectionState": {"description": "Approved"}}]`, `[]`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := `{"id": "pe", "privateLinkServiceConnections": ` + tc.connections + `, "manualPrivateLinkServiceConnections": ` + tc.manual + `}`
			page, err := Decode([]byte(in))
			if err != nil || len(page.Endpoints) != 1 || page.Endpoints[0].Status != tc.want {
				t.Errorf("Decode(%s) = %+v, %v; want status %q", in, page, err, tc.want)
			}
		})
	}
}

func TestDecodeNext(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"last page", `{"value": []}`, ""},
		{"null", `{"value": [], "nextLink": null}`, ""},
		{"link before the list", `{"nextLink": "https://arm.example/?$skipToken=a%2Fb", "value": []}`, "https://arm.example/?$skipToken=a%2Fb"},
		{"link after the list", `{"value": [], "nextLink": "n"}`, "n"},
		{"token of az graph query", `{"data": [], "skip_token": "t"}`, "t"},
		{"token of the Resource Graph API", `{"data": [], "$skipToken": "t"}`, "t"},
		{"token of Search-AzGraph", `{"SkipToken": "t", "Data": []}`, "t"},
		{"empty", `{"value": [], "nextLink": ""}`, ""},
		{"null beside a token", `{"data": [], "nextLink": null, "skip_token": "t"}`, "t"},
		{"total of all pages", `{"data": [], "total_records": 9, "skip_token": "t"}`, "t"},
		{"keys without a value", `{"value": [], "@odata.nextLink": null, "next": "", "error": null, "resultTruncated": "false", "totalRecords": 0}`, ""},
		{"key of a resource", `{"id": "pe", "customDnsConfigs": [], "nextLink": "n"}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page, err := Decode([]byte(tc.in))
			if err != nil || page.Next != tc.want {
				t.Errorf("Decode(%s) = next %q, %v; want %q", tc.in, page.Next, err, tc.want)
			}
		})
	}
}

func TestDecodeLines(t *testing.T) {
	const e = `{"id": "pe", "customDnsConfigs": []}`
	for _, tc := range []struct {
		name, in string
		want     []int
	}{
		{"one line", `[` + e + `,` + e + `]`, []int{1, 1}},
		{"object after blank lines", "\n\n" + e, []int{3}},
		{"each on its own line", "[\n" + e + ",\n" + e + "\n]\n", []int{2, 3}},
		{"comma at the front", "[\n" + e + "\n\n," + e + "]", []int{2, 4}},
		{"several lines each", "[{\n\"id\": \"pe\",\n\"customDnsConfigs\": []},\n{}, {\n\"id\": \"pe\", \"customDnsConfigs\": []}]", []int{1, 4}},
		{"page", "{\n\"count\": {\n\"x\": [\n]},\n\"value\":\n[\n" + e + "],\n\"data2\": []\n}", []int{7}},
		{"page of ARM", string(fixture(t, "arm-list.json")), []int{3, 40, 71, 102}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, in := range []string{tc.in, strings.ReplaceAll(tc.in, "\n", "\r\n")} {
				page, err := Decode([]byte(in))
				var got []int
				for _, e := range page.Endpoints {
					got = append(got, e.Line)
				}
				if err != nil || !slices.Equal(got, tc.want) {
					t.Errorf("Decode(%.200q) = lines %v, %v; want %v", in, got, err, tc.want)
				}
			}
		})
	}
}

// TestDecodeDeepInAList asks for the line where the resource in error begins.
func TestDecodeDeepInAList(t *testing.T) {
	good := bytes.Repeat([]byte("{\"id\": \"pe\",\r\n\"customDnsConfigs\": []},\r\n"), 10_000)
	in := slices.Concat([]byte("{\"value\": [\r\n"), good, []byte("{\"id\": 7,\r\n\"customDnsConfigs\": []}]}"))
	const want = "line 20002: ID: a JSON number is not what belongs there"
	if page, err := Decode(in); text(err) != want || page.Endpoints != nil {
		t.Errorf("Decode(10,000 endpoints and a broken one) = %d endpoints, %q; want none, %q", len(page.Endpoints), text(err), want)
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

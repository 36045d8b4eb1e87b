package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// endpoint returns a private endpoint of an export, with its properties flattened.
func endpoint(id, status, provisioning string, configs ...string) string {
	connection := fmt.Sprintf(`{"privateLinkServiceConnectionState": {"status": %q}}`, status)
	return fmt.Sprintf(`{"id": %q, "provisioningState": %q, "privateLinkServiceConnections": [%s], "customDnsConfigs": [%s]}`,
		id, provisioning, connection, strings.Join(configs, ", "))
}

func approved(id string, configs ...string) string {
	return endpoint(id, "Approved", "Succeeded", configs...)
}

func zoneGroup(id string, configs ...string) string {
	return fmt.Sprintf(`{"id": "%s/privateDnsZoneGroups/default", "privateDnsZoneConfigs": [{"recordSets": [%s]}]}`, id, strings.Join(configs, ", "))
}

func nic(id, address, fqdn string) string {
	properties := fmt.Sprintf(`{"fqdns": [%q]}`, fqdn)
	return fmt.Sprintf(`{"privateEndpoint": {"id": %q}, "ipConfigurations": [{"privateIPAddress": %q, "privateLinkConnectionProperties": %s}]}`,
		id, address, properties)
}

func config(fqdn string, addresses ...string) string {
	return fmt.Sprintf(`{"fqdn": %q, "ipAddresses": ["%s"]}`, fqdn, strings.Join(addresses, `", "`))
}

func TestFiles(t *testing.T) {
	const (
		only         = ", only Approved endpoints are served"
		noDNS        = noDNSConfig
		aAndB        = goodA + "; b.example. 10.20.0.5 (pe)"
		newInterface = `{"type": "Microsoft.Network/networkInterfaces", "privateEndpoint": {"id": "pe"}, "ipConfigurations": null}`
		gone         = only + ": it cannot be approved any more, delete the private endpoint and create it again"
		failed       = "it has no DNS configuration, its provisioning state is "
		remedy       = ": check the failed deployment, delete the private endpoint and create it again"
		waiting      = "it has no DNS configuration yet, its provisioning state is "
	)
	a, b := config("a.example", "10.20.0.4"), config("b.example", "10.20.0.5")
	interfaceA, long := nic("pe", "10.20.0.4", "a.example"), strings.Repeat("a", 300)
	bad := func(addresses ...string) []string { return []string{approved("pe", config("a.example", addresses...))} }
	for _, tc := range []struct {
		name  string
		files []string
		want  string
	}{
		{"approved", []string{approved("pe", a, b)}, aAndB},
		{"approved, in another case", []string{endpoint("pe", "APPROVED", "succeeded", a)}, goodA},
		{"approved with names while it is updated", []string{endpoint("pe", "Approved", "Updating", a)}, goodA},
		{"pending", []string{endpoint("pe", "Pending", "Succeeded", a)}, "not_approved pe: its connection is Pending" + only},
		{"rejected", []string{endpoint("pe", "Rejected", "Succeeded", a)}, "not_approved pe: its connection is Rejected" + gone},
		{"disconnected", []string{endpoint("pe", "Disconnected", "Succeeded", a)}, "not_approved pe: its connection is Disconnected" + gone},
		{"unknown state", []string{endpoint("pe", "Approved?", "Succeeded", a)}, "not_approved pe: its connection is Approved?" + only},
		{"state of 5,000 characters", []string{endpoint("pe", strings.Repeat("x", 5000), "Succeeded", a)}, "not_approved pe: its connection is " + strings.Repeat("x", 40) + only},
		{"state missing", []string{endpoint("pe", "", "Succeeded", a)}, "not_approved pe: the state of its connection is missing" + only},
		{"connection missing", []string{`{"id": "pe", "customDnsConfigs": [` + a + `]}`}, "not_approved pe: the state of its connection is missing" + only},
		{"rejected, while it is created", []string{endpoint("pe", "Rejected", "Updating")}, "not_approved pe: its connection is Rejected" + gone},
		{"being created", []string{endpoint("pe", "Approved", "Updating")}, "provisioning pe: " + waiting + "Updating"},
		{"failed", []string{endpoint("pe", "Approved", "Failed")}, "provisioning pe: " + failed + "Failed" + remedy},
		{"canceled", []string{endpoint("pe", "Approved", "CANCELED")}, "provisioning pe: " + failed + "CANCELED" + remedy},
		{"being deleted", []string{endpoint("pe", "Approved", "Deleting")}, "provisioning pe: " + failed + "Deleting: nothing to do, it is being deleted"},
		{"failed with names", []string{endpoint("pe", "Approved", "Failed", a)}, goodA},
		{"rejected and failed", []string{endpoint("pe", "rejected", "Failed")}, "not_approved pe: its connection is rejected" + gone},
		{"no names", []string{approved("pe")}, "no_dns_configuration pe: " + noDNS},
		{"no names, provisioning state missing", []string{endpoint("pe", "Approved", "")}, "no_dns_configuration pe: " + noDNS},
		{"names without addresses", []string{approved("pe", `{"fqdn": "a.example", "ipAddresses": []}`)}, "no_dns_configuration pe: " + noDNS},
		{"one skipped, one served", []string{"[" + endpoint("new", "Approved", "Updating") + "," + approved("pe", a) + "]"}, "a.example. 10.20.0.4 (pe); provisioning new: " + waiting + "Updating"},

		{"names in the zone group's file", []string{approved("pe"), zoneGroup("pe", a)}, goodA},
		{"names in the interface's file", []string{approved("pe"), interfaceA}, goodA},
		{"all three", []string{approved("pe", a), zoneGroup("pe", b), nic("pe", "10.20.0.6", "a.example")}, aAndB + "; a.example. 10.20.0.6 (pe)"},
		{"IDs differ in case, the first one is shown", []string{approved("/Sub/PE", a), zoneGroup("/sub/pe", b)}, "a.example. 10.20.0.4 (/Sub/PE); b.example. 10.20.0.5 (/Sub/PE)"},
		{"a resource group with a Kelvin sign is a different one", []string{approved("/rg/K/pe", a), approved("/rg/\u212A/pe", b)}, "a.example. 10.20.0.4 (/rg/K/pe); b.example. 10.20.0.5 (/rg/K/pe)"},
		{"endpoint after its interface and its zone group", []string{interfaceA, zoneGroup("pe", b), approved("pe")}, aAndB},
		{"rejected: its zone group and interface are not served", []string{interfaceA, zoneGroup("pe", b), endpoint("pe", "Rejected", "Succeeded")}, "not_approved pe: its connection is Rejected" + gone},
		{"being created, and its interface has no name yet", []string{endpoint("pe", "Approved", "Updating"), newInterface}, "provisioning pe: " + waiting + "Updating"},
		{"zone group alone", []string{zoneGroup("pe", a)}, goodA},
		{"interface alone", []string{interfaceA}, goodA},
		{"two endpoints for one name", []string{approved("pe1", a), approved("pe2", a)}, "a.example. 10.20.0.4 (pe1); a.example. 10.20.0.4 (pe2)"},
		{"endpoint in two exports: its state is that in the later file", []string{approved("pe", a), endpoint("pe", "Disconnected", "Succeeded")}, "not_approved pe: its connection is Disconnected" + gone},
		{"empty listing", []string{`{"value": []}`}, ""},

		{"IPv6", bad("fd00::4"), "a.example. fd00::4 (pe)"},
		{"IPv4 mapped into IPv6", bad("::ffff:10.20.0.4"), goodA},
		{"duplicate addresses remain", bad("10.20.0.4", "10.20.0.4"), "a.example. 10.20.0.4 10.20.0.4 (pe)"},
		{"bad address beside a good one", bad("10.20.0.x", "10.20.0.4"), `a.example. 10.20.0.4 (pe); bad_address pe: a.example: "10.20.0.x" is not an IP address`},
		{"bad address alone", bad("10.20.0.x"), `bad_address pe: a.example: "10.20.0.x" is not an IP address`},
		{"address null", []string{approved("pe", `{"fqdn": "a.example", "ipAddresses": [null]}`)}, `bad_address pe: a.example: "" is not an IP address`},
		{"unspecified address", bad("0.0.0.0"), `bad_address pe: a.example: "0.0.0.0" is not the address of a host`},
		{"multicast", bad("224.0.0.1", "ff02::1"), `bad_address pe: a.example: "224.0.0.1" is not the address of a host; bad_address pe: a.example: "ff02::1" is not the address of a host`},
		{"bad name beside a good one", []string{approved("pe", config("a*.a", "10.20.0.4"), b)}, `b.example. 10.20.0.5 (pe); bad_name pe: "a*.a": '*' is allowed only as the whole first label`},
		{"name missing", []string{approved("pe", `{"ipAddresses": ["10.20.0.4"]}`)}, "bad_name pe: the domain name is empty"},
		{"name of 300 characters", []string{approved("pe", config(long, "10.20.0.4"))}, `bad_name pe: "` + long[:80] + `"…: a domain name has at most 253 characters, this one has 300`},
		{"invalid UTF-8 in a name", []string{approved("pe", `{"fqdn": "`+"\xff"+`a", "ipAddresses": ["10.20.0.4"]}`)}, `bad_name pe: "�a": '�' is not allowed in a domain name`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFolder(t)
			for i, content := range tc.files {
				f.write(fmt.Sprintf("%d.json", i), content)
			}
			src := NewFiles([]string{f.at("*.json")}, nil, 0)
			f.same(src, f.fetch(src, tc.want, ""), "")
		})
	}
}

// TestFilesFixtures reads the fixtures of package export, which have the same
// endpoints in every form.
func TestFilesFixtures(t *testing.T) {
	const (
		pattern  = "../privateendpoint/testdata/*.json"
		group    = "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg-backup/providers/microsoft.network/privateendpoints/"
		rejected = "not_approved pe-queue-rejected: its connection is Rejected, only Approved endpoints are served: " +
			"it cannot be approved any more, delete the private endpoint and create it again"
		updating = "provisioning pe-blob-new: it has no DNS configuration yet, its provisioning state is Updating"
		noDNS    = "no_dns_configuration pe-blob: " + noDNSConfig
	)
	served := []string{
		"4728190365512870934-ab-pod01-id1.privatelink.we.backup.windowsazure.com. 10.20.0.5 (pe-vault-we)",
		"4728190365512870934-ab-pod01-rec2.privatelink.we.backup.windowsazure.com. 10.20.0.4 (pe-vault-we)",
		"backupwepod01ecs1.blob.core.windows.net. 10.20.0.6 (pe-vault-we)",
		"backupwepod01ecs1.queue.core.windows.net. 10.20.0.7 (pe-vault-we)",
		"backupwepod01prot1.z12.blob.storage.azure.net. 10.20.0.8 (pe-vault-we)",
		"stbackupwe.blob.core.windows.net. 10.20.0.9 (pe-blob)",
		"stbackupwe.privatelink.blob.core.windows.net. 10.20.0.9 (pe-blob)",
	}
	list := func(patterns ...string) []string {
		t.Helper()
		list, err := NewFiles(patterns, nil, 0).Fetch(t.Context())
		if err != nil || !list.Complete {
			t.Errorf("Fetch() of %q = complete %v, %v; want all of it", patterns, list.Complete, err)
		}
		for i := range list.Entries {
			list.Entries[i].Endpoint = IDOf(strings.TrimPrefix(strings.ToLower(list.Entries[i].Endpoint.String()), group))
		}
		for i := range list.Skipped {
			list.Skipped[i].Endpoint = strings.TrimPrefix(strings.ToLower(list.Skipped[i].Endpoint), group)
		}
		if len(list.Conflicts) > 0 { // the shapes agree
			t.Errorf("Fetch() of %q has the conflicts %v", patterns, list.Conflicts)
		}
		all := strings.Split(show(list), "; ")
		slices.Sort(all)
		return slices.Compact(all)
	}
	files, _ := filepath.Glob(pattern)
	for name, got := range map[string][]string{"one pattern": list(pattern), "many": list(files...)} {
		want := slices.Sorted(slices.Values(append(slices.Clone(served), rejected, updating)))
		if !slices.Equal(got, want) {
			t.Errorf("all fixtures by %s = %q; want %q", name, got, want)
		}
	}
	for _, file := range files {
		got := list(file)
		for _, line := range got {
			if !slices.Contains(append(served, rejected, updating, noDNS), line) {
				t.Errorf("%s = %q; want only lines of the fixtures", file, line)
			}
		}
		if len(got) == 0 || got[0] == "" {
			t.Errorf("%s has no endpoint", file)
		}
	}
}

// An export of interfaces alone is served. A listing of Azure must have the
// endpoint, because only the endpoint has the state of the connection.
func TestUniteListed(t *testing.T) {
	const missing = "not_approved pe: " + notListed
	const a = goodA
	for _, tc := range []struct {
		name      string
		resources []string
		files     string
		listed    string
	}{
		{"interface alone", []string{nic("pe", "10.20.0.4", "a.example")}, a, missing},
		{"zone group alone", []string{zoneGroup("pe", config("a.example", "10.20.0.4"))}, a, missing},
		{"both without the endpoint", []string{nic("pe", "10.20.0.4", "a.example"), zoneGroup("pe", config("a.example", "10.20.0.4"))}, a + "; " + a, missing},
		{"interface and endpoint", []string{approved("pe"), nic("pe", "10.20.0.4", "a.example")}, a, a},
		{"interface before its endpoint, in another case", []string{nic("pe", "10.20.0.4", "a.example"), approved("PE")}, a, a},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var pages [][]privateendpoint.Endpoint
			for _, text := range tc.resources {
				page, err := privateendpoint.Decode([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				pages = append(pages, page.Endpoints)
			}
			show := func(l *List) string { l.Complete = true; return show(l) }
			if got := show(Unite(pages, nil)); got != tc.files {
				t.Errorf("Unite = %q; want %q", got, tc.files)
			}
			if got := show(UniteListed(pages, nil)); got != tc.listed {
				t.Errorf("UniteListed = %q; want %q", got, tc.listed)
			}
			if got := show(UniteListed(pages, []string{"vnet-other"})); !strings.HasPrefix(got, "other_vnet ") {
				t.Errorf("UniteListed of another network = %q; want other_vnet", got)
			}
		})
	}
}

package source

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

const zoneID = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.z"

// recordSet returns a record set of the zone privatelink.z, as az prints it.
func recordSet(recordType, name string, addresses ...string) string {
	var all []string
	for _, a := range addresses {
		all = append(all, fmt.Sprintf(`{"ipv4Address": %q}`, a))
	}
	key := map[string]string{"AAAA": "aaaaRecords"}[recordType]
	if key == "" {
		key = "aRecords"
	}
	values := strings.Join(all, ", ")
	if key == "aaaaRecords" {
		values = strings.ReplaceAll(values, "ipv4", "ipv6")
	}
	return fmt.Sprintf(`{"type": "Microsoft.Network/privateDnsZones/%[1]s", "id": "%[2]s/%[1]s/%[3]s", "fqdn": "%[3]s.privatelink.z.", "%[4]s": [%[5]s]}`,
		recordType, zoneID, name, key, values)
}

func TestRecordSets(t *testing.T) {
	const at = " (" + zoneID + ")"
	const one = "a.privatelink.z. 10.20.0.4" + at
	a := recordSet("A", "a", "10.20.0.4")
	for _, tc := range []struct {
		name  string
		files []string
		want  string
	}{
		{"one record", []string{a}, one},
		{"records of two types", []string{"[" + recordSet("A", "a", "10.20.0.4", "10.20.0.5") + "," + recordSet("AAAA", "a", "fd00::4") + "]"},
			"a.privatelink.z. 10.20.0.4 10.20.0.5" + at + "; a.privatelink.z. fd00::4" + at},
		{"wildcard", []string{recordSet("A", "*", "10.20.0.4")}, "*.privatelink.z. 10.20.0.4" + at},
		{"the zone's own records", []string{"[" + a + "," + recordSet("SOA", "@") + "]"}, one},
		{"an empty zone", []string{"[" + recordSet("SOA", "@") + "]"}, ""},
		{"other types", []string{"[" + a + "," + recordSet("CNAME", "b") + "," + recordSet("TXT", "c") + "," + recordSet("TXT", "d") + "]"},
			one + "; no_address " + zoneID + ": its CNAME record of b.privatelink.z has no address, only A and AAAA records are served" +
				"; no_address " + zoneID + ": its 2 TXT records, such as that of c.privatelink.z, have no address, only A and AAAA records are served"},
		{"a set without an address", []string{recordSet("A", "a")}, "no_address " + zoneID + ": its A record of a.privatelink.z has no address"},
		{"a bad address", []string{recordSet("A", "a", "10.20.0.x")}, `bad_address ` + zoneID + `: a.privatelink.z: "10.20.0.x" is not an IP address`},
		{"a bad name", []string{recordSet("A", "a b", "10.20.0.4")}, `bad_name ` + zoneID + `: "a b.privatelink.z.": ' ' is not allowed in a domain name`},
		{"beside an endpoint", []string{exportA, a}, goodA + "; " + one},
		{"beside an endpoint that is not approved", []string{endpoint("pe", "Pending", "Succeeded"), a},
			one + "; not_approved pe: its connection is Pending, only Approved endpoints are served"},
		{"in two documents of one file", []string{"[" + a + "]\n[" + recordSet("A", "b", "10.20.0.5") + "]\n"}, one + "; b.privatelink.z. 10.20.0.5" + at},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFolder(t)
			for i, content := range tc.files {
				f.write(fmt.Sprint(i), content)
			}
			f.fetch(NewFiles([]string{f.at("*")}, nil, 0), tc.want, "")
		})
	}
	// A record has no virtual network: vnet does not apply to it.
	f := newFolder(t)
	f.write("0", "["+exportA+","+a+"]")
	f.fetch(NewFiles([]string{f.at("*")}, []string{"hub"}, 0), one+"; other_vnet pe: it is in none of the virtual networks that vnet names", "")
}

// Names that only a file of record sets has are counted, as those of endpoints.
func TestPartsOfRecordSets(t *testing.T) {
	a, b := recordSet("A", "a", "10.20.0.4"), recordSet("A", "b", "10.20.0.5")
	pe := approved("pe", config("a.privatelink.z", "10.20.0.4"))
	for _, tc := range []struct {
		name  string
		files []string
		want  string
	}{
		{"one file", []string{"[" + a + "," + b + "]"}, "0:2"},
		{"two files", []string{a, b}, "0:1 1:1"},
		{"one name in both", []string{a, "[" + a + "," + b + "]"}, "0:0 0+1:1 1:1"},
		{"an endpoint has the name as well", []string{pe, a}, "0:0 0+1:1 1:0"},
	} {
		f := newFolder(t)
		for i, content := range tc.files {
			f.write(fmt.Sprint(i), content)
		}
		list, err := NewFiles([]string{f.at("*")}, nil, 0).Fetch(t.Context())
		if got := f.parts(list); got != tc.want || err != nil {
			t.Errorf("%s: Parts = %s, %v; want %s", tc.name, got, err, tc.want)
		}
	}
}

func TestConflictsOfRecordSets(t *testing.T) {
	a4, a5, a6 := recordSet("A", "a", "10.20.0.4"), recordSet("A", "a", "10.20.0.5"), recordSet("AAAA", "a", "fd00::4")
	for _, tc := range []struct {
		name  string
		files []string
		want  string
	}{
		{"the same in two files", []string{a4, a4}, ""},
		{"an old export beside the new one", []string{a4, a5}, "a.z " + zoneID + ": 10.20.0.4 in 0, 10.20.0.5 in 1"},
		{"A and AAAA records in two files", []string{a4, a6}, ""},
		{"two zones of one name", []string{a4, strings.ReplaceAll(a5, "/rg/", "/rg2/")}, ""}, // the syncer reports two origins
	} {
		f := newFolder(t)
		for i, content := range tc.files {
			f.write(fmt.Sprint(i), content)
		}
		list, err := NewFiles([]string{f.at("*")}, nil, 0).Fetch(t.Context())
		if got := f.conflicts(list); got != tc.want || err != nil {
			t.Errorf("%s: conflicts = %s, %v; want %s", tc.name, got, err, tc.want)
		}
	}
}

// Terraform does not have the approval of a connection. An automatic connection is
// approved when it is made. A manual one needs its state from elsewhere.
func TestTerraformState(t *testing.T) {
	const manual = ": Terraform has no state of its manual connection, only Approved endpoints are served: " +
		"export it with az network private-endpoint list -o json beside it"
	const served = "4728190365512870934-ab-pod01-rec2.privatelink.we.backup.windowsazure.com. 10.20.0.4 (pe-vault); " +
		"backupwepod01ecs1.blob.core.windows.net. 10.20.0.6 (pe-vault); " +
		"stpartner.blob.core.windows.net. 10.20.0.12 (pe-partner); " + // a data source has its state
		"stbackupwe.privatelink.blob.core.windows.net. 10.20.0.9 (pe-blob); "
	const records = "hand.privatelink.blob.core.windows.net. 10.20.0.20 10.20.0.21 (privatelink.blob.core.windows.net); "
	const others = "no_dns_configuration pe-new: " + noDNSConfig + "; "
	const cname = "no_address privatelink.blob.core.windows.net: its CNAME record of old.privatelink.blob.core.windows.net " +
		"has no address, only A and AAAA records are served"
	state := func(status string) string {
		const id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-backup/providers/Microsoft.Network/privateEndpoints/pe-"
		return endpoint(id+"waiting", status, "Succeeded") + "\n" + endpoint(id+"vault", status, "Succeeded")
	}
	for _, tc := range []struct{ name, beside, want string }{
		{"alone", "", served + records + others + "not_approved pe-waiting" + manual + "; " + cname},
		{"with states from Azure", state("Approved"), served + "stpartner2.blob.core.windows.net. 10.20.0.11 (pe-waiting); " + records + others + cname},
		{"rejected in Azure", state("Rejected"), strings.Join(strings.Split(served, "; ")[2:], "; ") + records +
			"not_approved pe-vault: its connection is Rejected, only Approved endpoints are served: " + againRemedy + "; " + others +
			"not_approved pe-waiting: its connection is Rejected, only Approved endpoints are served: " + againRemedy + "; " + cname},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFolder(t)
			patterns := []string{filepath.FromSlash("../privateendpoint/testdata/terraform/*.json")}
			if tc.beside != "" {
				f.write("z.json", tc.beside)
				patterns = append(patterns, f.at("z.json"))
			}
			list, err := NewFiles(patterns, nil, 0).Fetch(t.Context())
			for i := range list.Entries {
				list.Entries[i].Endpoint = IDOf(filepath.Base(list.Entries[i].Endpoint.String()))
			}
			for i := range list.Skipped {
				list.Skipped[i].Endpoint = filepath.Base(list.Skipped[i].Endpoint)
			}
			if got := show(list); got != tc.want || err != nil {
				t.Errorf("Fetch() = %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

// A file of several documents has no end mark: what it lacks goes when it is quiet.
func TestSlowLines(t *testing.T) {
	const cut = "; a.json: line 2: unexpected end of JSON input"
	for _, tc := range []struct{ name, steps, want string }{
		{"a complete file", "a.json=a:3", "3 complete"},
		{"names are added at once", "a.json=a:3; 1s; a.json=a:4", "4 complete"},
		{"cut at the end of a line, 9 s later", "a.json=a:3; 1s; a.json=a:2; 9s", "3 complete"},
		{"cut at the end of a line, 10 s later", "a.json=a:3; 1s; a.json=a:2; 10s", "2 complete"},
		{"cut at the end of the first line, 9 s later", "a.json=a:3; 1s; a.json=a:1; 9s", "3 complete"},
		{"cut at the end of the first line, then more", "a.json=a:3; 1s; a.json=a:1; 9s; a.json=b:1; 9s", "4 complete"},
		{"cut at the end of the first line, 10 s later", "a.json=a:3; 1s; a.json=a:1; 10s", "1 complete"},
		{"cut within a line", "a.json=a:3; 1s; cut a.json; 60s", "3 complete" + cut},
		{"an empty array has an end mark, but the file had none", "a.json=a:3; 1s; text a.json []; 9s", "3 complete"},
		{"an empty array, 10 s later", "a.json=a:3; 1s; text a.json []; 10s", "0 complete"},
		{"one document has an end mark", "a.json=a:1; 1s; text a.json []", "0 complete"},
		{"after a restart, young", "a.json=a:3; 1s; restart; a.json=a:2; 9s", "2 incomplete"},
		{"after a restart, young, 10 s later", "a.json=a:3; 1s; restart; a.json=a:2; 10s", "2 complete"},
	} {
		t.Run(tc.name, func(t *testing.T) { play(t, "lines", "*.json", tc.steps, tc.want) })
	}
}

func TestTitleOfZone(t *testing.T) {
	for _, tc := range []struct{ endpoint, zone, title string }{
		{zoneID, "privatelink.z", "private DNS zone privatelink.z in /subscriptions/0/resourceGroups/rg"},
		{strings.ToUpper(zoneID), "PRIVATELINK.Z", "private DNS zone PRIVATELINK.Z in /SUBSCRIPTIONS/0/RESOURCEGROUPS/RG"},
		{zoneID + "/A/x", "", zoneID + "/A/x"},
		{"a.zone, zone privatelink.z", "", "a.zone, zone privatelink.z"},
		{"a.hosts:1", "", "a.hosts:1"},
	} {
		if zone, title := ZoneIn(tc.endpoint), Title(tc.endpoint, ""); zone != tc.zone || title != tc.title {
			t.Errorf("%s: zone %q, title %q; want %q, %q", tc.endpoint, zone, title, tc.zone, tc.title)
		}
	}
}

package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// The memory of the process, text of the program included, in MB.
const (
	afterLoading   = 70
	whileLoading   = 110
	withFullCache  = 120
	manyRecords    = 100_000
	entriesOfCache = 65_536
)

// 100,000 records fit into the memory of a small machine, whatever they are read from,
// and so does a full cache beside them. Nobody has to set GOGC or GOMEMLIMIT.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("65,536 queries, and eight files of up to 63 MB")
	}
	const (
		file  = "accounts.json"
		state = `{"format_version":"1.0","terraform_version":"1.11.4","values":{"root_module":{"resources":[`
	)
	array, lines := frame{"[\n", ",\n", "\n]\n"}, frame{"", "\n", "\n"}
	graph := frame{`{"count":100000,"data":[`, ",\n", `],"skip_token":null,"total_records":100000}`}
	for _, tc := range []struct {
		name, property, file string
		frame
		element func(i int) string
	}{
		{"a hosts file", "hosts", "accounts.hosts", lines, hostsLine},
		{"a zone file", "zonefile", "privatelink.blob.core.windows.net.zone", lines, zoneLine},
		{"an export with a name for each endpoint", "files", file, array, exportedEndpoint(1)},
		{"an export with 100 names for each endpoint", "files", file, array, exportedEndpoint(100)},
		{"an export with one endpoint a line", "files", file, lines, exportedEndpoint(1)},
		{"the output of az graph query", "files", file, graph, exportedEndpoint(1)},
		{"the state of Terraform", "files", file, frame{state, ",\n", "]}}}"}, endpointInState},
		{"the record sets of a zone", "files", file, array, recordSet},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := prepareForMemory(t, tc.property+" {$DIR}/"+tc.file)
			s.write(tc.file, tc.around(tc.element))
			s.loads(t)
			if tc.property != "hosts" {
				return
			}
			load(t, s.addr(""), "name", entriesOfCache)
			s.settles(t, "and 65,536 entries in the cache", withFullCache)
			t.Logf("and 65,536 entries: %d MB", s.status("VmRSS"))
		})
	}
}

// The endpoints are in one file and their names in another one, as az lists them where
// private DNS zone groups are attached.
func TestMemoryOfTwoFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("two files of 40 MB")
	}
	s := prepareForMemory(t, "files {$DIR}/*.json")
	array := frame{"[", ",\n", "]"}
	s.write("endpoints.json", array.around(endpointOnly))
	s.write("interfaces.json", array.around(networkInterface))
	s.loads(t)
}

func prepareForMemory(t *testing.T, source string) *server {
	s := prepare(t, strings.ReplaceAll(memoryCorefile, "SOURCE", source))
	s.env["UPSTREAM"], s.env["GOGC"], s.env["GOMEMLIMIT"] = fastUpstream(t), "", ""
	return s
}

const memoryCorefile = `.:{$PORT} {
    bind 127.0.0.1
    prometheus 127.0.0.1:{$PORT_METRICS}
    fastpath
    acl {
        allow net 127.0.0.0/8
        block
    }
    privatelink {
        SOURCE
    }
    lru 65536
    upstream . {$UPSTREAM}
}
`

// loads starts the server, and checks the memory while the records are loaded and after that.
func (s *server) loads(t *testing.T) {
	t.Helper()
	s.start()
	last := question(fmt.Sprintf("account%06d.blob.core.windows.net", manyRecords-1), dns.TypeA)
	eventually(t, "the last record", func() bool {
		m, err := dns.Exchange(last, s.addr(""))
		return err == nil && len(m.Answer) == 2
	})
	s.settles(t, "with 100,000 records", afterLoading)
	if peak := s.status("VmHWM"); peak > whileLoading {
		t.Errorf("%d MB while 100,000 records are loaded; want at most %d", peak, whileLoading)
	}
	t.Logf("100,000 records: %d MB, at most %d MB while they are loaded", s.status("VmRSS"), s.status("VmHWM"))
}

// A frame is the text around the elements of a file.
type frame struct{ begin, between, end string }

// around returns a file. An element may be empty: the one before has its records.
func (f frame) around(element func(i int) string) string {
	var all strings.Builder
	all.WriteString(f.begin)
	for i := range manyRecords {
		if one := element(i); one != "" {
			if i > 0 {
				all.WriteString(f.between)
			}
			all.WriteString(one)
		}
	}
	all.WriteString(f.end)
	return all.String()
}

func addressOf(i int) string { return fmt.Sprintf("10.%d.%d.%d", 20+i>>16, i>>8&255, i&255) }

func hostsLine(i int) string {
	return fmt.Sprintf("%s account%06d.blob.core.windows.net", addressOf(i), i)
}

func zoneLine(i int) string {
	record := fmt.Sprintf("account%06d 10 IN A %s", i, addressOf(i))
	if i == 0 {
		return "@ 3600 IN SOA ns hostmaster 1 3600 600 86400 10\n" + record
	}
	return record
}

const memoryGroup = "/subscriptions/0a1b2c3d-1111-2222-3333-444455556666/resourceGroups/rg-data"

// exportedEndpoint returns private endpoints with that many names, each from i on, as az prints
// them without blanks and with the keys that are used.
func exportedEndpoint(size int) func(i int) string {
	return func(i int) string {
		if i%size > 0 {
			return ""
		}
		names := make([]string, size)
		for n := range names {
			names[n] = fmt.Sprintf(`{"fqdn":"account%06d.blob.core.windows.net","ipAddresses":[%q]}`, i+n, addressOf(i+n))
		}
		return fmt.Sprintf(`{"id":"%[1]s-%02[2]d/providers/Microsoft.Network/privateEndpoints/pe-%06[3]d",`+
			`"subnet":{"id":"%[1]s/providers/Microsoft.Network/virtualNetworks/vnet-hub/subnets/pe"},`+
			`"privateLinkServiceConnections":[{"privateLinkServiceId":"%[1]s-%02[2]d/providers/Microsoft.Storage/storageAccounts/account%06[3]d",`+
			`"privateLinkServiceConnectionState":{"status":"Approved"}}],"customDnsConfigs":[%[4]s]}`,
			memoryGroup, i%40, i, strings.Join(names, ","))
	}
}

// endpointOnly is a private endpoint without its names.
func endpointOnly(i int) string {
	before, _, _ := strings.Cut(exportedEndpoint(1)(i), `"customDnsConfigs"`)
	return before + `"customDnsConfigs":[]}`
}

// networkInterface is the network interface of a private endpoint.
func networkInterface(i int) string {
	return fmt.Sprintf(`{"id":"%[1]s-%02[2]d/providers/Microsoft.Network/networkInterfaces/pe-%06[3]d.nic.0","type":"Microsoft.Network/networkInterfaces",`+
		`"privateEndpoint":{"id":"%[1]s-%02[2]d/providers/Microsoft.Network/privateEndpoints/pe-%06[3]d"},`+
		`"ipConfigurations":[{"privateIPAddress":%[4]q,"privateLinkConnectionProperties":{"fqdns":["account%06[3]d.blob.core.windows.net"]}}]}`,
		memoryGroup, i%40, i, addressOf(i))
}

// endpointInState is a private endpoint as terraform show prints it, without most keys.
func endpointInState(i int) string {
	return fmt.Sprintf(`{"address":"azurerm_private_endpoint.all[%[3]d]","type":"azurerm_private_endpoint","values":{`+
		`"id":"%[1]s-%02[2]d/providers/Microsoft.Network/privateEndpoints/pe-%06[3]d",`+
		`"private_service_connection":[{"private_connection_resource_id":"%[1]s-%02[2]d/providers/Microsoft.Storage/storageAccounts/account%06[3]d"}],`+
		`"custom_dns_configs":[{"fqdn":"account%06[3]d.blob.core.windows.net","ip_addresses":[%[4]q]}]}}`, memoryGroup, i%40, i, addressOf(i))
}

// recordSet is a record set as az prints it without blanks.
func recordSet(i int) string {
	return fmt.Sprintf(`{"aRecords":[{"ipv4Address":%[3]q}],"etag":"0a1b2c3d-1111-2222-3333-44445555%04[2]x","fqdn":"account%06[1]d.%[4]s.",`+
		`"id":"%[5]s/providers/Microsoft.Network/privateDnsZones/%[4]s/A/account%06[1]d","isAutoRegistered":false,"name":"account%06[1]d",`+
		`"resourceGroup":"rg-data","ttl":10,"type":"Microsoft.Network/privateDnsZones/A"}`,
		i, i&0xffff, addressOf(i), "privatelink.blob.core.windows.net", memoryGroup)
}

// settles waits until the process has no more than most MB. It returns memory to the
// system some seconds after it had much to do.
func (s *server) settles(t *testing.T, when string, most int) {
	t.Helper()
	eventually(t, fmt.Sprintf("at most %d MB %s", most, when), func() bool { return s.status("VmRSS") <= most })
}

// status returns a line of the process's status that is an amount of memory, in MB.
func (s *server) status(name string) (mb int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(text), name+":")
	kilobytes := 0
	if _, err := fmt.Sscan(line, &kilobytes); err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	return (kilobytes + 999) / 1000
}

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
		t.Skip("65,536 queries, and five files of up to 63 MB")
	}
	for _, tc := range []struct {
		name, property, file string
		line                 func(i int) string
	}{
		{"a hosts file", "hosts", "accounts.hosts", hostsLine},
		{"a zone file", "zonefile", "privatelink.blob.core.windows.net.zone", zoneLine},
		{"an export with a name for each endpoint", "files", "accounts.json", func(i int) string { return exportedEndpoint(i, 1) }},
		{"an export with 100 names for each endpoint", "files", "accounts.json", func(i int) string { return exportedEndpoint(i, 100) }},
		{"the record sets of a zone", "files", "accounts.json", recordSet},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := prepare(t, strings.ReplaceAll(memoryCorefile, "SOURCE", tc.property+" {$DIR}/"+tc.file))
			var all strings.Builder
			for i := range manyRecords {
				all.WriteString(tc.line(i))
			}
			s.write(tc.file, all.String())
			all.Reset()
			s.env["UPSTREAM"], s.env["GOGC"], s.env["GOMEMLIMIT"] = fastUpstream(t), "", ""
			s.start()
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

// loads checks the memory while the records are loaded, and after that.
func (s *server) loads(t *testing.T) {
	t.Helper()
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

func addressOf(i int) string { return fmt.Sprintf("10.%d.%d.%d", 20+i>>16, i>>8&255, i&255) }

func hostsLine(i int) string {
	return fmt.Sprintf("%s account%06d.blob.core.windows.net\n", addressOf(i), i)
}

func zoneLine(i int) string {
	record := fmt.Sprintf("account%06d 10 IN A %s\n", i, addressOf(i))
	if i == 0 {
		return "@ 3600 IN SOA ns hostmaster 1 3600 600 86400 10\n" + record
	}
	return record
}

// inArray returns the element i of an array, of which each element has size records.
func inArray(i, size int, element string) string {
	switch {
	case i == 0:
		return "[\n" + element
	case i == manyRecords-size:
		return ",\n" + element + "\n]\n"
	}
	return ",\n" + element
}

const memoryGroup = "/subscriptions/0a1b2c3d-1111-2222-3333-444455556666/resourceGroups/rg-data"

// exportedEndpoint is a private endpoint with the size of names from i on, as az prints it without
// blanks and with the keys that are used.
func exportedEndpoint(i, size int) string {
	if i%size > 0 {
		return ""
	}
	names := make([]string, size)
	for n := range names {
		names[n] = fmt.Sprintf(`{"fqdn":"account%06d.blob.core.windows.net","ipAddresses":[%q]}`, i+n, addressOf(i+n))
	}
	return inArray(i, size, fmt.Sprintf(`{"id":"%[1]s-%02[2]d/providers/Microsoft.Network/privateEndpoints/pe-%06[3]d",`+
		`"subnet":{"id":"%[1]s/providers/Microsoft.Network/virtualNetworks/vnet-hub/subnets/pe"},`+
		`"privateLinkServiceConnections":[{"privateLinkServiceId":"%[1]s-%02[2]d/providers/Microsoft.Storage/storageAccounts/account%06[3]d",`+
		`"privateLinkServiceConnectionState":{"status":"Approved"}}],"customDnsConfigs":[%[4]s]}`,
		memoryGroup, i%40, i, strings.Join(names, ",")))
}

// recordSet is a record set as az prints it without blanks.
func recordSet(i int) string {
	return inArray(i, 1, fmt.Sprintf(`{"aRecords":[{"ipv4Address":%[3]q}],"etag":"0a1b2c3d-1111-2222-3333-44445555%04[2]x","fqdn":"account%06[1]d.%[4]s.",`+
		`"id":"%[5]s/providers/Microsoft.Network/privateDnsZones/%[4]s/A/account%06[1]d","isAutoRegistered":false,"name":"account%06[1]d",`+
		`"resourceGroup":"rg-data","ttl":10,"type":"Microsoft.Network/privateDnsZones/A"}`,
		i, i&0xffff, addressOf(i), "privatelink.blob.core.windows.net", memoryGroup))
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

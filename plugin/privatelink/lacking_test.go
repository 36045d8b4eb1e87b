package privatelink

import (
	"bytes"
	"fmt"
	stdlog "log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/time/rate"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
)

// pending is an export with an endpoint that is not approved.
const pending = `[{"id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/pe-new", "name": "pe-new",
 "provisioningState": "Succeeded", "customDnsConfigs": [], "privateLinkServiceConnections": [{
 "privateLinkServiceId": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/waiting", "groupIds": ["blob", "web"],
 "privateLinkServiceConnectionState": {"status": "Pending"}}]}]`

func TestLedger(t *testing.T) {
	to := func(name string) string {
		return fmt.Sprintf("NOERROR: %s.blob.core.windows.net. CNAME %[1]s.privatelink.blob.core.windows.net.; CNAME blob.stamp.test.; A 203.0.113.1", name)
	}
	const direct = "NOERROR: waiting.blob.core.windows.net. CNAME blob.stamp.test.; A 203.0.113.1"
	const corp = "NOERROR: files.corp.example. CNAME waiting.blob.core.windows.net.; CNAME blob.stamp.test.; A 203.0.113.1"
	const endpoint = "NOERROR: waiting.z12.blob.storage.azure.net. CNAME blob.stamp.test.; A 203.0.113.1"
	const website = "NOERROR: waiting.z6.web.core.windows.net. CNAME web.stamp.test.; A 203.0.113.1"
	const hints = "NOERROR: apod01ecs7.blob.core.windows.net. CNAME apod01ecs7.privatelink.blob.core.windows.net.; HTTPS 1 . ipv4hint=203.0.113.1"
	const inBlob = ".privatelink.blob.core.windows.net. "
	for _, tc := range []struct{ name, protect, upstream, asked, want, entry string }{
		{"account of another tenant", "", to("o1"), "o1.blob.core.windows.net.", to("o1"), "o1" + inBlob + "other public"},
		{"in upper case", "", to("o2"), "O2.Blob.core.windows.net.", strings.Replace(to("o2"), "o2.blob", "o2.blob", 1), "o2" + inBlob + "other public"},
		{"Backup account", "", to("apod01ecs1"), "apod01ecs1.blob.core.windows.net.", to("apod01ecs1"), "apod01ecs1" + inBlob + "backup public"},
		{"Backup account, protected", "protect known backup", to("apod01ecs2"), "apod01ecs2.blob.core.windows.net.", "SERVFAIL EDE 17:",
			"apod01ecs2" + inBlob + "backup withheld"},
		{"Backup account, another grade protected", "protect known", to("apod01ecs3"), "apod01ecs3.blob.core.windows.net.", to("apod01ecs3"),
			"apod01ecs3" + inBlob + "backup public"},
		{"account of another tenant, protected", "protect known backup", to("o4"), "o4.blob.core.windows.net.", to("o4"), "o4" + inBlob + "other public"},
		{"account of a pending endpoint", "", to("waiting"), "waiting.blob.core.windows.net.", to("waiting"), "waiting" + inBlob + "known public"},
		{"the same, protected", "protect known", to("waiting"), "waiting.blob.core.windows.net.", "SERVFAIL EDE 17:", "waiting" + inBlob + "known withheld"},
		{"the same without a chain", "", direct, "waiting.blob.core.windows.net.", direct, "waiting.blob.core.windows.net. known public"},
		{"the same without a chain, protected", "protect known", direct, "waiting.blob.core.windows.net.", "SERVFAIL EDE 17:",
			"waiting.blob.core.windows.net. known withheld"},
		{"the same behind a name of the company, protected", "protect known", corp, "files.corp.example.", "SERVFAIL EDE 17:",
			"waiting.blob.core.windows.net. known withheld"},
		{"the same behind a name of the company", "", corp, "files.corp.example.", corp, "waiting.blob.core.windows.net. known public"},
		{"its DNS zone endpoint, protected", "protect known", endpoint, "waiting.z12.blob.storage.azure.net.", "SERVFAIL EDE 17:",
			"waiting.z12.blob.storage.azure.net. known withheld"},
		{"its static website, protected", "protect known", website, "waiting.z6.web.core.windows.net.", "SERVFAIL EDE 17:",
			"waiting.z6.web.core.windows.net. known withheld"},
		{"name that a strict zone lacks", "", "SERVFAIL:", "x1.privatelink.hard.test.", "NXDOMAIN aa: / privatelink.hard.test. SOA",
			"x1.privatelink.hard.test. other nxdomain"},
		{"the same at the end of a chain", "", "NOERROR: x1.hard.test. CNAME x1.privatelink.hard.test.; A 203.0.113.1", "x1.hard.test.",
			"NXDOMAIN: x1.hard.test. CNAME x1.privatelink.hard.test. / privatelink.hard.test. SOA", "x1.privatelink.hard.test. other nxdomain"},
		{"vault of a new region", "", "NXDOMAIN:", "v-ab-pod01-id1.privatelink.we.backup.windowsazure.com.", "NXDOMAIN:",
			"v-ab-pod01-id1.privatelink.we.backup.windowsazure.com. backup nxdomain"},
		{"no address", "", "NOERROR: o5.blob.core.windows.net. CNAME o5.privatelink.blob.core.windows.net.", "o5.blob.core.windows.net.",
			"NOERROR: o5.blob.core.windows.net. CNAME o5.privatelink.blob.core.windows.net.", ""},
		{"no chain", "", "NOERROR: o6.blob.core.windows.net. CNAME blob.stamp.test.; A 203.0.113.1", "o6.blob.core.windows.net.",
			"NOERROR: o6.blob.core.windows.net. CNAME blob.stamp.test.; A 203.0.113.1", ""},
		{"address hints, protected", "protect backup", hints, "apod01ecs7.blob.core.windows.net.", "SERVFAIL EDE 17:",
			"apod01ecs7" + inBlob + "backup withheld"},
		{"a name outside", "", "NOERROR: www.example. A 203.0.113.1", "www.example.", "NOERROR: www.example. A 203.0.113.1", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lacking = ledger.Ledger{}
			path := filepath.Join(t.TempDir(), "pe.json")
			if err := os.WriteFile(path, []byte(pending), 0o600); err != nil {
				t.Fatal(err)
			}
			corefile := "privatelink privatelink.hard.test {\nstrict privatelink.hard.test\nfiles " + path + "\n" + tc.protect + "\n}"
			p := start(t, corefile, upstream(parseReply(t, tc.upstream)))
			for range 2 {
				r := new(dns.Msg).SetQuestion(tc.asked, dns.TypeA)
				r.SetEdns0(1232, false)
				if got := dnstest.Brief(ask(t, p, r)); got != tc.want {
					t.Errorf("\n got %s\nwant %s", got, tc.want)
				}
			}
			got := ""
			for _, e := range lacking.Entries() {
				got += fmt.Sprintf("%s %s %s", e.Name, e.Grade, e.Kind)
				if e.Count != 2 || len(e.Networks) != 1 || e.Reason == "" {
					t.Errorf("the entry is %+v", e)
				}
			}
			if got != tc.entry {
				t.Errorf("the ledger has %q; want %q", got, tc.entry)
			}
		})
	}
}

// The reason has texts of the sources, which make no log line of their own.
func TestLackingLine(t *testing.T) {
	var out bytes.Buffer
	before := stdlog.Writer()
	stdlog.SetOutput(&out)
	defer stdlog.SetOutput(before)
	defer func(limit *rate.Limiter) { lines = limit }(lines)
	lines = rate.NewLimiter(1, 1)
	unlogged.Store(0) // of other tests
	logLacking(ledger.Answer{Name: "a.test."}, ledger.Fact{Grade: ledger.Known, Reason: "its connection is Pen\n[ERROR] \x1b[31mforged"})
	if text := out.String(); strings.Count(text, "\n") != 1 || strings.Contains(text, "\x1b") {
		t.Errorf("logged %q; want one line that is printable", text)
	}
}

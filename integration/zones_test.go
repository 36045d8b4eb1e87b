package integration

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// everyZone returns a Corefile that serves the zones of all services, and reverse names.
func everyZone() string {
	return strings.Replace(corefile(), "    privatelink {\n", "    privatelink all {\n        ptr\n", 1)
}

// tenant has an endpoint of each kind of zone: with two public zones, of a region, with
// a wildcard, in a DNS zone, a static website without its number.
var tenant = []string{
	"kv1.vault.azure.net 10.30.0.1",
	"adx1.northeurope.kusto.windows.net 10.30.0.2",
	"aks1-0a1b2c3d.privatelink.northeurope.azmk8s.io 10.30.0.3",
	"acr1.northeurope.data.azurecr.io 10.30.0.4",
	"app1.scm.azurewebsites.net 10.30.0.5",
	"web.purview.azure.com 10.30.0.6",
	"acct1.purview.azure.com 10.30.0.7",
	"rdweb.wvd.microsoft.com 10.30.0.8",
	"site1.privatelink.web.core.windows.net 10.30.0.9",
	"part1.z7.dfs.storage.azure.net 10.30.0.10",
	"*.c0ffee00-5d5d.inference.northeurope.api.azureml.ms 10.30.0.11",
	"mi1.0a1b2c3d4e5f.database.windows.net 10.30.0.12",
	"sql1.database.windows.net 10.30.0.13",
	"4728190365512870934-asr-pod01-rcm1.ne.siterecovery.windowsazure.com 10.30.0.14 fd00:30::14",
}

func TestEveryZone(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, everyZone())
	s.write("tenant.json", export(tenant...))
	const vault, backupOf = "4728190365512870934-asr-pod01-rcm1.ne.", "privatelink.siterecovery.windowsazure.com"
	s.becomes("kv1.vault.azure.net", "NOERROR ra: CNAME kv1.privatelink.vaultcore.azure.net., A 10.30.0.1")
	for _, tt := range []struct{ name, question, want string }{
		{"second public zone", "kv1.vaultcore.azure.net", "NOERROR ra: CNAME kv1.privatelink.vaultcore.azure.net., A 10.30.0.1"},
		{"regional zone", "adx1.northeurope.kusto.windows.net", "NOERROR ra: CNAME adx1.privatelink.northeurope.kusto.windows.net., A 10.30.0.2"},
		{"regional zone, SOA", "privatelink.northeurope.kusto.windows.net NS", "NOERROR aa ra: NS ns.privatelink-dns.invalid."},
		{"Kubernetes", "aks1-0a1b2c3d.privatelink.northeurope.azmk8s.io", "NOERROR aa ra: A 10.30.0.3"},
		{"registry data", "acr1.northeurope.data.azurecr.io", "NOERROR ra: CNAME acr1.northeurope.data.privatelink.azurecr.io., A 10.30.0.4"},
		{"source control", "app1.scm.privatelink.azurewebsites.net", "NOERROR aa ra: A 10.30.0.5"},
		{"Purview portal", "web.purview.azure.com", "NOERROR ra: CNAME web.privatelink.purviewstudio.azure.com., A 10.30.0.6"},
		{"Purview account", "acct1.purview.azure.com", "NOERROR ra: CNAME acct1.privatelink.purview.azure.com., A 10.30.0.7"},
		{"Virtual Desktop", "rdweb.wvd.microsoft.com", "NOERROR ra: CNAME rdweb.privatelink-global.wvd.microsoft.com., A 10.30.0.8"},
		{"static website", "site1.z6.web.core.windows.net", "NOERROR ra: CNAME site1.privatelink.web.core.windows.net., A 10.30.0.9"},
		{"DNS zone endpoint", "part1.z7.dfs.storage.azure.net", "NOERROR ra: CNAME part1.privatelink.dfs.core.windows.net., A 10.30.0.10"},
		{"wildcard", "fraud.c0ffee00-5d5d.inference.northeurope.privatelink.api.azureml.ms", "NOERROR aa ra: A 10.30.0.11"},
		{"managed instance", "mi1.0a1b2c3d4e5f.database.windows.net", "NOERROR ra: CNAME mi1.privatelink.0a1b2c3d4e5f.database.windows.net., A 10.30.0.12"},
		{"database", "sql1.database.windows.net", "NOERROR ra: CNAME sql1.privatelink.database.windows.net., A 10.30.0.13"},
		{"Site Recovery", vault + "siterecovery.windowsazure.com AAAA", "NOERROR ra: CNAME " + vault + backupOf + "., AAAA fd00:30::14"},
		{"Site Recovery is strict", "other.ne." + backupOf, "NXDOMAIN aa ra: / SOA " + backupOf + "."},
		{"reverse", "12.0.30.10.in-addr.arpa PTR", "NOERROR ra: PTR mi1.privatelink.0a1b2c3d4e5f.database.windows.net."},
		{"reverse, IPv6", reverseOf14 + " PTR", "NOERROR ra: PTR " + vault + backupOf + "."},
		{"reverse of a wildcard", "11.0.30.10.in-addr.arpa PTR", "NXDOMAIN ra:"},
		{"reverse, another type", "1.0.30.10.in-addr.arpa A", "NOERROR ra: / SOA 1.0.30.10.in-addr.arpa."},
	} {
		got := dig(t, s.addr(""), strings.Fields(tt.question)...).String()
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: dig %s\n got %s\nwant %s", tt.name, tt.question, got, tt.want)
		}
	}
	if out := digText(t, s.addr(""), "-x", "10.30.0.1", "+short"); out != "kv1.privatelink.vaultcore.azure.net.\n" {
		t.Errorf("dig -x: %q", out)
	}
}

// The zone files of all zones with a record load into BIND and NSD without a warning,
// among them those of a wildcard and of a zone without the prefix privatelink.
func TestEveryZoneFile(t *testing.T) {
	t.Parallel()
	bind, nsd := need(t, "named-checkzone", "bind9-utils"), need(t, "nsd-checkzone", "nsd")
	s := prepare(t, strings.NewReplacer("{$PORT}", "0", "forward . {$UPSTREAM}", "").Replace(everyZone()))
	s.write("tenant.json", export(tenant...))
	stdout, stderr, status := s.command("records -conf Corefile -format zone -out zones")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %s", status, stderr)
	}
	checked := 0
	for line := range strings.Lines(stdout) {
		path, count, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if count == "no records" {
			continue
		}
		checked++
		zone := strings.TrimSuffix(filepath.Base(path), ".zone")
		for _, program := range []string{bind, nsd} {
			out, err := exec.Command(program, zone, filepath.Join(s.dir, path)).CombinedOutput()
			if err != nil || strings.Contains(strings.ToLower(string(out)), "warning") {
				t.Errorf("%s %s: %v\n%s", program, zone, err, out)
			}
		}
	}
	if checked != 14 {
		t.Errorf("%d zones have records; want 14:\n%s", checked, stdout)
	}
}

const reverseOf14 = "4.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.0.0.0.0.d.f.ip6.arpa"

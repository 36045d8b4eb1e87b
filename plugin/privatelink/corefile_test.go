package privatelink

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct{ name, corefile, want string }{
		{"defaults", "privatelink {\nrecord a.blob.core.windows.net 10.0.0.1\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net | record Testfile:2 | 1m0s 0s"},
		{"geo", "privatelink {\ngeo we EUS2\nrecord a.blob.core.windows.net 10.0.0.1\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net privatelink.we.backup.windowsazure.com privatelink.eus2.backup.windowsazure.com | record Testfile:3 | 1m0s 0s"},
		{"zones beside the defaults", "privatelink privatelink.file.core.windows.net. PRIVATELINK.vaultcore.azure.net privatelink.blob.core.windows.net {\nrecord a.blob.core.windows.net 10.0.0.1\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net privatelink.file.core.windows.net privatelink.vaultcore.azure.net | record Testfile:2 | 1m0s 0s"},
		{"Backup zone of a code that the table lacks", "privatelink privatelink.new1.backup.windowsazure.com {\nrecord a.blob.core.windows.net 10.0.0.1\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net privatelink.new1.backup.windowsazure.com | record Testfile:2 | 1m0s 0s"},
		{"zones near each other", "privatelink privatelink.azurecr.io privatelink.weu.azurecr.io privatelink.aprivatelink.test {\nrecord a.weu.azurecr.io 10.0.0.1\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net privatelink.azurecr.io privatelink.weu.azurecr.io privatelink.aprivatelink.test | record Testfile:2 | 1m0s 0s"},
		{"a Backup zone by geo and by name", "privatelink privatelink.we.backup.windowsazure.com {\ngeo we\nrecord a.blob.core.windows.net 10.0.0.1\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net privatelink.we.backup.windowsazure.com | record Testfile:3 | 1m0s 0s"},
		{"DNS zone endpoints of another cloud", "privatelink privatelink.blob.storage.azure.net {\ncloud usgov\nrecord a.blob.storage.azure.net 10.0.0.1\n}", "privatelink.blob.core.usgovcloudapi.net privatelink.queue.core.usgovcloudapi.net privatelink.blob.storage.azure.net | record Testfile:3 | 1m0s 0s"},
		{"cloud below geo", "privatelink {\ngeo ugv\ncloud usgov\nrecord a.queue.core.usgovcloudapi.net 10.0.0.1\n}", "privatelink.blob.core.usgovcloudapi.net privatelink.queue.core.usgovcloudapi.net privatelink.ugv.backup.windowsazure.us | record Testfile:4 | 1m0s 0s"},
		{"China", "privatelink {\ncloud china\ngeo bjb\nrecord a.blob.core.chinacloudapi.cn 10.0.0.1\n}", "privatelink.blob.core.chinacloudapi.cn privatelink.queue.core.chinacloudapi.cn privatelink.bjb.backup.windowsazure.cn | record Testfile:4 | 1m0s 0s"},
		{"sources in order", "privatelink {\nhosts /h*\nrecord a.blob.core.windows.net 10.0.0.1\nfiles /a.json /b/*.json\nrecord b.blob.core.windows.net 10.0.0.2\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net | hosts /h*, record Testfile:3, files /a.json /b/*.json | 1m0s 2s"},
		{"relative paths begin at root", "privatelink {\nfiles a.json /b.json\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net | files /etc/a.json /b.json | 1m0s 2s"},
		{"Azure", "privatelink {\nazure 00000000-0000-0000-0000-00000000000A rg-1 rg_2\nstate /s\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net | azure 00000000-0000-0000-0000-00000000000a rg-1 rg_2 | 1m0s 1m0s"},
		{"virtual networks below their sources", "privatelink {\nfiles /a\nazure 00000000-0000-0000-0000-00000000000a\nvnet hub /subscriptions/x\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net | files /a vnet hub /subscriptions/x, azure 00000000-0000-0000-0000-00000000000a vnet hub /subscriptions/x | 1m0s 2s"},
		{"a Resource Manager of one's own", "privatelink {\ncloud https://arm.example\nazure 00000000-0000-0000-0000-00000000000a\nrefresh 5m\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net | azure 00000000-0000-0000-0000-00000000000a cloud https://arm.example | 1m0s 5m0s"},
		{"durations", "privatelink {\nttl 5m\nrefresh 1s\nfiles /a\n}", "privatelink.blob.core.windows.net privatelink.queue.core.windows.net | files /a | 5m0s 1s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, err := parse(caddy.NewTestController("dns", tc.corefile), "/etc")
			if err != nil {
				t.Fatal(err)
			}
			var zones, sources []string
			for _, zone := range cfg.zones.Zones {
				zones = append(zones, zone.String())
			}
			for _, source := range cfg.sources {
				sources = append(sources, source.Config().Name)
			}
			got := fmt.Sprintf("%s | %s | %s %s", strings.Join(zones, " "), strings.Join(sources, ", "), time.Duration(cfg.zones.TTL)*time.Second, cfg.sources[0].Config().Interval)
			if got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestParseFailClosed(t *testing.T) {
	for corefile, want := range map[string]bool{"privatelink {\nfiles /a\n}": false, "privatelink {\nfiles /a\nfail_closed\n}": true} {
		if cfg, err := parse(caddy.NewTestController("dns", corefile), ""); err != nil || cfg.zones.FailClosed != want {
			t.Errorf("%q: %v; want FailClosed %t", corefile, err, want)
		}
	}
}

// One row a rule of the grammar; the message is compared whole.
func TestParseErrors(t *testing.T) {
	long := strings.Repeat("a", 300)
	for _, tc := range []struct{ name, corefile, want string }{
		{"no source", "privatelink {\ngeo we\n}", `Testfile:1 - Error during parsing: no source: add azure, files, hosts or record`},
		{"value that a property does not have", "privatelink {\nfiles /a\nfail_closed on\n}", `Testfile:3 - Error during parsing: fail_closed: 1 values, the syntax is: fail_closed`},
		{"no block", "privatelink", `Testfile:1 - Error during parsing: no source: add azure, files, hosts or record`},
		{"twice in a server block", "privatelink {\nfiles /a\n}\nprivatelink {\nfiles /a\n}", `Testfile:4 - Error during parsing: privatelink: specified more than once in a server block`},
		{"property with a block", "privatelink {\nfiles /a {\nttl 1m\n}\n}", `Testfile:5 - Error during parsing: "}" is not expected, no property has a block of its own`},
		{"zone without a parent", "privatelink privatelink.net {\nfiles /a\n}", `Testfile:1 - Error during parsing: zone: "privatelink.net": a zone such as privatelink.blob.core.windows.net is expected`},
		{"zone that is the label alone", "privatelink privatelink. {\nfiles /a\n}", `Testfile:1 - Error during parsing: zone: "privatelink.": a zone such as privatelink.blob.core.windows.net is expected`},
		{"unknown property", "privatelink {\nzones x\n}", `Testfile:2 - Error during parsing: zones: unknown property, the known ones are azure, cloud, fail_closed, fallthrough, files, geo, hosts, record, refresh, state, strict, ttl, vnet`},
		{"property twice", "privatelink {\nttl 1m\nttl 2m\n}", `Testfile:3 - Error during parsing: ttl: specified more than once`},
		{"no value", "privatelink {\ngeo\n}", `Testfile:2 - Error during parsing: geo: 0 values, the syntax is: geo GEO...`},
		{"too many values", "privatelink {\nttl 1m 2m\n}", `Testfile:2 - Error during parsing: ttl: 2 values, the syntax is: ttl DURATION`},
		{"zone without privatelink", "privatelink blob.core.windows.net {\nfiles /a\n}", `Testfile:1 - Error during parsing: zone: "blob.core.windows.net" does not begin with "privatelink.", do you mean "privatelink.blob.core.windows.net"?`},
		{"zone that is a wildcard", "privatelink privatelink.*.net {\nfiles /a\n}", `Testfile:1 - Error during parsing: zone: "privatelink.*.net": '*' is not allowed in a domain name`},
		{"wildcard as a zone", "privatelink *.privatelink.vaultcore.azure.net {\nfiles /a\n}", `Testfile:1 - Error during parsing: zone: "*.privatelink.vaultcore.azure.net": '*' is not allowed in a domain name`},
		{"zone is no name", "privatelink privatelink..net {\nfiles /a\n}", `Testfile:1 - Error during parsing: zone: "privatelink..net": a label is empty`},
		{"Backup zone of a region name", "privatelink privatelink.canadacentral.backup.windowsazure.com {\nfiles /a\n}", `Testfile:1 - Error during parsing: zone: "privatelink.canadacentral.backup.windowsazure.com": "canadacentral" is a region, its geo code is "cnc"`},
		{"label privatelink twice", "privatelink privatelink.PrivateLink.vaultcore.azure.net {\nfiles /a\n}", `Testfile:1 - Error during parsing: zone: "privatelink.PrivateLink.vaultcore.azure.net" has the label privatelink more than once, do you mean "privatelink.vaultcore.azure.net"?`},
		{"geo before privatelink in a zone", "privatelink privatelink.we.privatelink.siterecovery.windowsazure.com {\nfiles /a\n}", `Testfile:1 - Error during parsing: zone: "privatelink.we.privatelink.siterecovery.windowsazure.com" has the label privatelink more than once, do you mean "privatelink.siterecovery.windowsazure.com"?`},
		{"Key Vault twice", "privatelink privatelink.vaultcore.azure.net privatelink.vault.azure.net {\nfiles /a\n}", claimed("privatelink.vault.azure.net", "privatelink.vaultcore.azure.net", "vault.azure.net", "privatelink.vault.azure.net", "privatelink.vaultcore.azure.net")},
		{"Key Vault twice, cloud below", "privatelink privatelink.vault.azure.cn privatelink.vaultcore.azure.cn {\nfiles /a\ncloud china\n}", claimed("privatelink.vaultcore.azure.cn", "privatelink.vault.azure.cn", "vault.azure.cn", "privatelink.vault.azure.cn", "privatelink.vaultcore.azure.cn")},
		{"zone of DNS zone endpoints", "privatelink privatelink.blob.storage.azure.net {\nfiles /a\n}", claimed("privatelink.blob.storage.azure.net", "privatelink.blob.core.windows.net", "blob.storage.azure.net", "privatelink.blob.storage.azure.net", "privatelink.blob.core.windows.net")},
		{"zone of all regions' Backup, cloud below", "privatelink privatelink.backup.windowsazure.us {\nfiles /a\ncloud usgov\n}", claimed("privatelink.backup.windowsazure.us", "privatelink.GEO.backup.windowsazure.us", "backup.windowsazure.us", "privatelink.backup.windowsazure.us", "privatelink.GEO.backup.windowsazure.us")},
		{"region as geo", "privatelink {\nfiles /a\n\ngeo we eastus\n}", `Testfile:4 - Error during parsing: geo: "eastus" is a region, its geo code is "eus"`},
		{"unknown geo", "privatelink {\ngeo westeurop\nfiles /a\n}", `Testfile:2 - Error during parsing: geo: "westeurop" is no geo code of the public cloud, the nearest are "we" (westeurope), "wus" (westus), "wus2" (westus2)`},
		{"geo with a Kelvin sign", "privatelink {\ngeo u\u212A\nfiles /a\n}", `Testfile:2 - Error during parsing: geo: "uK" is no geo code of the public cloud, the nearest are "uac" (uaecentral), "uan" (uaenorth), "uks" (uksouth)`},
		{"region with a Kelvin sign", "privatelink {\ngeo u\u212Asouth\nfiles /a\n}", `Testfile:2 - Error during parsing: geo: "uKsouth" is no geo code of the public cloud, the nearest are "uks" (uksouth), "krs" (koreasouth), "uan" (uaenorth)`},
		{"geo of another cloud", "privatelink {\ngeo eus\ncloud usgov\nfiles /a\n}", `Testfile:2 - Error during parsing: geo: "eus" is a geo code of the public cloud (eastus), the cloud here is usgov`},
		{"unknown cloud", "privatelink {\ncloud AzureCloud\n}", `Testfile:2 - Error during parsing: cloud: "AzureCloud" is no cloud: use public, usgov, china or the URL of a Resource Manager`},
		{"Resource Manager without TLS", "privatelink {\ncloud http://arm.example\n}", `Testfile:2 - Error during parsing: cloud: "http://arm.example": a token is sent over https only`},
		{"no subscription ID", "privatelink {\nazure my-subscription\n}", `Testfile:2 - Error during parsing: azure: "my-subscription" is not the ID of a subscription, such as 00000000-0000-0000-0000-000000000000`},
		{"no resource group", "privatelink {\nazure 00000000-0000-0000-0000-00000000000a a/b\n}", `Testfile:2 - Error during parsing: azure: "a/b" is not the name of a resource group`},
		{"same subscription twice", "privatelink {\nazure 00000000-0000-0000-0000-00000000000a\nazure 00000000-0000-0000-0000-00000000000A\n}", `Testfile:3 - Error during parsing: azure: specified more than once with the same values`},
		{"two state files", "privatelink {\nstate /a /b\n}", `Testfile:2 - Error during parsing: state: 2 values, the syntax is: state FILE`},
		{"vnet without value", "privatelink {\nvnet\n}", `Testfile:2 - Error during parsing: vnet: 0 values, the syntax is: vnet NAME|ID...`},
		{"pattern", "privatelink {\nfiles /a[\n}", `Testfile:2 - Error during parsing: files: "/a[": syntax error in pattern`},
		{"same hosts twice", "privatelink {\nhosts /a\nhosts /a\n}", `Testfile:3 - Error during parsing: hosts: specified more than once with the same values`},
		{"record without address", "privatelink {\nrecord a.blob.core.windows.net\n}", `Testfile:2 - Error during parsing: record: 1 values, the syntax is: record FQDN IP...`},
		{"record's name", "privatelink {\nrecord a_b*.blob.core.windows.net 10.0.0.1\n}", `Testfile:2 - Error during parsing: record: "a_b*.blob.core.windows.net": '*' is allowed only as the whole first label`},
		{"record's name of 300 characters", "privatelink {\nrecord " + long + " 10.0.0.1\n}", `Testfile:2 - Error during parsing: record: "` + long[:80] + `"…: a domain name has at most 253 characters, this one has 300`},
		{"record's address", "privatelink {\nrecord a.blob.core.windows.net 10.0.0.1 10.0.0\n}", `Testfile:2 - Error during parsing: record: "10.0.0" is not an IP address`},
		{"record's address of no host", "privatelink {\nrecord a.blob.core.windows.net 0.0.0.0\n}", `Testfile:2 - Error during parsing: record: "0.0.0.0" is not the address of a host`},
		{"record outside the zones", "privatelink {\nfiles /a\nrecord a.file.core.windows.net 10.0.0.1\n}", `Testfile:3 - Error during parsing: record: "a.file.core.windows.net" is in none of the zones: add privatelink.file.core.windows.net to the zones of privatelink`},
		{"record of another cloud", "privatelink {\nfiles /a\nrecord a.blob.core.usgovcloudapi.net 10.0.0.1\n}", `Testfile:3 - Error during parsing: record: "a.blob.core.usgovcloudapi.net" is in none of the zones: set cloud usgov`},
		{"no duration", "privatelink {\nttl 60\n}", `Testfile:2 - Error during parsing: ttl: "60" is not a duration, such as 60s or 5m`},
		{"ttl too short", "privatelink {\nttl 10ms\n}", `Testfile:2 - Error during parsing: ttl: 10ms is below the minimum of 1s`},
		{"ttl too long", "privatelink {\nttl 48h\n}", `Testfile:2 - Error during parsing: ttl: 48h is above the maximum of 24h0m0s`},
		{"refresh too short", "privatelink {\nrefresh 10ms\n}", `Testfile:2 - Error during parsing: refresh: 10ms is below the minimum of 1s`},
		{"refresh too long", "privatelink {\nrefresh 2h\n}", `Testfile:2 - Error during parsing: refresh: 2h is above the maximum of 1h0m0s`},
		{"strict for no zone of ours", "privatelink {\nfiles /a\nstrict privatelink.file.core.windows.net\n}", `Testfile:3 - Error during parsing: strict: "privatelink.file.core.windows.net" is not one of the zones`},
		{"fallthrough for no name", "privatelink {\nfiles /a\nfallthrough a..b\n}", `Testfile:3 - Error during parsing: fallthrough: "a..b": a label is empty`},
		{"strict and fallthrough for one zone", "privatelink {\nfiles /a\nstrict privatelink.blob.core.windows.net\nfallthrough privatelink.blob.core.windows.net\n}", `Testfile:4 - Error during parsing: fallthrough: "privatelink.blob.core.windows.net" has its rule already`},
		{"strict and fallthrough for all", "privatelink {\nfiles /a\nstrict\nfallthrough\n}", `Testfile:3 - Error during parsing: strict: strict and fallthrough cannot both be for all zones`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := parse(caddy.NewTestController("dns", tc.corefile), "")
			if err == nil || err.Error() != tc.want {
				t.Errorf("\n got %v\nwant %s", err, tc.want)
			}
		})
	}
}

// claimed is the error of two zones that claim the names below one suffix.
func claimed(zone, other, suffix, unneeded, needed string) string {
	return fmt.Sprintf("Testfile:1 - Error during parsing: zone: %s and %s both claim the names below %s: remove %s, Azure has these names in %s", zone, other, suffix, unneeded, needed)
}

func TestStrictAndFallthrough(t *testing.T) {
	const vault, blob, queue = "x.privatelink.we.backup.windowsazure.com.", "x.privatelink.blob.core.windows.net.", "x.privatelink.queue.core.windows.net."
	for _, tc := range []struct{ name, properties, nxdomain string }{
		{"by default Backup zones are strict", "", vault},
		{"strict for all", "strict", vault + " " + blob + " " + queue},
		{"strict for one", "strict privatelink.queue.core.windows.net", vault + " " + queue},
		{"fallthrough for all", "fallthrough", ""},
		{"fallthrough for one", "fallthrough privatelink.we.backup.windowsazure.com", ""},
		{"strict for all but one", "strict\nfallthrough privatelink.blob.core.windows.net", vault + " " + queue},
		{"fallthrough for all but one", "fallthrough\nstrict privatelink.blob.core.windows.net", blob},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := start(t, "privatelink {\ngeo we\nrecord a.blob.core.windows.net 10.0.0.1\n"+tc.properties+"\n}", upstream(parseReply(t, "NOERROR: x. 60 A 192.0.2.1")))
			var got []string
			for _, name := range []string{vault, blob, queue} {
				if strings.HasPrefix(show(ask(t, p, query(name, "A"))), "NXDOMAIN aa:") {
					got = append(got, name)
				}
			}
			if !slices.Equal(got, strings.Fields(tc.nxdomain)) {
				t.Errorf("NXDOMAIN for %s; want it for %s", got, tc.nxdomain)
			}
		})
	}
}

// FuzzParse asserts that parsing does not panic and that an accepted block can be
// served.
func FuzzParse(f *testing.F) {
	_, body, _ := strings.Cut(estate, "\n")
	f.Add("privatelink.fall.test {\n" + body)
	f.Add("{\ngeo we\ncloud usgov\nfiles /a*\nhosts /b\nrecord a.blob.core.windows.net 10.0.0.1\nttl 1m\nrefresh 5s\nstrict\nfallthrough privatelink.blob.core.windows.net\n}")
	f.Add("{\nrecord a.b.we.backup.windowsazure.com ::1\n}")
	f.Fuzz(func(t *testing.T, block string) {
		cfg, err := parse(caddy.NewTestController("dns", "privatelink "+block), "")
		if err != nil {
			return
		}
		if len(cfg.sources) == 0 {
			t.Error("a block without a source is accepted")
		}
		for _, src := range cfg.sources {
			config := src.Config()
			if cfg.zones.TTL < 1 || !config.Static && config.Interval < time.Second || config.Name == "" {
				t.Errorf("ttl %d, source %q every %s", cfg.zones.TTL, config.Name, config.Interval)
			}
		}
	})
}

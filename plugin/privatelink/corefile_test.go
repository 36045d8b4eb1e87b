package privatelink

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

func TestParse(t *testing.T) {
	const (
		zones     = "privatelink.blob.core.windows.net privatelink.queue.core.windows.net privatelink.siterecovery.windowsazure.com"
		zonesGov  = "privatelink.blob.core.usgovcloudapi.net privatelink.queue.core.usgovcloudapi.net privatelink.siterecovery.windowsazure.us"
		zonesCN   = "privatelink.blob.core.chinacloudapi.cn privatelink.queue.core.chinacloudapi.cn"
		vaults    = "privatelink.we.backup.windowsazure.com privatelink.eus2.backup.windowsazure.com"
		nested    = "privatelink.azurecr.io privatelink.weu.azurecr.io privatelink.aprivatelink.test"
		more      = "privatelink.file.core.windows.net. PRIVATELINK.vaultcore.azure.net privatelink.blob.core.windows.net"
		zonesMore = zones + " privatelink.file.core.windows.net privatelink.vaultcore.azure.net"
		endpoints = "privatelink.blob.storage.azure.net"
		record    = "\nrecord a.blob.core.windows.net 10.0.0.1\n}"
		id        = "00000000-0000-0000-0000-00000000000a"
	)
	for _, tc := range []struct{ name, block, want string }{
		{"defaults", "{" + record, zones + " | record Testfile:2 | 1m0s 0s"},
		{"geo", "{\ngeo we EUS2" + record, zones + " " + vaults + " | record Testfile:3 | 1m0s 0s"},
		{"zones beside the defaults", more + " {" + record, zonesMore + " | record Testfile:2 | 1m0s 0s"},
		{"Backup zone of a code that the table lacks", "privatelink.new1.backup.windowsazure.com {" + record, zones + " privatelink.new1.backup.windowsazure.com | record Testfile:2 | 1m0s 0s"},
		{"zones near each other", nested + " {\nrecord a.weu.azurecr.io 10.0.0.1\n}", zones + " " + nested + " | record Testfile:2 | 1m0s 0s"},
		{"a Backup zone by geo and by name", "privatelink.we.backup.windowsazure.com {\ngeo we" + record, zones + " privatelink.we.backup.windowsazure.com | record Testfile:3 | 1m0s 0s"},
		{"DNS zone endpoints of a different cloud", endpoints + " {\ncloud usgov\nrecord a.blob.storage.azure.net 10.0.0.1\n}", zonesGov + " " + endpoints + " | record Testfile:3 | 1m0s 0s"},
		{"cloud below geo", "{\ngeo ugv\ncloud usgov\nrecord a.queue.core.usgovcloudapi.net 10.0.0.1\n}", zonesGov + " privatelink.ugv.backup.windowsazure.us | record Testfile:4 | 1m0s 0s"},
		{"China", "{\ncloud china\ngeo bjb\nrecord a.blob.core.chinacloudapi.cn 10.0.0.1\n}", zonesCN + " privatelink.bjb.backup.windowsazure.cn | record Testfile:4 | 1m0s 0s"},
		{"sources in order", "{\nhosts /h*\nrecord a.blob.core.windows.net ::1\nfiles /a /b/*\nrecord b.blob.core.windows.net ::1\n}", zones + " | hosts /h*, record Testfile:3, files /a /b/* | 1m0s 2s"},
		{"relative paths begin at root", "{\nfiles a.json /b.json\n}", zones + " | files /etc/a.json /b.json | 1m0s 2s"},
		{"Azure", "{\nazure 00000000-0000-0000-0000-00000000000A rg-1 rg_2\nstate /s\n}", zones + " | azure " + id + " rg-1 rg_2 | 1m0s 1m0s"},
		{"virtual networks below their sources", "{\nfiles /a\nazure " + id + "\nvnet hub /s/x\n}", zones + " | files /a vnet hub /s/x, azure " + id + " vnet hub /s/x | 1m0s 2s"},
		{"private Resource Manager", "{\ncloud https://arm.example\nazure " + id + "\nrefresh 5m\n}", zones + " | azure " + id + " cloud https://arm.example | 1m0s 5m0s"},
		{"zone files", "{\nzonefile *.zone\nzonefile /z\n}", zones + " | zonefile /etc/*.zone, zonefile /z | 1m0s 2s"},
		{"durations", "{\nttl 5m\nrefresh 1s\nfiles /a\n}", zones + " | files /a | 5m0s 1s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, err := parse(caddy.NewTestController("dns", "privatelink "+tc.block), "/etc")
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
			ttl, interval := time.Duration(cfg.zones.TTL)*time.Second, cfg.sources[0].Config().Interval
			got := fmt.Sprintf("%s | %s | %s %s", strings.Join(zones, " "), strings.Join(sources, ", "), ttl, interval)
			if got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

// The word all adds the zones of the table after the default ones.
func TestParseAll(t *testing.T) {
	for corefile, want := range map[string]string{
		"privatelink {\nfiles /a\n}":                                           "3 false",
		"privatelink all {\nfiles /a\n}":                                       "80 true",
		"privatelink all {\nfiles /a\ncloud usgov\n}":                          "51 true",
		"privatelink all {\nfiles /a\ncloud china\n}":                          "32 true",
		"privatelink all {\nfiles /a\ncloud https://arm.example\n}":            "80 true",
		"privatelink all privatelink.corp.example all {\nfiles /a\n}":          "81 true",
		"privatelink privatelink.azurecr.io all {\ngeo we\nfiles /a\n}":        "81 true",
		"privatelink privatelink-global.wvd.microsoft.com {\nfiles /a\n}":      "4 false",
		"privatelink all {\nrecord x.westeurope.azmk8s.io 10.0.0.1\n}":         "80 true",
		"privatelink all {\nfiles /a\nstrict privatelink.azurewebsites.net\n}": "80 true",
	} {
		cfg, err := parse(caddy.NewTestController("dns", corefile), "")
		if err != nil {
			t.Errorf("%q: %v", corefile, err)
			continue
		}
		if got := fmt.Sprint(len(cfg.zones.Zones), cfg.zones.All); got != want {
			t.Errorf("%q: %s; want %s", corefile, got, want)
		}
	}
}

func TestParseFailClosed(t *testing.T) {
	for corefile, want := range map[string]bool{"privatelink {\nfiles /a\n}": false, "privatelink {\nfiles /a\nfail_closed\n}": true} {
		if cfg, err := parse(caddy.NewTestController("dns", corefile), ""); err != nil || cfg.zones.FailClosed != want {
			t.Errorf("%q: %v; want FailClosed %t", corefile, err, want)
		}
	}
}

// Each rule of the grammar has a row, and the whole message is compared.
// properties are all properties of the plugin.
const properties = "azure, cloud, fail_closed, fallthrough, files, geo, hosts, on_demand, protect, ptr, record, refresh, state, strict, ttl, vnet, zonefile"

func TestParseErrors(t *testing.T) {
	const (
		region   = "privatelink.canadacentral.backup.windowsazure.com"
		twice    = "privatelink.PrivateLink.vaultcore.azure.net"
		inside   = "privatelink.we.privatelink.siterecovery.windowsazure.com"
		hasTwice = `" has the label privatelink more than once, do you mean `
		outside  = ` is in none of the zones: `
		addFile  = "add privatelink.file.core.windows.net to the zones of privatelink"
		backup   = "backup.windowsazure.us"
		global   = "privatelink-global.wvd.azure.us"
		blob     = "privatelink.blob.core.windows.net"
	)
	long := strings.Repeat("a", 300)
	for _, tc := range []struct {
		name, block string
		line        int
		want        string
	}{
		{"no source", "{\ngeo we\n}", 1, `no source: add azure, files, hosts, zonefile or record`},
		{"value of a property without values", "{\nfiles /a\nfail_closed on\n}", 3, `fail_closed: 1 value, the syntax is: fail_closed`},
		{"no block", "", 1, `no source: add azure, files, hosts, zonefile or record`},
		{"twice in a server block", "{\nfiles /a\n}\nprivatelink {\nfiles /a\n}", 4, `privatelink: specified more than once in a server block`},
		{"property with a block", "{\nfiles /a {\nttl 1m\n}\n}", 5, `"}" is not expected, no property has a block of its own`},
		{"zone without a parent", "privatelink.net {\nfiles /a\n}", 1, `zone: "privatelink.net": a zone such as privatelink.blob.core.windows.net is expected`},
		{"zone that is the label alone", "privatelink. {\nfiles /a\n}", 1, `zone: "privatelink.": a zone such as privatelink.blob.core.windows.net is expected`},
		{"unknown property", "{\nzones x\n}", 2, "zones: unknown property, the known ones are " + properties},
		{"record of a misspelt zone", "{\nrecord a.blob.core.window.net 10.0.0.1\n}", 2, `record: "a.blob.core.window.net" is in none of the zones, do you mean ` + blob + `?`},
		{"misspelt property", "{\non-demand off\n}", 2, "on-demand: unknown property, do you mean on_demand? The known ones are " + properties},
		{"property in upper case", "{\nPTR\n}", 2, "PTR: unknown property, do you mean ptr? The known ones are " + properties},
		{"property twice", "{\nttl 1m\nttl 2m\n}", 3, `ttl: specified more than once`},
		{"no value", "{\ngeo\n}", 2, `geo: no value, the syntax is: geo GEO...`},
		{"too many values", "{\nttl 1m 2m\n}", 2, `ttl: 2 values, the syntax is: ttl DURATION`},
		{"zone without privatelink", "blob.core.windows.net {\nfiles /a\n}", 1, `zone: "blob.core.windows.net" does not begin with "privatelink.", do you mean "privatelink.blob.core.windows.net"?`},
		{"zone that is a wildcard", "privatelink.*.net {\nfiles /a\n}", 1, `zone: "privatelink.*.net": '*' is not allowed in a domain name`},
		{"wildcard as a zone", "*.privatelink.vaultcore.azure.net {\nfiles /a\n}", 1, `zone: "*.privatelink.vaultcore.azure.net": '*' is not allowed in a domain name`},
		{"zone is not a domain name", "privatelink..net {\nfiles /a\n}", 1, `zone: "privatelink..net": a label is empty`},
		{"Backup zone of a region name", region + " {\nfiles /a\n}", 1, `zone: "` + region + `": "canadacentral" is a region, its geo code is "cnc"`},
		{"label privatelink twice", twice + " {\nfiles /a\n}", 1, `zone: "` + twice + hasTwice + `"privatelink.vaultcore.azure.net"?`},
		{"geo before privatelink in a zone", inside + " {\nfiles /a\n}", 1, `zone: "` + inside + hasTwice + `"privatelink.siterecovery.windowsazure.com"?`},
		{"Key Vault twice", "privatelink.vaultcore.azure.net privatelink.vault.azure.net {\nfiles /a\n}", 1, claimed("vault.azure.net", "vaultcore.azure.net", "vault.azure.net")},
		{"Key Vault twice, cloud below", "privatelink.vault.azure.cn privatelink.vaultcore.azure.cn {\nfiles /a\ncloud china\n}", 1, claimed("vaultcore.azure.cn", "vault.azure.cn", "vault.azure.cn")},
		{"zone of DNS zone endpoints", "privatelink.blob.storage.azure.net {\nfiles /a\n}", 1, claimed("blob.storage.azure.net", "blob.core.windows.net", "blob.storage.azure.net")},
		{"zone of Backup in all regions, cloud below", "privatelink.backup.windowsazure.us {\nfiles /a\ncloud usgov\n}", 1, claimed(backup, "GEO."+backup, backup)},
		{"all zones, and a plain zone above regional ones", "all privatelink.kusto.windows.net {\nfiles /a\n}", 1, claimed("kusto.windows.net", "REGION.kusto.windows.net", "kusto.windows.net")},
		{"a zone that is within another one", "scm.privatelink.azurewebsites.net {\nfiles /a\n}", 1, within("scm.privatelink.azurewebsites.net", "azurewebsites.net")},
		{"the same with all zones", "all westeurope.data.privatelink.azurecr.io {\nfiles /a\n}", 1, within("westeurope.data.privatelink.azurecr.io", "azurecr.io")},
		{"a global zone of a different cloud", global + " {\nfiles /a\n}", 1, `zone: "` + global + `" does not begin with "privatelink.", do you mean "privatelink.` + global + `"?`},
		{"all as a zone of strict", "{\nfiles /a\nstrict all\n}", 3, `strict: "all" is not one of the zones: for all zones, write no value`},
		{"region as geo", "{\nfiles /a\n\ngeo we eastus\n}", 4, `geo: "eastus" is a region, its geo code is "eus"`},
		{"unknown geo", "{\ngeo westeurop\nfiles /a\n}", 2, `geo: "westeurop" is no geo code of the public cloud, the nearest are "we" (westeurope), "wus" (westus), "wus2" (westus2)`},
		{"geo with a Kelvin sign", "{\ngeo u\u212A\nfiles /a\n}", 2, `geo: "uK" is no geo code of the public cloud, the nearest are "uac" (uaecentral), "uan" (uaenorth), "uks" (uksouth)`},
		{"region with a Kelvin sign", "{\ngeo u\u212Asouth\nfiles /a\n}", 2, `geo: "uKsouth" is no geo code of the public cloud, the nearest are "uks" (uksouth), "krs" (koreasouth), "uan" (uaenorth)`},
		{"geo of a different cloud", "{\ngeo eus\ncloud usgov\nfiles /a\n}", 2, `geo: "eus" is a geo code of the public cloud (eastus), the cloud here is usgov`},
		{"unknown cloud", "{\ncloud AzureCloud\n}", 2, `cloud: "AzureCloud" is no cloud: use public, usgov, china or the URL of a Resource Manager`},
		{"Resource Manager without TLS", "{\ncloud http://arm.example\n}", 2, `cloud: "http://arm.example": a token is sent over https only`},
		{"invalid resource group", "{\nazure 00000000-0000-0000-0000-00000000000a a/b\n}", 2, `azure: "a/b" is not the name of a resource group`},
		{"same subscription twice", "{\nazure 00000000-0000-0000-0000-00000000000a\nazure 00000000-0000-0000-0000-00000000000A\n}", 3, `azure: specified more than once with the same values`},
		{"two state files", "{\nstate /a /b\n}", 2, `state: 2 values, the syntax is: state FILE`},
		{"vnet without value", "{\nvnet\n}", 2, `vnet: no value, the syntax is: vnet NAME|ID...`},
		{"invalid pattern", "{\nfiles /a[\n}", 2, `files: "/a[": syntax error in pattern`},
		{"same hosts twice", "{\nhosts /a\nhosts /a\n}", 3, `hosts: specified more than once with the same values`},
		{"zonefile without value", "{\nzonefile\n}", 2, `zonefile: no value, the syntax is: zonefile GLOB...`},
		{"same zone files twice", "{\nzonefile /a\nzonefile /a\n}", 3, `zonefile: specified more than once with the same values`},
		{"state among the zone files", "{\nzonefile /a/*\nstate /a/s\n}", 3, `state: "/a/s": zonefile /a/* matches /a/s, which is not a source: write the state to another folder`},
		{"record without address", "{\nrecord a.blob.core.windows.net\n}", 2, `record: 1 value, the syntax is: record FQDN IP...`},
		{"record's name is invalid", "{\nrecord a_b*.blob.core.windows.net 10.0.0.1\n}", 2, `record: "a_b*.blob.core.windows.net": '*' is allowed only as the whole first label`},
		{"record's name of 300 characters", "{\nrecord " + long + " 10.0.0.1\n}", 2, `record: "` + long[:80] + `"…: a domain name has at most 253 characters, this one has 300`},
		{"record's address is invalid", "{\nrecord a.blob.core.windows.net 10.0.0.1 10.0.0\n}", 2, `record: "10.0.0" is not an IP address`},
		{"record's address is unspecified", "{\nrecord a.blob.core.windows.net 0.0.0.0\n}", 2, `record: "0.0.0.0" is not the address of a host`},
		{"record outside the zones", "{\nfiles /a\nrecord a.file.core.windows.net 10.0.0.1\n}", 3, `record: "a.file.core.windows.net"` + outside + addFile},
		{"record of a different cloud", "{\nfiles /a\nrecord a.blob.core.usgovcloudapi.net 10.0.0.1\n}", 3, `record: "a.blob.core.usgovcloudapi.net"` + outside + `set cloud usgov`},
		{"ttl is not a duration", "{\nttl 60\n}", 2, `ttl: "60" is not a duration, such as 60s or 5m`},
		{"ttl too short", "{\nttl 10ms\n}", 2, `ttl: 10ms is below the minimum of 1s`},
		{"ttl too long", "{\nttl 48h\n}", 2, `ttl: 48h is above the maximum of 24h`},
		{"refresh too short", "{\nrefresh 10ms\n}", 2, `refresh: 10ms is below the minimum of 1s`},
		{"syncs on demand, not a number", "{\non_demand x\n}", 2, `on_demand: "x" is not a number: write 1 to 60, or off`},
		{"syncs on demand, none", "{\non_demand 0\n}", 2, `on_demand: 0 is below the minimum of 1: write 1 to 60, or off`},
		{"syncs on demand, too many", "{\non_demand 61\n}", 2, `on_demand: 61 is above the maximum of 60: write 1 to 60, or off`},
		{"protect without a grade", "{\nprotect\n}", 2, "protect: no value, the syntax is: protect known|backup..."},
		{"protect of an unknown grade", "{\nprotect known all\n}", 2, `protect: "all" is not a grade, the grades are known and backup`},
		{"refresh too long", "{\nrefresh 2h\n}", 2, `refresh: 2h is above the maximum of 1h`},
		{"strict for a zone not configured", "{\nfiles /a\nstrict privatelink.azurecr.io\n}", 3, `strict: "privatelink.azurecr.io" is not one of the zones: add it to the zones of privatelink`},
		{"strict for the public names of a zone", "{\nfiles /a\nstrict blob.core.windows.net\n}", 3, `strict: "blob.core.windows.net" is not one of the zones, do you mean "` + blob + `"?`},
		{"strict for a zone of its own", "{\nfiles /a\nstrict corp.example\n}", 3, `strict: "corp.example" is not one of the zones`},
		{"all zones in upper case", "ALL {\nfiles /a\n}", 1, `zone: "ALL": write all for every zone of Microsoft's table`},
		{"record with the address first", "{\nrecord 10.0.0.1 a.blob.core.windows.net\n}", 2, `record: "10.0.0.1" is an address in the place of the name: write the name before its addresses`},
		{"record with a comma", "{\nrecord a.blob.core.windows.net 10.0.0.1,10.0.0.2\n}", 2, `record: "10.0.0.1,10.0.0.2" is not an IP address: separate addresses with a space`},
		{"fallthrough for an invalid name", "{\nfiles /a\nfallthrough a..b\n}", 3, `fallthrough: "a..b": a label is empty`},
		{"strict and fallthrough for one zone", "{\nfiles /a\nstrict " + blob + "\nfallthrough " + blob + "\n}", 4, `fallthrough: "` + blob + `" has its rule already`},
		{"strict and fallthrough for all", "{\nfiles /a\nstrict\nfallthrough\n}", 3, `strict: strict and fallthrough cannot both be for all zones`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := parse(caddy.NewTestController("dns", "privatelink "+tc.block), "")
			want := fmt.Sprintf("Testfile:%d - Error during parsing: %s", tc.line, tc.want)
			if err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

// claimed returns the error that the zones of two suffixes claim the same names.
// The zone of claimed itself is the one to remove.
func within(zone, in string) string {
	return fmt.Sprintf("zone: %q has no records of its own, Azure has its names in privatelink.%s: add privatelink.%s", zone, in, in)
}

func claimed(suffix, other, claimed string) string {
	needed := other
	if other == claimed {
		needed = suffix
	}
	return fmt.Sprintf("zone: privatelink.%s and privatelink.%s both claim the names below %s: "+
		"remove privatelink.%s, Azure has these names in privatelink.%s", suffix, other, claimed, claimed, needed)
}

func TestStrictAndFallthrough(t *testing.T) {
	const (
		vault = "x.privatelink.we.backup.windowsazure.com."
		blob  = "x.privatelink.blob.core.windows.net."
		queue = "x.privatelink.queue.core.windows.net."
	)
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
			corefile := "privatelink {\ngeo we\nrecord a.blob.core.windows.net 10.0.0.1\n" + tc.properties + "\n}"
			p := start(t, corefile, upstream(parseReply(t, "NOERROR: x. A 192.0.2.1")))
			var got []string
			for _, name := range []string{vault, blob, queue} {
				if strings.HasPrefix(dnstest.Brief(ask(t, p, query(name, "A"))), "NXDOMAIN aa:") {
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
	_, body, _ := strings.Cut(testCorefile, "\n")
	f.Add("privatelink.fall.test {\n" + body)
	f.Add("{\ngeo we\ncloud usgov\nfiles /a*\nhosts /b\nrecord a.blob.core.windows.net 10.0.0.1\nttl 1m\nrefresh 5s\n" +
		"strict\nfallthrough privatelink.blob.core.windows.net\n}")
	f.Add("{\nrecord a.b.we.backup.windowsazure.com ::1\n}")
	f.Add("all privatelink.weu.azurecr.io {\nptr\nstrict privatelink.westeurope.azmk8s.io\nrecord a.z6.web.core.windows.net 10.0.0.1\n}")
	f.Add("scm.privatelink.azurewebsites.net {\nfiles /a\n}")
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

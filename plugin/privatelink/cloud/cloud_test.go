package cloud

import (
	"slices"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

func TestParse(t *testing.T) {
	for _, want := range []Cloud{Public, USGov, China} {
		if got, err := Parse(want.Name); got != want || err != nil {
			t.Errorf("Parse(%q) = %v, %v; want %v", want.Name, got, err, want)
		}
	}
	if _, err := Parse("AzureCloud"); err == nil || err.Error() != `"AzureCloud" is no cloud: use public, usgov, china or the URL of a Resource Manager` {
		t.Errorf("Parse(AzureCloud) error = %v", err)
	}
}

func TestCheckGeo(t *testing.T) {
	for _, tc := range []struct {
		name    string
		cloud   Cloud
		in, err string
	}{
		{"code", Public, "eus", ""},
		{"two-letter code", Public, "we", ""},
		{"newer code of Spain Central", Public, "spc", ""},
		{"older code of Spain Central", Public, "esc", ""},
		{"paired secondary code", Public, "eusr", ""},
		{"US Gov code", USGov, "ugv", ""},
		{"China code", China, "bjb2", ""},
		{"region", Public, "eastus", `"eastus" is a region, its geo code is "eus"`},
		{"region in the spelling of the portal", Public, "Canada Central", `"Canada Central" is a region, its geo code is "cnc"`},
		{"region with two codes", Public, "spaincentral", `"spaincentral" is a region, its geo code is "spc"`},
		{"region that is also in a paired row", Public, "westus", `"westus" is a region, its geo code is "wus"`},
		{"US Gov region", USGov, "usgovvirginia", `"usgovvirginia" is a region, its geo code is "ugv"`},
		{"code of a different cloud", Public, "ugv", `"ugv" is a geo code of the usgov cloud (usgovvirginia), the cloud here is public`},
		{"region of a different cloud", China, "eastus", `"eastus" is a region of the public cloud, the cloud here is china`},
		{"unknown code", Public, "cc", `"cc" is no geo code of the public cloud, the nearest are "ccy" (centraluseuap), "clc" (chilecentral), "cnc" (canadacentral)`},
		{"misspelt region", Public, "westeurop", `"westeurop" is no geo code of the public cloud, the nearest are "we" (westeurope), "wus" (westus), "wus2" (westus2)`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if err := tc.cloud.CheckGeo(tc.in); err != nil {
				got = err.Error()
			}
			if got != tc.err {
				t.Errorf("CheckGeo(%q) = %s; want %s", tc.in, got, tc.err)
			}
		})
	}
}

// A typing error in the table would break one of these facts.
func TestGeoTable(t *testing.T) {
	count, codes := map[string]int{}, map[string]bool{}
	for _, g := range geos {
		count[g.cloud]++
		if codes[g.code] {
			t.Errorf("geo code %q is repeated", g.code)
		}
		codes[g.code] = true
		if _, err := dnsname.Parse(g.code + "." + g.region); err != nil {
			t.Errorf("geo code %q, region %q: %v", g.code, g.region, err)
		}
	}
	for cloud, want := range map[string]int{"public": 127, "usgov": 12, "china": 10} {
		if count[cloud] != want {
			t.Errorf("%d geo codes of %s; want %d", count[cloud], cloud, want)
		}
	}
}

func TestBackupZone(t *testing.T) {
	for _, c := range []Cloud{Public, USGov, China} {
		if geo, ok := c.BackupGeo(c.BackupZone("eus")); geo != "eus" || !ok {
			t.Errorf("%s: BackupGeo(BackupZone(eus)) = %q, %v", c.Name, geo, ok)
		}
	}
	for _, not := range []dnsname.Name{
		"privatelink.blob.core.windows.net.", "backup.windowsazure.com.", "eus.backup.windowsazure.com.", "privatelink.backup.windowsazure.com.",
		"privatelink.privatelink.backup.windowsazure.com.", "privatelink.a.eus.backup.windowsazure.com.",
	} {
		if geo, ok := Public.BackupGeo(not); ok {
			t.Errorf("BackupGeo(%q) = %q, true; want false", not, geo)
		}
	}
}

func TestPublicZones(t *testing.T) {
	for _, tc := range []struct {
		zone dnsname.Name
		want []dnsname.Name
	}{
		{"privatelink.blob.core.windows.net.", []dnsname.Name{"blob.core.windows.net."}},
		{"privatelink.eus.backup.windowsazure.com.", []dnsname.Name{"eus.backup.windowsazure.com."}},
		{"privatelink.vaultcore.azure.net.", []dnsname.Name{"vault.azure.net.", "vaultcore.azure.net."}},
	} {
		if got := PublicZones(tc.zone); !slices.Equal(got, tc.want) {
			t.Errorf("PublicZones(%q) = %q; want %q", tc.zone, got, tc.want)
		}
	}
}

func TestGeos(t *testing.T) {
	for _, tt := range []struct {
		cloud Cloud
		code  string
		want  int
	}{{Public, "we", 1}, {Public, "ugv", 0}, {USGov, "ugv", 1}, {USGov, "we", 0}, {Cloud{}, "we", 0}} {
		n := 0
		for _, code := range tt.cloud.Geos() {
			if code == tt.code {
				n++
			}
		}
		if n != tt.want {
			t.Errorf("%s: %d times %s in Geos(); want %d", tt.cloud.Name, n, tt.code, tt.want)
		}
	}
}

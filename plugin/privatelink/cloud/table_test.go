package cloud

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// Every name of the table is a valid domain name in lower case, and no zone is repeated.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	braces := strings.NewReplacer("{", "", "}", "")
	for _, r := range Table() {
		names := []string{braces.Replace(r.Zone)}
		for _, rule := range r.Rules {
			names = append(names, string(rule.Suffix), string(rule.Suffix[rule.Kept:]))
		}
		for _, name := range names {
			if _, err := dnsname.Parse(name); err != nil {
				t.Errorf("%s: %v", r.Zone, err)
			}
		}
		if seen[r.Zone] {
			t.Errorf("%s is repeated", r.Zone)
		}
		seen[r.Zone] = true
		if r.Within != "" && !strings.HasSuffix(r.Zone, "."+r.Within) {
			t.Errorf("%s is not below %s", r.Zone, r.Within)
		}
		if r.Service == "" || !strings.Contains("."+r.Zone, ".privatelink") {
			t.Errorf("%+v: a service and a zone of private link are expected", r)
		}
	}
	for _, c := range All() {
		if n, want := len(c.Zones()), map[string]int{"public": 80, "usgov": 51, "china": 32}[c.Name]; n != want {
			t.Errorf("%d zones of %s; want %d", n, c.Name, want)
		}
		for _, zone := range c.Defaults() {
			if !slices.Contains(c.Zones(), zone) {
				t.Errorf("the table lacks the default zone %s", zone)
			}
		}
	}
}

func TestForms(t *testing.T) {
	for _, tt := range []struct {
		cloud Cloud
		want  string
	}{
		{Public, "GEO.backup.windowsazure.com REGION.kusto.windows.net REGION.azmk8s.io REGION.azurecontainerapps.io " +
			"PREFIX.database.windows.net REGION.prometheus.monitor.azure.com NUMBER.azurestaticapps.net"},
		{USGov, "GEO.backup.windowsazure.us PREFIX.database.usgovcloudapi.net"},
		{China, "GEO.backup.windowsazure.cn REGION.kusto.windows.cn"},
		{Cloud{}, ""},
	} {
		var got []string
		for _, f := range tt.cloud.Forms() {
			got = append(got, f.Word+"."+f.Suffix.String())
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %s; want %s", tt.cloud.Name, strings.Join(got, " "), tt.want)
		}
	}
}

func TestLabelOfForm(t *testing.T) {
	const apps, kusto = "azurestaticapps.net.", "kusto.windows.net."
	for _, tt := range []struct {
		name  string
		form  Form
		zone  dnsname.Name
		label string // empty: another zone
	}{
		{"region", Form{Suffix: kusto}, "privatelink.westeurope.kusto.windows.net.", "westeurope"},
		{"number", Form{Suffix: apps, Number: true}, "privatelink.3.azurestaticapps.net.", "3"},
		{"no number", Form{Suffix: apps, Number: true}, "privatelink.westus2.azurestaticapps.net.", ""},
		{"two labels", Form{Suffix: kusto}, "privatelink.a.westeurope.kusto.windows.net.", ""},
		{"no label", Form{Suffix: kusto}, "privatelink.kusto.windows.net.", ""},
		{"privatelink as the label", Form{Suffix: kusto}, "privatelink.privatelink.kusto.windows.net.", ""},
		{"the suffix", Form{Suffix: kusto}, kusto, ""},
		{"without privatelink", Form{Suffix: kusto}, "westeurope.kusto.windows.net.", ""},
	} {
		if got, ok := tt.form.Label(tt.zone); got != tt.label && ok || ok != (tt.label != "") {
			t.Errorf("%s: Label(%q) = %q, %v; want %q", tt.name, tt.zone, got, ok, tt.label)
		}
	}
}

func TestRules(t *testing.T) {
	for _, tt := range []struct {
		name, zone, want string
	}{
		{"a zone that the table lacks", "privatelink.corp.example.", "0 corp.example."},
		{"a zone with one public zone", "privatelink.azurecr.io.", "0 azurecr.io."},
		{"Key Vault has two", "privatelink.vaultcore.azure.net.", "0 vault.azure.net., 0 vaultcore.azure.net."},
		{"SignalR in China has two", "privatelink.signalr.azure.cn.", "0 service.signalr.azure.cn., 0 signalr.azure.cn."},
		{"storage", "privatelink.dfs.core.windows.net.", "0 dfs.core.windows.net., 1 dfs.storage.azure.net."},
		{"static websites", "privatelink.web.core.windows.net.", "0 web.core.windows.net., 2 web.core.windows.net., 1 web.storage.azure.net."},
		{"US Government has no DNS zone endpoints", "privatelink.blob.core.usgovcloudapi.net.", "0 blob.core.usgovcloudapi.net."},
		{"Purview has two, one for few names", "privatelink.purviewstudio.azure.com.", "0 purviewstudio.azure.com., 4 web.+purview.azure.com."},
		{"Virtual Desktop", "privatelink-global.wvd.microsoft.com.", "4 rdweb.+wvd.microsoft.com."},
		{"Resource Manager", string(ResourceManager), "4 management.+azure.com."},
		{"names that lead into a zone", "privatelink.monitor.azure.com.", "0 monitor.azure.com., 3 services.visualstudio.com., 3 applicationinsights.azure.com."},
	} {
		var got []string
		for _, r := range Rules(dnsname.Name(tt.zone)) {
			suffix := string(r.Suffix)
			if r.Kept > 0 {
				suffix = suffix[:r.Kept] + "+" + suffix[r.Kept:]
			}
			got = append(got, fmt.Sprintf("%d %s", r.Kind, suffix))
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, strings.Join(got, ", "), tt.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for zone, want := range map[dnsname.Name]string{
		"scm.privatelink.azurewebsites.net.":            "privatelink.azurewebsites.net",
		"westeurope.data.privatelink.azurecr.io.":       "privatelink.azurecr.io",
		"team1.privatelink.westeurope.azmk8s.io.":       "privatelink.westeurope.azmk8s.io",
		"privatelink.azurewebsites.net.":                "",
		"other.privatelink.azurewebsites.net.":          "",
		"westeurope.privatelink.azurecr.io.":            "",
		"usgovvirginia.privatelink.azurecr.us.":         "",
		"privatelink.privatelink.westeurope.azmk8s.io.": "",
	} {
		if got := Public.Within(zone); got != want {
			t.Errorf("Within(%q) = %q; want %q", zone, got, want)
		}
	}
	if got := USGov.Within("usgovvirginia.privatelink.azurecr.us."); got != "privatelink.azurecr.us" {
		t.Errorf("in US Government: %q", got)
	}
}

func TestIsVault(t *testing.T) {
	for _, tt := range []struct {
		cloud Cloud
		zone  dnsname.Name
		want  bool
	}{
		{Public, "privatelink.we.backup.windowsazure.com.", true},
		{Public, "privatelink.siterecovery.windowsazure.com.", true},
		{USGov, "privatelink.siterecovery.windowsazure.us.", true},
		{China, "privatelink.siterecovery.windowsazure.com.", false},
		{Public, "privatelink.blob.core.windows.net.", false},
		{China, Prefix, false},
	} {
		if got := tt.cloud.IsVault(tt.zone); got != tt.want {
			t.Errorf("%s: IsVault(%q) = %t", tt.cloud.Name, tt.zone, got)
		}
	}
}

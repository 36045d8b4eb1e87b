package zone

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// all returns the set of every zone of a cloud.
func all(c cloud.Cloud) *Set { return &Set{Cloud: c, Zones: c.Zones(), All: true} }

func TestOwnerOfAll(t *testing.T) {
	for _, tc := range []struct {
		name        string
		cloud       cloud.Cloud
		fqdn        dnsname.Name
		zone, owner dnsname.Name // empty if out of zone
	}{
		{"regional zone", cloud.Public, "x.westeurope.kusto.windows.net.", "privatelink.westeurope.kusto.windows.net.", "x"},
		{"regional zone, with privatelink", cloud.Public, "x.privatelink.westeurope.kusto.windows.net.", "privatelink.westeurope.kusto.windows.net.", "x"},
		{"Kubernetes", cloud.Public, "aks1.privatelink.westeurope.azmk8s.io.", "privatelink.westeurope.azmk8s.io.", "aks1"},
		{"Kubernetes, subzone", cloud.Public, "aks1.team1.privatelink.westeurope.azmk8s.io.", "privatelink.westeurope.azmk8s.io.", "aks1.team1"},
		{"Container Apps, wildcard", cloud.Public, "*.env1.northeurope.azurecontainerapps.io.", "privatelink.northeurope.azurecontainerapps.io.", "*.env1"},
		{"Prometheus below a zone of Monitor", cloud.Public, "ws.eastus.prometheus.monitor.azure.com.", "privatelink.eastus.prometheus.monitor.azure.com.", "ws"},
		{"Monitor", cloud.Public, "api.monitor.azure.com.", "privatelink.monitor.azure.com.", "api"},
		{"a regional suffix", cloud.Public, "westeurope.kusto.windows.net.", "", ""},
		{"the name of a regional zone", cloud.Public, "privatelink.westeurope.kusto.windows.net.", "", ""},
		{"SQL Database", cloud.Public, "sql1.database.windows.net.", "privatelink.database.windows.net.", "sql1"},
		{"SQL Database, with privatelink", cloud.Public, "sql1.privatelink.database.windows.net.", "privatelink.database.windows.net.", "sql1"},
		{"SQL Managed Instance", cloud.Public, "mi1.0a1b2c3d4e5f.database.windows.net.", "privatelink.0a1b2c3d4e5f.database.windows.net.", "mi1"},
		{"SQL Managed Instance, with privatelink", cloud.Public, "mi1.privatelink.0a1b2c3d4e5f.database.windows.net.", "privatelink.0a1b2c3d4e5f.database.windows.net.", "mi1"},
		{"Static Web Apps", cloud.Public, "app.azurestaticapps.net.", "privatelink.azurestaticapps.net.", "app"},
		{"Static Web Apps, partition", cloud.Public, "app.3.azurestaticapps.net.", "privatelink.3.azurestaticapps.net.", "app"},
		{"Static Web Apps, a region is no partition", cloud.Public, "app-1.westus2.azurestaticapps.net.", "privatelink.azurestaticapps.net.", "app-1.westus2"},
		{"registry, data endpoint", cloud.Public, "acr.westeurope.data.azurecr.io.", registry, "acr.westeurope.data"},
		{"registry, data endpoint, with privatelink", cloud.Public, "acr.westeurope.data.privatelink.azurecr.io.", registry, "acr.westeurope.data"},
		{"web app, source control", cloud.Public, "app.scm.azurewebsites.net.", "privatelink.azurewebsites.net.", "app.scm"},
		{"web app, source control, with privatelink", cloud.Public, "app.scm.privatelink.azurewebsites.net.", "privatelink.azurewebsites.net.", "app.scm"},
		{"Virtual Desktop, global", cloud.Public, "rdweb.wvd.microsoft.com.", "privatelink-global.wvd.microsoft.com.", "rdweb"},
		{"Virtual Desktop, global, in its zone", cloud.Public, "rdweb.privatelink-global.wvd.microsoft.com.", "privatelink-global.wvd.microsoft.com.", "rdweb"},
		{"Virtual Desktop, feed", cloud.Public, "rdweb-g-eu-r1.wvd.microsoft.com.", "privatelink.wvd.microsoft.com.", "rdweb-g-eu-r1"},
		{"Purview account", cloud.Public, "acct.purview.azure.com.", "privatelink.purview.azure.com.", "acct"},
		{"Purview portal", cloud.Public, "web.purview.azure.com.", portal, "web"},
		{"Purview portal, below its name", cloud.Public, "hub.prod.ext.web.purview.azure.com.", portal, "hub.prod.ext.web"},
		{"Purview portal, other public zone", cloud.Public, "web.purviewstudio.azure.com.", portal, "web"},
		{"Purview portal, US Government", cloud.USGov, "web.purview.azure.us.", "privatelink.purviewstudio.azure.us.", "web"},
		{"Resource Manager", cloud.Public, "management.azure.com.", cloud.ResourceManager, "management"},
		{"no other name of azure.com", cloud.Public, "portal.azure.com.", "", ""},
		{"SignalR in China", cloud.China, "s.service.signalr.azure.cn.", "privatelink.signalr.azure.cn.", "s"},
		{"Data Explorer in China", cloud.China, "x.chinaeast2.kusto.windows.cn.", "privatelink.chinaeast2.kusto.windows.cn.", "x"},
		{"a zone of a different cloud", cloud.USGov, "x.vault.azure.net.", "", ""},
		{"Site Recovery", cloud.USGov, "1-asr-pod01-id1.ugv.siterecovery.windowsazure.us.", "privatelink.siterecovery.windowsazure.us.", "1-asr-pod01-id1.ugv"},
		{"static website", cloud.Public, "st.z6.web.core.windows.net.", web, "st"},
		{"static website, without its number", cloud.Public, "st.web.core.windows.net.", web, "st"},
		{"static website, two labels", cloud.Public, "a.st.z6.web.core.windows.net.", web, "a.st.z6"},
		{"static website, a wildcard has all tenants", cloud.Public, "*.z6.web.core.windows.net.", "", ""},
		{"static website, US Government", cloud.USGov, "st.z2.web.core.usgovcloudapi.net.", "privatelink.web.core.usgovcloudapi.net.", "st"},
		{"DNS zone endpoint of a static website", cloud.Public, "st.z6.web.storage.azure.net.", web, "st"},
	} {
		got, err := all(tc.cloud).OwnerOf(tc.fqdn)
		want := Owner{Zone: tc.zone}
		if tc.zone != "" {
			want.Name = tc.owner + "." + tc.zone
		}
		if got.Zone != want.Zone || got.Name != want.Name || errors.Is(err, ErrOutOfZone) != (tc.zone == "") {
			t.Errorf("%s: OwnerOf(%q) = %v, %v; want %v", tc.name, tc.fqdn, got, err, want)
		}
	}
}

// Each zone of the table is a zone of the set, and none claims a suffix of another one.
func TestAllIsConsistent(t *testing.T) {
	for _, c := range cloud.All() {
		set := &Set{Cloud: c, All: true}
		for _, zone := range c.Zones() {
			if err := set.Check(zone); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
			set.Zones = append(set.Zones, zone)
		}
		for _, zone := range c.Zones() {
			for _, public := range cloud.Rules(zone) {
				name := "q." + public.Suffix
				if public.Kind != cloud.PublicNames && public.Kind != cloud.OneName {
					continue
				}
				if o, err := set.OwnerOf(name); err != nil || o.Zone != zone {
					t.Errorf("%s: OwnerOf(%q) = %v, %v; want it in %s", c.Name, name, o, err, zone)
				}
			}
		}
	}
}

func TestCheckAgainstForms(t *testing.T) {
	const kusto = "privatelink.kusto.windows.net."
	for name, tc := range map[string]struct {
		all  bool
		zone dnsname.Name
		want string
	}{
		"a plain zone above regional ones": {true, kusto, "privatelink.kusto.windows.net and privatelink.REGION.kusto.windows.net both claim the names below " +
			"kusto.windows.net: remove privatelink.kusto.windows.net, Azure has these names in privatelink.REGION.kusto.windows.net"},
		"without all":                     {false, kusto, "<nil>"},
		"a regional zone by its name":     {true, "privatelink.westeurope.kusto.windows.net.", "<nil>"},
		"two zones of the table":          {true, "privatelink.database.windows.net.", "<nil>"},
		"a zone in a zone of the table":   {true, "privatelink.weu.azurecr.io.", "<nil>"},
		"a zone that is not in the table": {true, "privatelink.corp.example.", "<nil>"},
	} {
		set := &Set{Cloud: cloud.Public, Zones: cloud.Public.Zones(), All: tc.all}
		if got := fmt.Sprint(set.Check(tc.zone)); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tc.want)
		}
	}
}

// A regional zone begins with its first record. It is a fallthrough zone.
func TestRegionalZone(t *testing.T) {
	set := all(cloud.Public)
	b := NewBuilder(set, nil)
	add(t, b, set, "x.westeurope.kusto.windows.net.", "10.0.0.1")
	add(t, b, set, "st.web.core.windows.net.", "10.0.0.2")
	add(t, b, set, "mi1.0a1b2c3d4e5f.database.windows.net.", "10.0.0.3")
	complete, partial := b.Snapshot(true, at(1)), b.Snapshot(false, at(1))
	for _, tc := range []struct {
		name           string
		before, loaded Result
	}{
		{"x.westeurope.kusto.windows.net.", Alias, Alias},
		{"x.privatelink.westeurope.kusto.windows.net.", Success, Success},
		{"privatelink.westeurope.kusto.windows.net.", Success, Success},
		{"y.privatelink.westeurope.kusto.windows.net.", NotReady, OutOfZone},
		{"privatelink.northeurope.kusto.windows.net.", NotReady, OutOfZone},
		{"y.northeurope.kusto.windows.net.", NotReady, OutOfZone},
		{"kusto.windows.net.", OutOfZone, OutOfZone},
		{"st.z6.web.core.windows.net.", Alias, Alias},
		{"st.z22.web.core.windows.net.", Alias, Alias},
		{"other.z6.web.core.windows.net.", NotReady, OutOfZone},
		{"st.z6.web.storage.azure.net.", NotReady, OutOfZone},
		{"mi1.0a1b2c3d4e5f.database.windows.net.", Alias, Alias},
		{"sql1.database.windows.net.", NotReady, OutOfZone},
		{"fog.secondary.database.windows.net.", NotReady, OutOfZone},
		{"1-asr-pod01-id1.we.privatelink.siterecovery.windowsazure.com.", NotReady, NameError},
		{"1-asr-pod01-id1.we.siterecovery.windowsazure.com.", NotReady, OutOfZone},
		// The source azure may resolve these names by this server.
		{"gbl.his.arc.azure.com.", OutOfZone, OutOfZone},
		{"management.azure.com.", OutOfZone, OutOfZone},
		{"management.privatelink.azure.com.", OutOfZone, OutOfZone},
		{"portal.azure.com.", OutOfZone, OutOfZone},
	} {
		checkLookups(t, partial, complete, tc.name, tc.before, tc.loaded)
	}
	if z := complete.Zones["privatelink.westeurope.kusto.windows.net."]; z == nil || z.Strict {
		t.Errorf("the zone is %+v; want one that is not strict", z)
	}
}

func TestForwardOfAll(t *testing.T) {
	set := all(cloud.Public)
	for _, tc := range []struct{ fqdn, want dnsname.Name }{
		{"x.privatelink.westeurope.kusto.windows.net.", "kusto.windows.net."},
		{"x.westeurope.kusto.windows.net.", "kusto.windows.net."},
		{"web.privatelink.purviewstudio.azure.com.", "purviewstudio.azure.com."},
		{"web.purview.azure.com.", "web.purview.azure.com."},
		{"hub.prod.ext.web.purview.azure.com.", "web.purview.azure.com."},
		{"management.privatelink.azure.com.", "management.azure.com."},
		{"management.azure.com.", "management.azure.com."},
		{"st.z6.web.core.windows.net.", "web.core.windows.net."},
		{"st." + web, "web.core.windows.net."},
		{"1.we.privatelink.siterecovery.windowsazure.com.", "siterecovery.windowsazure.com."},
		{"rdweb.privatelink-global.wvd.microsoft.com.", "rdweb.wvd.microsoft.com."},
	} {
		if got := set.Forward(tc.fqdn); got != tc.want {
			t.Errorf("Forward(%q) = %q; want %q", tc.fqdn, got, tc.want)
		}
	}
	suffixes := set.PublicSuffixes()
	for _, want := range []dnsname.Name{
		"backup.windowsazure.com.", "kusto.windows.net.", "azmk8s.io.", "management.azure.com.", "web.purview.azure.com.", "services.visualstudio.com.",
		"web.storage.azure.net.", "siterecovery.windowsazure.com.", "wvd.microsoft.com.",
	} {
		if !slices.Contains(suffixes, want) {
			t.Errorf("the public suffixes lack %s", want)
		}
	}
	for _, not := range []dnsname.Name{"azure.com.", "net.", "com.", "microsoft.com.", "windows.net."} {
		if slices.Contains(suffixes, not) {
			t.Errorf("the public suffixes have %s", not)
		}
	}
}

// Each alias of a record leads to it.
func TestAliasesOfAll(t *testing.T) {
	set := all(cloud.Public)
	b := NewBuilder(set, nil)
	for _, name := range []dnsname.Name{
		"web.purview.azure.com.", "st.z6.web.core.windows.net.", "st.z7.web.storage.azure.net.", "mi1.0a1b.database.windows.net.", "rdweb.wvd.microsoft.com.",
	} {
		add(t, b, set, name, "10.0.0.1")
	}
	s := b.Snapshot(true, at(1))
	for owner, want := range map[dnsname.Name]string{
		"web." + portal: "[web.purviewstudio.azure.com web.purview.azure.com]",
		"st." + web:     "[st.web.core.windows.net st.z6.web.core.windows.net st.z7.web.storage.azure.net]",
		"mi1.privatelink.0a1b.database.windows.net.":  "[mi1.0a1b.database.windows.net]",
		"rdweb.privatelink-global.wvd.microsoft.com.": "[rdweb.wvd.microsoft.com]",
	} {
		aliases := s.Aliases()[s.Lookup(string(owner)).Record]
		if got := fmt.Sprint(aliases); got != want {
			t.Errorf("%s: %s; want %s", owner, got, want)
		}
		for _, alias := range aliases {
			if m := s.Lookup(string(alias)); m.Result != Alias || m.Target(string(alias)) != string(owner) {
				t.Errorf("Lookup(%q) = %v; want an alias of %s", alias, m, owner)
			}
		}
	}
}

func TestLookupOfAllDoesNotAllocate(t *testing.T) {
	s := NewBuilder(all(cloud.Public), nil).Snapshot(true, at(1))
	for _, name := range []string{
		"x.westeurope.kusto.windows.net.", "app.3.azurestaticapps.net.", "app.azurestaticapps.net.", "st.z6.web.core.windows.net.", "st.web.core.windows.net.",
		"web.purview.azure.com.", "hub.web.purview.azure.com.", "mi1.0a1b.database.windows.net.", "sql1.database.windows.net.", "portal.azure.com.",
	} {
		if n := testing.AllocsPerRun(100, func() { s.Lookup(name) }); n != 0 {
			t.Errorf("Lookup(%q) makes %v allocations; want 0", name, n)
		}
	}
}

package zone

import (
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

func TestAdvice(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   cloud.Cloud
		want string
	}{
		{"a.blob.core.window.net", cloud.Public, ", do you mean privatelink.blob.core.windows.net?"},
		{"a.privatelink.blob.core.windws.net", cloud.Public, ", do you mean privatelink.blob.core.windows.net?"},
		{"sql.database.windos.net", cloud.Public, ", do you mean privatelink.database.windows.net?"},
		{"kv.vaultcore.usgovcloudap.net", cloud.USGov, ", do you mean privatelink.vaultcore.usgovcloudapi.net?"},
		{"sql.database.windows.net", cloud.Public, ": add privatelink.database.windows.net to the zones of privatelink"},
		{"x.westeurope.kusto.windows.net", cloud.Public, ": add privatelink.westeurope.kusto.windows.net to the zones of privatelink"},
		{"mi1.0a1b2c3d.database.windows.net", cloud.Public, ": add privatelink.0a1b2c3d.database.windows.net to the zones of privatelink"},
		{"st.blob.core.usgovcloudapi.net", cloud.Public, ": set cloud usgov"},
		{"host.corp.example", cloud.Public, ": add privatelink.corp.example to the zones of privatelink"},
		{"www.example", cloud.Public, ""},
	} {
		set := Set{Cloud: tc.in, Zones: []dnsname.Name{cloud.ResourceManager}}
		if got := set.Advice(dnsname.Name(tc.name + ".")); got != tc.want {
			t.Errorf("%s in %s: %q; want %q", tc.name, tc.in.Name, got, tc.want)
		}
	}
}

func TestHintFor(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   cloud.Cloud
		want Hint
	}{
		{"sql00.database.windows.net", cloud.Public, Hint{Zone: "privatelink.database.windows.net"}},
		{"sql00.privatelink.database.windows.net", cloud.Public, Hint{Zone: "privatelink.database.windows.net"}},
		{"kv.vault.azure.net", cloud.Public, Hint{Zone: "privatelink.vaultcore.azure.net"}},
		{"kv.vaultcore.azure.net", cloud.Public, Hint{Zone: "privatelink.vaultcore.azure.net"}},
		{"st.z7.file.storage.azure.net", cloud.Public, Hint{Zone: "privatelink.file.core.windows.net"}},
		{"st.file.core.windows.net", cloud.Public, Hint{Zone: "privatelink.file.core.windows.net"}},
		{"w.workspace.we.api.azureml.ms", cloud.Public, Hint{Zone: "privatelink.api.azureml.ms"}},
		{"reg.westeurope.data.azurecr.io", cloud.Public, Hint{Zone: "privatelink.azurecr.io"}},
		{"app.scm.azurewebsites.net", cloud.Public, Hint{Zone: "privatelink.azurewebsites.net"}},
		{"x.westeurope.kusto.windows.net", cloud.Public, Hint{Zone: "privatelink.westeurope.kusto.windows.net"}},
		{"st.blob.core.usgovcloudapi.net", cloud.Public, Hint{Cloud: "usgov"}},
		{"1.privatelink.ugv.backup.windowsazure.us", cloud.Public, Hint{Cloud: "usgov"}},
		{"st.blob.core.chinacloudapi.cn", cloud.USGov, Hint{Cloud: "china"}},
		{"st.blob.core.windows.net", cloud.USGov, Hint{Cloud: "public"}},
		{"kv.vault.usgovcloudapi.net", cloud.USGov, Hint{Zone: "privatelink.vaultcore.usgovcloudapi.net"}},
		{"host.corp.example", cloud.USGov, Hint{Zone: "privatelink.corp.example"}},
		{"www.example", cloud.Public, Hint{}},
		{"web.purview.azure.com", cloud.Public, Hint{Zone: "privatelink.purviewstudio.azure.com"}},
		{"rdweb.wvd.microsoft.com", cloud.Public, Hint{Zone: "privatelink-global.wvd.microsoft.com"}},
		{"st.z6.web.core.windows.net", cloud.Public, Hint{Zone: "privatelink.web.core.windows.net"}},
		{"mi1.0a1b2c3d.database.windows.net", cloud.Public, Hint{Zone: "privatelink.0a1b2c3d.database.windows.net"}},
		{"app.scm.privatelink.azurewebsites.net", cloud.Public, Hint{Zone: "privatelink.azurewebsites.net"}},
		{"portal.azure.com", cloud.Public, Hint{}},
		{"example", cloud.Public, Hint{}},
	} {
		name, err := dnsname.Parse(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		set := Set{Cloud: tc.in, Zones: []dnsname.Name{cloud.ResourceManager}}
		if got := set.HintFor(name); got != tc.want {
			t.Errorf("%s in %s: %+v; want %+v", tc.name, tc.in.Name, got, tc.want)
		}
		if hint := set.HintFor(name); hint.Zone != "" { // the hint is right: the name is in the zone then
			added := Set{Cloud: tc.in, Zones: []dnsname.Name{dnsname.Name(hint.Zone + ".")}}
			if _, err := added.OwnerOf(name); err != nil && tc.name != "host.corp.example" {
				t.Errorf("%s is not in %s: %v", tc.name, hint.Zone, err)
			}
		}
	}
}

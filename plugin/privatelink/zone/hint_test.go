package zone

import (
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

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

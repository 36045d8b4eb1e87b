package zone

import (
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

func BenchmarkCanonical(b *testing.B) {
	for _, fqdn := range []dnsname.Name{"a.blob.core.windows.net.", "a.privatelink.blob.core.windows.net.", "a.z7.blob.storage.azure.net."} {
		b.Run(string(fqdn), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Canonical(fqdn)
			}
		})
	}
}

func TestCanonical(t *testing.T) {
	for _, tt := range []struct {
		name  string
		forms []dnsname.Name // of one record
		want  dnsname.Name
	}{
		{"storage", []dnsname.Name{"a.blob.core.windows.net.", "a.privatelink.blob.core.windows.net.", "a.z7.blob.storage.azure.net."}, "a.blob.core.windows.net."},
		{"static website", []dnsname.Name{"a.web.core.windows.net.", "a.z6.web.core.windows.net.", "a.z7.web.storage.azure.net.", "a." + web}, "a.web.core.windows.net."},
		{"static website, US Government", []dnsname.Name{"a.z2.web.core.usgovcloudapi.net."}, "a.web.core.usgovcloudapi.net."},
		{"two labels in a DNS zone", []dnsname.Name{"a.b.z7.blob.storage.azure.net."}, "a.b.z7.blob.storage.azure.net."},
		{"vault", []dnsname.Name{"v-fc1.privatelink.we.backup.windowsazure.com.", "v-fc1.we.backup.windowsazure.com."}, "v-fc1.we.backup.windowsazure.com."},
		{"Site Recovery", []dnsname.Name{"v.weu.privatelink.siterecovery.windowsazure.com.", "v.weu.siterecovery.windowsazure.com."}, "v.weu.siterecovery.windowsazure.com."},
		{"Key Vault", []dnsname.Name{"v.vault.azure.net.", "v.vaultcore.azure.net.", "v.privatelink.vaultcore.azure.net."}, "v.vault.azure.net."},
		{"Purview", []dnsname.Name{"web.purview.azure.com.", "web.privatelink.purviewstudio.azure.com.", "web.purviewstudio.azure.com."}, "web.purviewstudio.azure.com."},
		{"Purview account", []dnsname.Name{"acct.purview.azure.com.", "acct.privatelink.purview.azure.com."}, "acct.purview.azure.com."},
		{"Virtual Desktop", []dnsname.Name{"rdweb.wvd.microsoft.com.", "rdweb.privatelink-global.wvd.microsoft.com."}, "rdweb.wvd.microsoft.com."},
		{"a zone that is not in the table", []dnsname.Name{"a.example.", "a.privatelink.example."}, "a.example."},
		{"the name of a zone", []dnsname.Name{blob}, blob},
		{"wildcard", []dnsname.Name{"*.x.privatelink.api.azureml.ms.", "*.x.api.azureml.ms."}, "*.x.api.azureml.ms."},
		{"regional", []dnsname.Name{"x.westeurope.kusto.windows.net.", "x.privatelink.westeurope.kusto.windows.net."}, "x.westeurope.kusto.windows.net."},
	} {
		for _, fqdn := range tt.forms {
			if got := Canonical(fqdn); got != tt.want {
				t.Errorf("%s: Canonical(%q) = %q; want %q", tt.name, fqdn, got, tt.want)
			}
		}
	}
}

package cloud

import (
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

func TestCanonical(t *testing.T) {
	for _, tt := range []struct{ fqdn, want dnsname.Name }{
		{"a.blob.core.windows.net.", "a.blob.core.windows.net."},
		{"a.privatelink.blob.core.windows.net.", "a.blob.core.windows.net."},
		{"a.z7.blob.storage.azure.net.", "a.blob.core.windows.net."},
		{"a.z7.dfs.storage.azure.net.", "a.dfs.core.windows.net."},
		{"a.b.z7.blob.storage.azure.net.", "a.b.z7.blob.storage.azure.net."},
		{"v-ab-pod01-fc1.privatelink.we.backup.windowsazure.com.", "v-ab-pod01-fc1.we.backup.windowsazure.com."},
		{"v.weu.privatelink.siterecovery.windowsazure.com.", "v.weu.siterecovery.windowsazure.com."},
		{"v.vault.azure.net.", "v.vault.azure.net."},
		{"v.vaultcore.azure.net.", "v.vault.azure.net."},
		{"v.privatelink.vaultcore.azure.net.", "v.vault.azure.net."},
		{"privatelink.blob.core.windows.net.", "privatelink.blob.core.windows.net."},
		{"*.x.privatelink.api.azureml.ms.", "*.x.api.azureml.ms."},
		{"www.example.", "www.example."},
	} {
		if got := Canonical(tt.fqdn); got != tt.want {
			t.Errorf("Canonical(%q) = %q; want %q", tt.fqdn, got, tt.want)
		}
	}
}

// Package cloud has the differences between the Azure clouds: the names of their
// private link zones and the geo codes of Azure Backup.
package cloud

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A Cloud is one Azure cloud with the public zones of its default zones. The zero
// value has no zones.
type Cloud struct {
	Name   string       // as in the Corefile
	Blob   dnsname.Name // blob.core.windows.net.
	Queue  dnsname.Name // queue.core.windows.net.
	Backup dnsname.Name // backup.windowsazure.com., with a geo code before it
	ARM    string       // URL of a private Resource Manager, empty for the cloud's
}

// Public, USGov and China are the clouds that Microsoft documents private link
// zones for ("Azure private endpoint private DNS zone values"). The Backup name
// of China is an analogy: that table has no row for it.
var (
	Public = Cloud{"public", "blob.core.windows.net.", "queue.core.windows.net.", "backup.windowsazure.com.", ""}
	USGov  = Cloud{"usgov", "blob.core.usgovcloudapi.net.", "queue.core.usgovcloudapi.net.", "backup.windowsazure.us.", ""}
	China  = Cloud{"china", "blob.core.chinacloudapi.cn.", "queue.core.chinacloudapi.cn.", "backup.windowsazure.cn.", ""}
)

// Prefix is the first label of every private link zone.
const Prefix = "privatelink."

// Parse returns the cloud that has the name in the Corefile. The URL of a Resource
// Manager is a cloud with the names of the public one.
func Parse(name string) (Cloud, error) {
	if u, err := url.Parse(name); err == nil && u.Host != "" {
		if u.Scheme != "https" {
			return Cloud{}, fmt.Errorf("%q: a token is sent over https only", name)
		}
		own := Public
		own.ARM = strings.TrimSuffix(name, "/")
		return own, nil
	}
	for _, c := range []Cloud{Public, USGov, China} {
		if c.Name == name {
			return c, nil
		}
	}
	return Cloud{}, fmt.Errorf("%q is no cloud: use public, usgov, china or the URL of a Resource Manager", name)
}

// BackupZone returns the zone of the vaults whose region has the geo code geo.
func (c Cloud) BackupZone(geo string) dnsname.Name {
	return dnsname.Name(Prefix + geo + "." + string(c.Backup))
}

// BackupGeo returns the geo code of a Backup zone, and false for any other zone.
func (c Cloud) BackupGeo(zone dnsname.Name) (geo string, ok bool) {
	labels, ok := zone.CutSuffix(c.Backup)
	if !ok || c.Backup == "" {
		return "", false
	}
	geo, ok = strings.CutPrefix(labels, Prefix)
	return geo, ok && geo != "" && geo+"." != Prefix && !strings.Contains(geo, ".")
}

// keyVault maps the zones of Key Vault to their second public zone: x in
// privatelink.vaultcore.azure.net has the public name x.vault.azure.net.
var keyVault = map[dnsname.Name]dnsname.Name{
	"privatelink.vaultcore.azure.net.":         "vault.azure.net.",
	"privatelink.vaultcore.usgovcloudapi.net.": "vault.usgovcloudapi.net.",
	"privatelink.vaultcore.azure.cn.":          "vault.azure.cn.",
}

// PublicZones returns the public zones of a private link zone, in which its records
// have their public names, the most common one first.
func PublicZones(zone dnsname.Name) []dnsname.Name {
	parent := dnsname.Name(strings.TrimPrefix(string(zone), Prefix))
	if vault, ok := keyVault[zone]; ok {
		return []dnsname.Name{vault, parent}
	}
	return []dnsname.Name{parent}
}

// DNSZoneEndpoints returns the suffix of the DNS zone endpoints of a storage
// service: blob.storage.azure.net. for the zone privatelink.blob.core.windows.net.,
// because x.zNN.blob.storage.azure.net is a CNAME to x in that zone. It reports
// false for a zone without them. No other cloud has documented any.
func DNSZoneEndpoints(zone dnsname.Name) (suffix dnsname.Name, ok bool) {
	relative, ok := zone.CutSuffix("core.windows.net.")
	service, private := strings.CutPrefix(relative, Prefix)
	if !ok || !private || !slices.Contains(dnsZoneServices, service) {
		return "", false
	}
	return dnsname.Name(service + ".storage.azure.net."), true
}

// dnsZoneServices are the storage services with DNS zone endpoints.
var dnsZoneServices = []string{"blob", "queue", "file", "table", "dfs", "web"}

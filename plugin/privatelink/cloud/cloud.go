// Package cloud has the differences between the Azure clouds: the names of their
// private link zones and the geo codes of Azure Backup.
package cloud

import (
	"fmt"
	"net/url"
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
	// Recovery is siterecovery.windowsazure.com. One zone has the names of all regions,
	// with the geo code before the label privatelink. It is empty for China.
	Recovery dnsname.Name
	ARM      string // URL of a private Resource Manager, empty for the cloud's
}

// Public, USGov and China are the clouds that Microsoft documents private link
// zones for ("Azure private endpoint private DNS zone values"). The Backup name
// of China is an analogy: that table has no row for it.
var (
	Public = Cloud{"public", "blob.core.windows.net.", "queue.core.windows.net.", "backup.windowsazure.com.", "siterecovery.windowsazure.com.", ""}
	USGov  = Cloud{"usgov", "blob.core.usgovcloudapi.net.", "queue.core.usgovcloudapi.net.", "backup.windowsazure.us.", "siterecovery.windowsazure.us.", ""}
	China  = Cloud{"china", "blob.core.chinacloudapi.cn.", "queue.core.chinacloudapi.cn.", "backup.windowsazure.cn.", "", ""}
)

// Prefix is the first label of a private link zone, except for few zones of the table.
const Prefix = "privatelink."

// ResourceManager and Arc are zones of names that the source azure needs before it has
// any record: those of the Resource Manager, and of the identity of an Arc machine.
const (
	ResourceManager dnsname.Name = "privatelink.azure.com."
	Arc             dnsname.Name = "privatelink.his.arc.azure.com."
)

// Defaults returns the default zones of the cloud that have one name: those of a
// vault and its storage accounts.
func (c Cloud) Defaults() []dnsname.Name {
	all := []dnsname.Name{Prefix + c.Blob, Prefix + c.Queue}
	if c.Recovery != "" {
		all = append(all, Prefix+c.Recovery)
	}
	return all
}

// IsVault reports whether a zone has names of vaults only. No such name is public.
func (c Cloud) IsVault(zone dnsname.Name) bool {
	_, backup := c.BackupGeo(zone)
	return backup || c.Recovery != "" && zone == Prefix+c.Recovery
}

// All returns the clouds.
func All() []Cloud { return []Cloud{Public, USGov, China} }

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
	for _, c := range All() {
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
	if c.Backup == "" {
		return "", false
	}
	return Form{Suffix: c.Backup}.Label(zone)
}

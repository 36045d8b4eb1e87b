package cloud

import (
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// Canonical returns the public form of an FQDN: without the label privatelink, and
// for a DNS zone endpoint without the label of its DNS zone. Azure lists one name in
// several forms. Two FQDNs of one record have the same canonical form.
func Canonical(fqdn dnsname.Name) dnsname.Name {
	if i := strings.Index(string(fqdn), "."+Prefix); i >= 0 {
		return fqdn[:i+1] + PublicZones(fqdn[i+1:])[0]
	}
	if relative, ok := strings.CutSuffix(string(fqdn), ".storage.azure.net."); ok {
		if labels := strings.Split(relative, "."); len(labels) == 3 {
			return dnsname.Name(labels[0] + "." + labels[2] + ".core.windows.net.")
		}
	}
	if strings.Contains(string(fqdn), ".vaultcore.") {
		for zone, vault := range keyVault {
			if relative, ok := fqdn.CutSuffix(dnsname.Name(strings.TrimPrefix(string(zone), Prefix))); ok {
				return dnsname.Name(relative + "." + string(vault))
			}
		}
	}
	return fqdn
}

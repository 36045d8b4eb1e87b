package zone

import (
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// BackupForm reports whether a name, in any form, has the form of a name of Azure
// Backup: it is below the suffix of the vaults, or it is the name of a storage account
// such as abcdeypod01ecs114.
func (s *Set) BackupForm(name dnsname.Name) bool {
	if labels, ok := name.CutSuffix(s.Cloud.Backup); ok && s.Cloud.Backup != "" {
		return strings.Count(labels, ".") > 0
	}
	account, _, _ := strings.Cut(string(name), ".")
	public := dnsname.Name(strings.Replace(string(name), ".privatelink.", ".", 1))
	return backupAccount(account) && public.BelowAny([]dnsname.Name{s.Cloud.Blob, s.Cloud.Queue, "storage.azure.net."})
}

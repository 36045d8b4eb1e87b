package zone

import (
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
)

// BackupForm reports whether a name, in any form, has the form of a name of Azure Backup:
// that of a storage account, abcdeypod01ecs114, in a zone of blob or queue, or that of a
// vault, …-ab-pod01-rec2, in a Backup zone. The name is in lower case with its trailing
// dot. BackupForm does not allocate.
func (s *Set) BackupForm(name string) bool {
	if labels, ok := strings.CutSuffix(name, string(s.Cloud.Backup)); ok && s.Cloud.Backup != "" {
		return backupAccount(labels)
	}
	account, rest, _ := strings.Cut(name, ".")
	if !backupAccount(account) {
		return false
	}
	rest = strings.TrimPrefix(rest, cloud.Prefix)
	return rest == string(s.Cloud.Blob) || rest == string(s.Cloud.Queue) ||
		strings.HasSuffix(rest, ".blob.storage.azure.net.") || strings.HasSuffix(rest, ".queue.storage.azure.net.")
}

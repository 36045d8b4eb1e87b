package zone

import (
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
)

// mayHave reports whether a source that is not loaded yet may have the name. All
// names of a strict zone are such names. A fallthrough zone has the names of all
// tenants: one source that cannot be read must not make all of public storage
// unreachable. So after two minutes only the names are held back that have no other address
// than the private one in practice, and those below a wildcard. Names that the source azure
// needs are never held back: it could not be read otherwise.
func (s *Snapshot) mayHave(z *Zone, labels string) bool {
	switch {
	case s.Complete, !z.Strict && (z.Name == cloud.ResourceManager || z.Name == cloud.Arc):
		return false
	case !s.PassUnread || z.Strict:
		return true
	}
	return backupAccount(labels) || z.wildcard(labels) != nil
}

// backupAccount reports whether a label has the form of a storage account of Azure
// Backup, such as abcdeypod01ecs114: "pod" and a number in it.
func backupAccount(labels string) bool {
	for {
		_, rest, found := strings.Cut(labels, "pod")
		if !found {
			return false
		}
		if rest != "" && '0' <= rest[0] && rest[0] <= '9' {
			return true
		}
		labels = rest
	}
}

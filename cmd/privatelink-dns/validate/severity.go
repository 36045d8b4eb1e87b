package validate

import (
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
)

// A severity decides the exit status. A pipeline continues with notes and warnings.
type severity int

const (
	note    severity = iota // nothing to do, unless it is a surprise
	warning                 // all names of the sources are served; something needs a look
	lost                    // a name that a source has is not served, or has a public address
	broken                  // the server does not start, or a source cannot be read
)

// severityOf returns that of a finding of the syncer.
func severityOf(b *input.Block, f syncer.Finding) severity {
	switch f.Kind {
	case syncer.PublicAddress:
		return lost
	case syncer.Skipped:
		return severityOfSkip(b, f.Skip)
	}
	return warning
}

func severityOfSkip(b *input.Block, skip source.Skip) severity {
	switch skip.Reason {
	case source.OutsideZones, source.OtherVNet: // the Corefile does not want them
		return note
	case source.NotApproved, source.BadName, source.BadAddress:
		if concerns(b, skip.Target) {
			return lost
		}
	case source.Provisioning, source.NoDNSConfig: // it has no name to serve
		if concerns(b, skip.Target) {
			return warning
		}
	}
	return note
}

// backedUp are the types of resources whose names are in the default zones.
var backedUp = []string{
	"/microsoft.recoveryservices/vaults/", "/microsoft.dataprotection/backupvaults/", "/microsoft.storage/storageaccounts/",
}

// concerns reports whether an endpoint of the target may have names in the zones of
// the block: a Pending endpoint of a database has none there. A target that is not
// known may.
func concerns(b *input.Block, target string) bool {
	if !strings.Contains(target, "/providers/") {
		return true
	}
	for _, kind := range backedUp {
		if casefold.Index(target, kind) >= 0 {
			return true
		}
	}
	for _, name := range b.Zones.Zones {
		if !isDefault(b.Zones.Cloud, name) {
			return true
		}
	}
	return false
}

// isDefault reports whether every block has the zone, or its vaults make it one.
func isDefault(c cloud.Cloud, name dnsname.Name) bool {
	return c.IsVault(name) || slices.Contains(c.Defaults(), name)
}

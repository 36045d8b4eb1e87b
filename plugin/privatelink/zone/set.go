// Package zone keeps the records of the private link zones: [Set] says which
// zones there are and where a name belongs, [Snapshot] holds one generation of
// their records.
package zone

import (
	"errors"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// DefaultTTL is the TTL of addresses and aliases, in seconds.
const DefaultTTL uint32 = 60

// A Set is the zones that a Corefile names and the rules for their names. A
// Backup zone need not be named: the first record in it makes it one.
type Set struct {
	Cloud cloud.Cloud
	Zones []dnsname.Name // each begins with "privatelink."

	// Strict and Fallthrough turn round what a zone does with a name that it
	// does not have. A zone in neither is strict if it is a Backup zone.
	Strict, Fallthrough []dnsname.Name
	AllStrict, AllFall  bool

	TTL uint32 // of addresses and aliases, in seconds
}

// Has tells whether zone is in the set, named or by its form.
func (s *Set) Has(zone dnsname.Name) bool {
	_, backup := s.Cloud.BackupGeo(zone)
	return backup || slices.Contains(s.Zones, zone)
}

// strict tells whether a missing name of the zone is NXDOMAIN. No name of a
// vault is public, so a Backup zone has no one else's names; all other zones do.
func (s *Set) strict(zone dnsname.Name) bool {
	_, backup := s.Cloud.BackupGeo(zone)
	switch {
	case slices.Contains(s.Strict, zone):
		return true
	case slices.Contains(s.Fallthrough, zone):
		return false
	}
	return s.AllStrict || backup && !s.AllFall
}

// A Place is where a name that a source gives belongs.
type Place struct {
	Zone  dnsname.Name
	Owner dnsname.Name // the record's name, in the zone
	// Partition is the x.zNN.blob.storage.azure.net form that the source gave,
	// else empty. Aliases below the zone's parents need no place: they follow
	// from Owner.
	Partition dnsname.Name
}

// ErrOutside is what Locate returns for a name outside every zone. The syncer
// counts these apart from names that are wrong.
var ErrOutside = errors.New("is in none of the zones")

// Locate returns the place of an FQDN in any of the forms that Azure gives:
// with the privatelink label, without it, or partitioned. A zone's own name, and
// a parent's, are outside. With the label a name may become too long: that is
// an error, too.
func (s *Set) Locate(fqdn dnsname.Name) (Place, error) {
	if account, zone, ok := s.partitioned(fqdn); ok {
		owner, err := zone.Child(account)
		return Place{Zone: zone, Owner: owner, Partition: fqdn}, err
	}
	if zone, ok := s.backupZone(fqdn); ok {
		return place(fqdn, zone)
	}
	best, found := Place{}, ErrOutside
	for _, zone := range s.Zones {
		if p, err := place(fqdn, zone); !errors.Is(err, ErrOutside) && len(zone) > len(best.Zone) {
			best, found = p, err
		}
	}
	return best, found
}

func place(fqdn, zone dnsname.Name) (Place, error) {
	if labels, ok := fqdn.Below(zone); ok {
		if labels == "" {
			return Place{}, ErrOutside
		}
		return Place{Zone: zone, Owner: fqdn}, nil
	}
	for _, parent := range cloud.Parents(zone) {
		if labels, ok := fqdn.Below(parent); ok && labels != "" {
			owner, err := zone.Child(labels)
			return Place{Zone: zone, Owner: owner}, err
		}
	}
	return Place{}, ErrOutside
}

// backupZone returns the Backup zone that fqdn is below, from the name alone.
func (s *Set) backupZone(fqdn dnsname.Name) (dnsname.Name, bool) {
	labels, ok := fqdn.Below(s.Cloud.Backup)
	if !ok {
		return "", false
	}
	below := strings.Split(labels, ".")
	if len(below) < 2 { // the zone of a geo code, or its parent
		return "", false
	}
	return s.Cloud.BackupZone(below[len(below)-1]), true
}

// partitioned takes x.zNN.blob.storage.azure.net for x in the blob zone: the
// public name is a CNAME to x.privatelink.blob.core.windows.net, without zNN.
func (s *Set) partitioned(fqdn dnsname.Name) (account string, zone dnsname.Name, ok bool) {
	if _, below := fqdn.Below(s.Cloud.Partition); s.Cloud.Partition == "" || !below {
		return "", "", false // as nearly every name
	}
	for service, parent := range s.partitions() {
		labels, below := fqdn.Below(service)
		account, partition, cut := strings.Cut(labels, ".")
		if below && cut && account != "" && isPartition(partition) {
			return account, cloud.Prefix + parent, true
		}
	}
	return "", "", false
}

// partitions maps blob.storage.azure.net. and its queue twin to the parents of
// the zones that their names are in.
func (s *Set) partitions() map[dnsname.Name]dnsname.Name {
	if s.Cloud.Partition == "" {
		return nil
	}
	return map[dnsname.Name]dnsname.Name{
		"blob." + s.Cloud.Partition:  s.Cloud.Blob,
		"queue." + s.Cloud.Partition: s.Cloud.Queue,
	}
}

// isPartition tells whether label is a z and a number.
func isPartition(label string) bool {
	number, ok := strings.CutPrefix(label, "z")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

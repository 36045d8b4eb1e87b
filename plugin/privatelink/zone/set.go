// Package zone keeps the records of the private link zones: [Set] says which
// zones there are and where a name belongs, [Snapshot] holds one generation of
// their records.
package zone

import (
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A Set is the zones that a Corefile names and the rules for their names. A
// Backup zone need not be named: the first record in it makes it one.
type Set struct {
	Cloud cloud.Cloud
	Zones []dnsname.Name // each begins with "privatelink."

	// Strict and Fallthrough turn round what a zone does with a name that it
	// does not have. A zone in neither is strict if it is a Backup zone.
	Strict, Fallthrough []dnsname.Name
	AllStrict, AllFall  bool
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

// Locate returns the place of an FQDN in any of the forms that Azure gives:
// with the privatelink label, without it, or partitioned. It reports false for
// a name outside every zone, a zone's own name and a parent's among them.
func (s *Set) Locate(fqdn dnsname.Name) (Place, bool) {
	if p, ok := s.partitioned(fqdn); ok {
		return p, true
	}
	if zone, ok := s.backupZone(fqdn); ok {
		return place(fqdn, zone)
	}
	best := Place{}
	for _, zone := range s.Zones {
		if p, ok := place(fqdn, zone); ok && len(p.Zone) > len(best.Zone) {
			best = p
		}
	}
	return best, best.Zone != ""
}

func place(fqdn, zone dnsname.Name) (Place, bool) {
	if labels, ok := fqdn.Below(zone); ok {
		return Place{Zone: zone, Owner: fqdn}, labels != ""
	}
	for _, parent := range cloud.Parents(zone) {
		if labels, ok := fqdn.Below(parent); ok && labels != "" {
			return Place{Zone: zone, Owner: dnsname.Name(labels + "." + string(zone))}, true
		}
	}
	return Place{}, false
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

// partitioned maps x.zNN.blob.storage.azure.net to x.privatelink.blob.core.windows.net:
// the public name is a CNAME to it, and the partition is dropped.
func (s *Set) partitioned(fqdn dnsname.Name) (Place, bool) {
	for service, parent := range s.partitions() {
		labels, ok := fqdn.Below(service)
		account, partition, cut := strings.Cut(labels, ".")
		if ok && cut && account != "" && isPartition(partition) {
			zone := dnsname.Name(cloud.Prefix + string(parent))
			return Place{Zone: zone, Owner: dnsname.Name(account + "." + string(zone)), Partition: fqdn}, slices.Contains(s.Zones, zone)
		}
	}
	return Place{}, false
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

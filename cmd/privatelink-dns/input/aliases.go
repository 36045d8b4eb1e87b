package input

import (
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Aliases returns what gives the public names of a record: those that the
// snapshot would answer with it. The result is never nil.
func (b *Block) Aliases() func(z *zone.Zone, r *zone.Record) []dnsname.Name {
	partitions := b.partitions()
	return func(z *zone.Zone, r *zone.Record) []dnsname.Name {
		names := append(PublicNames(z.Name, r.Name), slices.Sorted(slices.Values(partitions[r.Name]))...)
		return slices.DeleteFunc(names, func(n dnsname.Name) bool {
			found := b.Snapshot.Lookup(string(n))
			return found.Verdict != zone.Alias || found.Record.Name != r.Name
		})
	}
}

// partitions returns the x.zNN.blob.storage.azure.net names that any source
// gave, by the record that they lead to.
func (b *Block) partitions() map[dnsname.Name][]dnsname.Name {
	all := map[dnsname.Name][]dnsname.Name{}
	for _, src := range b.Preview.Sources {
		if src.List == nil {
			continue
		}
		for _, e := range src.List.Entries {
			place, err := b.Zones.Locate(e.FQDN)
			if err == nil && place.Partition != "" && !slices.Contains(all[place.Owner], place.Partition) {
				all[place.Owner] = append(all[place.Owner], place.Partition)
			}
		}
	}
	return all
}

// PublicNames returns the public names that follow from the name of a record in
// the zone. The result is never nil.
func PublicNames(zone, owner dnsname.Name) []dnsname.Name {
	names := []dnsname.Name{}
	labels, _ := owner.Below(zone)
	for _, parent := range cloud.Parents(zone) {
		if name, err := parent.Child(labels); err == nil {
			names = append(names, name)
		}
	}
	return names
}

package input

import (
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// PublicNames returns the public names that follow from the name of a record in
// the zone. The result is never nil.
func PublicNames(zone, owner dnsname.Name) []dnsname.Name {
	names := []dnsname.Name{}
	labels, _ := owner.CutSuffix(zone)
	for _, parent := range cloud.PublicZones(zone) {
		if name, err := parent.Child(labels); err == nil {
			names = append(names, name)
		}
	}
	return names
}

package syncer

import (
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// changes returns the names that a snapshot adds, changes or removes, sorted. A
// change that the log has announced for another server block, or before a reload,
// is not among them.
func changes(previous, next *zone.Snapshot, announced map[dnsname.Name]*zone.Zone) (all []zone.Change) {
	for name, z := range next.Zones {
		own := z.Changes(previous.Zones[name])
		switch {
		case len(own) == 0:
		case announced[name] == previous.Zones[name]: // one block, as usual
			all = slices.Concat(all, own)
		default:
			all = append(all, both(z.Changes(announced[name]), own)...)
		}
	}
	for name, z := range previous.Zones {
		if next.Zones[name] == nil {
			all = append(all, new(zone.Zone).Changes(z)...)
		}
	}
	slices.SortFunc(all, byName)
	return all
}

// both returns the changes whose names are among others. Both are sorted by name.
func both(changes, others []zone.Change) []zone.Change {
	return slices.DeleteFunc(changes, func(c zone.Change) bool {
		_, found := slices.BinarySearchFunc(others, c, byName)
		return !found
	})
}

func byName(a, b zone.Change) int { return strings.Compare(string(a.Name), string(b.Name)) }

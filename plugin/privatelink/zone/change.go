package zone

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A Change is a name whose addresses changed. Before is empty for an added name,
// Now for a removed one.
type Change struct {
	Name        dnsname.Name
	Before, Now []netip.Addr
}

// Changes returns the differences from old, by name. A nil old has no names.
func (z *Zone) Changes(old *Zone) (all []Change) {
	if old == nil {
		old = &Zone{}
	}
	if old.records.count == 0 { // the first load: all names, without a slice that grows
		all = make([]Change, 0, z.records.count)
	}
	for r := range z.records.all() {
		if before := old.addrs(z.records.labels(r)); !slices.Equal(before, r.Addrs) {
			all = append(all, Change{r.Name, before, r.Addrs})
		}
	}
	for r := range old.records.all() {
		if len(r.Addrs) > 0 && z.records.find(old.records.labels(r)) == nil {
			all = append(all, Change{r.Name, r.Addrs, nil})
		}
	}
	slices.SortFunc(all, func(a, b Change) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return all
}

func (z *Zone) addrs(labels string) []netip.Addr {
	if r := z.records.find(labels); r != nil {
		return r.Addrs
	}
	return nil
}

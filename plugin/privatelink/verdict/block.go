package verdict

import (
	"cmp"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// responsible reports whether the server block of blocks[i] gets queries for the name: it
// has an origin above it, and no other block at one of its addresses has a longer one.
func responsible(blocks []Block, i int, name dnsname.Name) bool {
	own := blocks[i].match(name)
	return own > 0 && !slices.ContainsFunc(blocks, func(other Block) bool {
		return other.match(name) > own && slices.ContainsFunc(other.Listen, func(addr string) bool { return slices.Contains(blocks[i].Listen, addr) })
	})
}

// match returns the length of the longest origin that is above the name, or 0.
func (b *Block) match(name dnsname.Name) (longest int) {
	for _, origin := range b.Origins {
		if name.BelowAny([]dnsname.Name{origin}) {
			longest = max(longest, len(origin))
		}
	}
	return longest
}

// refuse makes the finding that of a name that no server block is for.
func (f *Finding) refuse(blocks []Block) {
	var origins []dnsname.Name
	for _, b := range blocks {
		origins = append(origins, b.Origins...)
	}
	f.Served, f.Kind, f.Step, f.Answer = false, NoBlock, 0, Refused
	f.Text = "no server block is for it"
	f.Remedy = "add " + f.parent().String() + " to the server block with privatelink, which is for " + dnsname.Join(origins, ", ")
}

// parent returns the zone or the public zone that the name is below, or the name
// without its first label.
func (f *Finding) parent() dnsname.Name {
	if f.Zone != "" {
		for _, zone := range append(cloud.PublicZones(f.Zone), f.Zone) {
			if f.Name.BelowAny([]dnsname.Name{zone}) {
				return zone
			}
		}
	}
	_, parent, _ := strings.Cut(string(f.Name), ".")
	return dnsname.Name(cmp.Or(parent, "."))
}

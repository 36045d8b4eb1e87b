package forwarders

import (
	"fmt"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// parents returns the public names below which the block has names, a vault of
// any region among them: one forwarder does for all geo codes, so that a vault
// in another region needs no change at the other server.
func parents(b *privatelink.Block) []dnsname.Name { return topmost(b.Zones.PublicSuffixes()) }

// of unites the names that give returns for each block.
func of(blocks []privatelink.Block, give func(*privatelink.Block) []dnsname.Name) (all []dnsname.Name) {
	for i := range blocks {
		all = append(all, give(&blocks[i])...)
	}
	return all
}

// topmost drops the names that are below another one, or repeated.
func topmost(names []dnsname.Name) (top []dnsname.Name) {
	for i, name := range names {
		covered := slices.Contains(names[:i], name) || name.BelowAny(slices.DeleteFunc(slices.Clone(names), func(other dnsname.Name) bool { return other == name }))
		if !covered {
			top = append(top, name)
		}
	}
	return top
}

// refusals warns of queries that would be forwarded and refused, because no server
// block with privatelink is for them.
func refusals(blocks []privatelink.Block) (warnings []string) {
	var origins []dnsname.Name
	plain := false
	for i := range blocks {
		origins = append(origins, blocks[i].Origins...)
		plain = plain || len(blocks[i].Listen) > 0
	}
	if !plain {
		warnings = append(warnings, "no server block listens for plain DNS, and that is what these settings speak")
	}
	for i := range blocks {
		for _, name := range parents(&blocks[i]) {
			if name.BelowAny(origins) {
				continue
			}
			warnings = append(warnings, fmt.Sprintf("%s: a query for a name below %s is refused: add %s to the server block, which is for %s",
				blocks[i].Position, name, name, dnsname.Join(blocks[i].Origins, ", ")))
		}
	}
	return warnings
}

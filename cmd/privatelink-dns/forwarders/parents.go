package forwarders

import (
	"fmt"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// parents returns the public names below which the block has names, a vault of
// any region among them: one forwarder does for all geo codes, so that a vault
// in another region needs no change at the other server.
func parents(b *privatelink.Block) []dnsname.Name { return topmost(b.Zones.PublicSuffixes()) }

// collectNames unites the names of all blocks.
func collectNames(blocks []privatelink.Block, names func(*privatelink.Block) []dnsname.Name) (all []dnsname.Name) {
	for i := range blocks {
		all = append(all, names(&blocks[i])...)
	}
	return all
}

// topmost drops the names that are below another one, or repeated.
func topmost(names []dnsname.Name) (top []dnsname.Name) {
	all, taken := map[string]bool{}, map[dnsname.Name]bool{}
	for _, name := range names {
		all[string(name)] = true
	}
	for _, name := range names {
		if !taken[name] && !hasAncestor(name, all) {
			taken[name] = true
			top = append(top, name)
		}
	}
	return top
}

func hasAncestor(name dnsname.Name, all map[string]bool) bool {
	_, rest, _ := strings.Cut(string(name), ".")
	for rest != "" && !all[rest] {
		_, rest, _ = strings.Cut(rest, ".")
	}
	return rest != ""
}

// refusals warns of queries that would be forwarded and refused, because no server
// block with privatelink is for them.
func refusals(blocks []privatelink.Block, t target) (warnings []string) {
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
		for _, parent := range parents(&blocks[i]) {
			if parent.BelowAny(origins) || !t.refused(parent, origins) {
				continue
			}
			warnings = append(warnings, fmt.Sprintf("%s: a query for a name below %s is refused: add %s to the server block, which is for %s",
				blocks[i].Position, parent, parent, dnsname.Join(blocks[i].Origins, ", ")))
		}
	}
	return warnings
}

// refused reports whether a forwarded name at or below parent is outside of all server
// blocks.
func (t target) refused(parent dnsname.Name, origins []dnsname.Name) bool {
	for _, text := range t.Zones {
		zone := dnsname.Name(text + ".")
		if zone.BelowAny([]dnsname.Name{parent}) && !zone.BelowAny(origins) {
			return true
		}
	}
	return false
}

package why

import (
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// aligned returns the findings with the earliest time of each name: the blocks of one
// server publish a name one after the other.
func aligned(all []verdict.Finding) []verdict.Finding {
	all = slices.Clone(all)
	for i := range all {
		for _, other := range all {
			if other.Name == all[i].Name && other.Kind == all[i].Kind && other.Since.Before(all[i].Since) {
				all[i].Since = other.Since
			}
		}
	}
	return all
}

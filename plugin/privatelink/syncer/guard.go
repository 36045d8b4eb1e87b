package syncer

import (
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

const (
	guarded = 10 // names from which on a sudden loss is not believed at once
	agree   = 3  // complete fetches that must show the loss
)

// A guard holds back a sudden loss: more than half of ten or more names gone.
// The likely cause is a permission that someone took away, or a filter that is
// too narrow, and no such change may delete a zone. What is new or changed in
// the same list applies meanwhile. The zero value has admitted nothing.
type guard struct {
	accepted *source.List // the last list that was admitted as it came
	losing   *source.List // the list that shows the loss
	merged   *source.List // losing, and what it lacks
	seen     int          // complete fetches in a row with a loss
}

// admit returns the list to serve and how many names of it are held back.
func (g *guard) admit(list *source.List) (serve *source.List, held int) {
	lost := g.lost(list)
	names, before := countNames(lost), 0
	if names > 0 {
		before = countNames(g.accepted.Entries)
	}
	if before < guarded || 2*names <= before || g.seen+1 == agree {
		*g = guard{accepted: list}
		return list, 0
	}
	g.seen++
	if list != g.losing {
		g.losing = list
		g.merged = &source.List{Entries: slices.Concat(list.Entries, lost), Skipped: list.Skipped, Complete: true}
	}
	return g.merged, names
}

// lost returns the accepted entries whose names the list has no more.
func (g *guard) lost(list *source.List) (lost []source.Entry) {
	if g.accepted == nil || g.accepted == list {
		return nil
	}
	still := map[dnsname.Name]bool{}
	for _, e := range list.Entries {
		still[e.FQDN] = true
	}
	for _, e := range g.accepted.Entries {
		if !still[e.FQDN] {
			lost = append(lost, e)
		}
	}
	return lost
}

func countNames(entries []source.Entry) int {
	names := map[dnsname.Name]bool{}
	for _, e := range entries {
		names[e.FQDN] = true
	}
	return len(names)
}

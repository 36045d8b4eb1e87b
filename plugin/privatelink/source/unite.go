package source

import (
	"hash/maphash"
	"iter"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// values returns the pages as sequences.
func values(pages [][]privateendpoint.Endpoint) (all []iter.Seq[privateendpoint.Endpoint]) {
	for _, page := range pages {
		all = append(all, slices.Values(page))
	}
	return all
}

func unite(pages []iter.Seq[privateendpoint.Endpoint], vnets []string, unserved func(privateendpoint.Endpoint) (Skip, bool)) *List {
	u := uniter{vnets: vnets, unserved: unserved}
	several := u.join(pages)
	for _, page := range pages {
		for part := range page {
			if len(several) == 0 {
				u.add(part)
				continue
			}
			id := casefold.Lower(part.ID)
			switch one := several[id]; {
			case one == nil:
				u.add(part)
			case !one.added:
				one.added = true
				u.addJoined(one)
			}
		}
	}
	u.Entries = fitting(u.Entries)
	return &u.List
}

// A uniter collects the list of the endpoints of all pages.
type uniter struct {
	List
	vnets    []string
	unserved func(privateendpoint.Endpoint) (Skip, bool)
	room     room
}

// A joined endpoint is all of its resources together.
type joined struct {
	whole privateendpoint.Endpoint
	parts []privateendpoint.Endpoint
	added bool
}

var seed = maphash.MakeSeed()

// join returns the endpoints that have several resources, by ID in lower case. Most
// endpoints have one, and are not kept in memory. It makes room for the entries of all.
func (u *uniter) join(pages []iter.Seq[privateendpoint.Endpoint]) map[string]*joined {
	names, seen, several := 0, map[uint64]bool{}, false
	for _, page := range pages {
		for part := range page {
			names += len(part.DNS)
			hash := hashOf(part.ID)
			again, known := seen[hash]
			if known && !again {
				seen[hash], several = true, true
			} else if !known {
				seen[hash] = false
			}
		}
	}
	if names > 0 {
		u.Entries = make([]Entry, 0, names)
	}
	if !several {
		return nil
	}
	byID := map[string]*joined{}
	for _, page := range pages {
		for part := range page {
			if seen[hashOf(part.ID)] {
				joinTo(byID, part)
			}
		}
	}
	return byID
}

func hashOf(id string) uint64 { return maphash.String(seed, casefold.Lower(id)) }

func joinTo(byID map[string]*joined, part privateendpoint.Endpoint) {
	id := casefold.Lower(part.ID) // Azure varies the case of resource IDs
	one, ok := byID[id]
	if !ok {
		one = &joined{whole: part}
		byID[id] = one
	} else {
		join(&one.whole, part)
	}
	one.parts = append(one.parts, part)
}

// add adds an endpoint to the list.
func (u *uniter) add(e privateendpoint.Endpoint) (served bool) {
	if len(u.vnets) > 0 && !inAny(e.VNet, u.vnets) {
		u.withhold(Skip{e.ID, e.Target, OtherVNet, "it is in none of the virtual networks that vnet names"}, &e)
		return false
	}
	if skip, ok := u.unserved(e); ok {
		u.withhold(skip, &e)
		return false
	}
	id, target := idOf(e.ID, u.room.texts.Keep), idOf(e.Target, u.room.texts.Keep)
	for _, c := range e.DNS {
		entry, skips, ok := check(id, target, c.FQDN, c.Addresses)
		u.Skipped = append(u.Skipped, skips...)
		if ok {
			u.Entries = append(u.Entries, u.room.keep(entry))
		}
	}
	return true
}

func (u *uniter) addJoined(one *joined) {
	if u.add(one.whole) && len(one.parts) > 1 {
		found := claimsOf(one.parts)
		u.Conflicts = append(u.Conflicts, found.conflicts(one.whole.ID, one.whole.Target)...)
	}
}

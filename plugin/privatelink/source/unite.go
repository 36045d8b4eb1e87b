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

// endpointsAtOnce is how many endpoints are united at once, if many have several
// resources. Each needs about 2 kB for a moment.
const endpointsAtOnce = 1 << 14

func unite(pages []iter.Seq[privateendpoint.Endpoint], vnets []string, unserved func(privateendpoint.Endpoint) (Skip, bool)) *List {
	u := uniter{vnets: vnets, unserved: unserved, places: map[uint64]place{}}
	several := u.survey(pages)
	size := len(u.places)
	if several > endpointsAtOnce {
		size = endpointsAtOnce
	}
	for from := 0; from < len(u.places); from += size {
		u.addRange(pages, from, from+size, several > 0)
	}
	l := u.List // without the room
	l.Entries = fitting(l.Entries)
	return &l
}

// A uniter collects the list of the endpoints of all pages.
type uniter struct {
	List
	vnets    []string
	unserved func(privateendpoint.Endpoint) (Skip, bool)
	room     room
	places   map[uint64]place // by hashOf
}

// A place is the number of an endpoint, in the order in which they appear.
type place struct {
	number  uint32
	several bool // it has several resources
}

// A joined endpoint is all of its resources together.
type joined struct {
	whole privateendpoint.Endpoint
	parts []privateendpoint.Endpoint
	added bool
}

var seed = maphash.MakeSeed()

// survey finds the places, makes room for the entries of all endpoints, and returns how
// many have several resources.
func (u *uniter) survey(pages []iter.Seq[privateendpoint.Endpoint]) (several int) {
	names := 0
	for _, page := range pages {
		for part := range page {
			names += len(part.DNS)
			hash := hashOf(part.ID)
			at, known := u.places[hash]
			switch {
			case !known:
				u.places[hash] = place{number: uint32(len(u.places))} //nolint:gosec // G115: far fewer endpoints
			case !at.several:
				u.places[hash] = place{at.number, true}
				several++
			}
		}
	}
	if names > 0 {
		u.Entries = make([]Entry, 0, names)
	}
	return several
}

// addRange adds the endpoints from one number to another one. Only those that have several
// resources are in memory together.
func (u *uniter) addRange(pages []iter.Seq[privateendpoint.Endpoint], from, to int, several bool) {
	byID := map[string]*joined{}
	if several {
		for part, at := range u.within(pages, from, to) {
			if at.several {
				joinTo(byID, part)
			}
		}
	}
	for part, at := range u.within(pages, from, to) {
		if !at.several {
			u.add(part)
		} else if one := byID[casefold.Lower(part.ID)]; !one.added {
			one.added = true
			u.addJoined(one)
		}
	}
}

// within yields the resources of the endpoints from one number to another one.
func (u *uniter) within(pages []iter.Seq[privateendpoint.Endpoint], from, to int) iter.Seq2[privateendpoint.Endpoint, place] {
	return func(yield func(privateendpoint.Endpoint, place) bool) {
		for _, page := range pages {
			for part := range page {
				at := u.places[hashOf(part.ID)]
				if number := int(at.number); from <= number && number < to && !yield(part, at) {
					return
				}
			}
		}
	}
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

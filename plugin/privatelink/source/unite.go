package source

import (
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

// endpointsAtOnce is how many endpoints are united at once, if some have several
// resources. Each resource needs about 1.5 kB for a moment.
const endpointsAtOnce = 1 << 11

func unite(pages []iter.Seq[privateendpoint.Endpoint], vnets []string, unserved func(privateendpoint.Endpoint) (Skip, bool)) *List {
	u := uniter{vnets: vnets, unserved: unserved}
	numbers, names, several := survey(pages)
	if names > 0 {
		u.Entries = make([]Entry, 0, names)
	}
	switch {
	case !several:
		numbers = nil // which a large file leaves no room for
		for e := range sequence(pages) {
			u.add(e)
		}
	case len(numbers) <= endpointsAtOnce:
		u.addJoined(sequence(pages))
	default:
		parts := partition(pages, numbers, endpointsAtOnce)
		numbers = nil
		for i := range parts {
			u.addJoined(parts[i].all())
			parts[i] = packed{}
		}
	}
	l := u.List // without the room
	l.Entries = fitting(l.Entries)
	return &l
}

// sequence yields the resources of all pages.
func sequence(pages []iter.Seq[privateendpoint.Endpoint]) iter.Seq[privateendpoint.Endpoint] {
	return func(yield func(privateendpoint.Endpoint) bool) {
		for _, page := range pages {
			for part := range page {
				if !yield(part) {
					return
				}
			}
		}
	}
}

// survey numbers the endpoints in the order in which they appear, by hashOf. It counts the
// names, and reports whether an endpoint has several resources.
func survey(pages []iter.Seq[privateendpoint.Endpoint]) (numbers map[uint64]uint32, names int, several bool) {
	numbers = map[uint64]uint32{}
	for part := range sequence(pages) {
		names += len(part.DNS)
		hash := hashOf(part.ID)
		if _, known := numbers[hash]; known {
			several = true
			continue
		}
		numbers[hash] = uint32(len(numbers)) //nolint:gosec // G115: far fewer endpoints
	}
	return numbers, names, several
}

// partition copies the resources into parts of size endpoints each, in the order of their
// numbers.
func partition(pages []iter.Seq[privateendpoint.Endpoint], numbers map[uint64]uint32, size int) (all []packed) {
	parts := make([]packer, (len(numbers)+size-1)/size)
	for e := range sequence(pages) {
		parts[int(numbers[hashOf(e.ID)])/size].add(&e)
	}
	for i := range parts {
		all = append(all, parts[i].finish())
	}
	return all
}

// A uniter collects the list of the endpoints of all pages.
type uniter struct {
	List
	vnets    []string
	unserved func(privateendpoint.Endpoint) (Skip, bool)
	room     room
}

// A joined endpoint is all of its resources together. A description that is in several
// files, such as exports of several days, is one part.
type joined struct {
	whole privateendpoint.Endpoint
	parts []privateendpoint.Endpoint
}

// joinAll returns the endpoints of the resources in the order in which they appear.
func joinAll(resources iter.Seq[privateendpoint.Endpoint]) (all []*joined) {
	byID, known := map[string]*joined{}, map[descriptionKey]bool{}
	for part := range resources {
		id := casefold.Lower(part.ID) // Azure varies the case of resource IDs
		one, ok := byID[id]
		if !ok {
			one = new(joined)
			byID[id] = one
			all = append(all, one)
		}
		key := keyOf(&part)
		one.join(part, known[key])
		known[key] = true
	}
	return all
}

// join adds a resource. The last one with the state of the connection has precedence,
// whether its content is known or not.
func (j *joined) join(part privateendpoint.Endpoint, known bool) {
	if len(j.parts) == 0 {
		j.whole = part
		j.whole.DNS = slices.Clip(part.DNS)
	} else {
		join(&j.whole, &part, known)
	}
	if !known {
		j.parts = append(j.parts, part)
	}
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

// addJoined adds the endpoints of the resources, and where their resources disagree.
func (u *uniter) addJoined(resources iter.Seq[privateendpoint.Endpoint]) {
	for _, one := range joinAll(resources) {
		if u.add(one.whole) && len(one.parts) > 1 {
			found := claimsOf(one.parts)
			u.Conflicts = append(u.Conflicts, found.conflicts(one.whole.ID, one.whole.Target)...)
		}
	}
}

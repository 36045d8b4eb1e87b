package source

import (
	"hash/maphash"
	"iter"
	"maps"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// count also counts a name for a file that lacks it, if the name would go with the file: the
// only one with the approval of the endpoint, for example, when the names are in the file of
// the network interface. Most names are of one endpoint in one file. The others are counted
// some endpoints at a time, because that needs much memory.
func (e exportFormat) count(paths []string, exports []export, list *List) map[string]int {
	return e.countInParts(paths, exports, list, endpointsAtOnce)
}

func (e exportFormat) countInParts(paths []string, exports []export, list *List, size int) map[string]int {
	all, doubtful := countSure(paths, exports, list)
	var parts [][]export
	var partOf map[uint64]int
	if len(doubtful) > size {
		parts, partOf = partsOf(exports, size)
	}
	add := func(exports []export, in func(part int) bool) {
		some := func(name dnsname.Name) bool { return doubtful[name] > 0 && in(partOf[hashOfName(name)]) }
		for key, names := range e.countSome(paths, exports, list, some) {
			all[key] += names
		}
	}
	for i := range parts {
		add(parts[i], func(part int) bool { return part == i+1 })
		parts[i] = nil
	}
	add(exports, func(part int) bool { return part <= 0 }) // the names of several parts, or of none
	return all
}

// countSure counts the names of one endpoint in one file. It returns the others as well.
func countSure(paths []string, exports []export, list *List) (all map[string]int, doubtful map[dnsname.Name]int) {
	all, doubtful = newCounter(paths).parts(), map[dnsname.Name]int{}
	for i := range list.Entries {
		doubtful[list.Entries[i].FQDN]++
	}
	homes := homesOf(exports)
	for i := range list.Entries {
		one := &list.Entries[i]
		if file := homes[hashOf(one.Endpoint.String())]; file > 0 && doubtful[one.FQDN] == 1 {
			all[paths[file-1]]++
			delete(doubtful, one.FQDN)
		}
	}
	return all, doubtful
}

func hashOfName(name dnsname.Name) uint64 { return maphash.String(seed, string(name)) }

const severalParts = -1

// partsOf divides the files into parts, each with size endpoints, and returns for each name the
// part that has it, from 1, or severalParts.
func partsOf(exports []export, size int) (parts [][]export, partOf map[uint64]int) {
	pages := pagesOf(exports)
	numbers, _, _ := survey(pages)
	for i, page := range pages {
		for n, some := range partition([]iter.Seq[privateendpoint.Endpoint]{page}, numbers, size) {
			if n == len(parts) {
				parts = append(parts, make([]export, len(exports)))
			}
			parts[n][i] = export{endpoints: some, records: exports[i].records}
		}
	}
	partOf = map[uint64]int{}
	for n := range parts {
		for i := range parts[n] {
			for one := range parts[n][i].endpoints.all() {
				for name := range ownersOf(&one) {
					noteName(partOf, name, n+1)
				}
			}
		}
	}
	return parts, partOf
}

// ownersOf yields the names in the DNS configuration of an endpoint, without those that
// cannot own a record.
func ownersOf(e *privateendpoint.Endpoint) iter.Seq[dnsname.Name] {
	return func(yield func(dnsname.Name) bool) {
		for _, config := range e.DNS {
			if name, err := dnsname.ParseOwner(config.FQDN); err == nil && !yield(name) {
				return
			}
		}
	}
}

func noteName(partOf map[uint64]int, name dnsname.Name, part int) {
	hash := hashOfName(name)
	if before := partOf[hash]; before != 0 && before != part {
		part = severalParts
	}
	partOf[hash] = part
}

const severalFiles = -1

// homesOf returns the number of the file of each endpoint, from 1, or severalFiles.
func homesOf(exports []export) map[uint64]int {
	homes := map[uint64]int{}
	for i := range exports {
		for one := range exports[i].endpoints.all() {
			id := hashOf(one.ID)
			if file := homes[id]; file != 0 && file != i+1 {
				homes[id] = severalFiles
			} else {
				homes[id] = i + 1
			}
		}
	}
	return homes
}

// countSome is count for some of the names.
func (e exportFormat) countSome(paths []string, exports []export, list *List, some func(dnsname.Name) bool) map[string]int {
	c, served := newCounter(paths), byEndpoint(list, some)
	endpoints := map[dnsname.Name]int{} // number of endpoints that have the name
	for _, names := range served {
		for name := range names {
			endpoints[name]++
		}
	}
	var all descriptions
	for i, x := range exports {
		for _, entry := range x.records.Entries {
			if some(entry.FQDN) {
				c.has(i, entry.FQDN)
			}
		}
		for one := range x.endpoints.all() {
			if id := casefold.Lower(one.ID); served[id] != nil {
				all.add(id, i, &one)
			}
			for name := range ownersOf(&one) {
				if endpoints[name] > 0 {
					c.has(i, name)
				}
			}
		}
	}
	only := all.onlyIn()
	for _, file := range slices.Sorted(maps.Keys(only)) {
		for name, n := range e.lost(file, only[file], &all, served) {
			if n == endpoints[name] {
				c.alone[name] = append(c.alone[name], file)
			}
		}
	}
	return c.parts()
}

// lost returns, for each name, the number of endpoints that lose it without the file. Only
// some endpoints may lose names.
func (e exportFormat) lost(file int, ids []string, all *descriptions, served namesByID) map[dnsname.Name]int {
	var rest []privateendpoint.Endpoint
	for _, id := range ids {
		rest = append(rest, all.without(id, file)...)
	}
	still, names := byEndpoint(Unite([][]privateendpoint.Endpoint{rest}, e.vnets), everyName), map[dnsname.Name]int{}
	for _, id := range ids {
		for name := range served[id] {
			if !still[id][name] {
				names[name]++
			}
		}
	}
	return names
}

func everyName(dnsname.Name) bool { return true }

// namesByID has names by the ID of their endpoint in lower case.
type namesByID map[string]map[dnsname.Name]bool

// byEndpoint returns some of the names of a list.
func byEndpoint(list *List, some func(dnsname.Name) bool) namesByID {
	all := namesByID{}
	for _, e := range list.Entries {
		if !some(e.FQDN) {
			continue
		}
		id := casefold.Lower(e.Endpoint.String())
		if all[id] == nil {
			all[id] = map[dnsname.Name]bool{}
		}
		all[id][e.FQDN] = true
	}
	return all
}

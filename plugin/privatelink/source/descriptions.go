package source

import (
	"cmp"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// descriptions are the resources of endpoints in several files. Exports of several days
// describe an endpoint many times, and most of these descriptions are equal.
type descriptions struct {
	byID map[string][]*description
	at   map[descriptionKey]*description
	seen int
}

// A description is a resource, with the places where it is.
type description struct {
	privateendpoint.Endpoint
	places []place // in the order of the files
}

// A place is a file, and the number of the resource among all.
type place struct{ file, number int }

// add adds a resource of the endpoint. Calls are in the order of the files.
func (d *descriptions) add(id string, file int, e *privateendpoint.Endpoint) {
	if d.byID == nil {
		d.byID, d.at = map[string][]*description{}, map[descriptionKey]*description{}
	}
	key := keyOf(e)
	one := d.at[key]
	if one == nil {
		one = &description{Endpoint: *e}
		d.at[key] = one
		d.byID[id] = append(d.byID[id], one)
	}
	d.seen++
	if last := len(one.places) - 1; last >= 0 && one.places[last].file == file {
		one.places[last].number = d.seen
		return
	}
	one.places = append(one.places, place{file, d.seen})
}

// onlyIn returns the endpoints with a description that only one file has, by this file.
// Without the file, the other endpoints lose nothing.
func (d *descriptions) onlyIn() map[int][]string {
	ids := map[int][]string{}
	for id, all := range d.byID {
		for _, one := range all {
			file := one.places[0].file
			if n := len(ids[file]); len(one.places) == 1 && (n == 0 || ids[file][n-1] != id) {
				ids[file] = append(ids[file], id)
			}
		}
	}
	return ids
}

// without returns the descriptions of an endpoint in the other files, each once, in the
// order of their last places: the last one with the state of the connection has precedence.
func (d *descriptions) without(id string, file int) (rest []privateendpoint.Endpoint) {
	type numbered struct {
		number int
		*description
	}
	var all []numbered
	for _, one := range d.byID[id] {
		last := len(one.places) - 1
		if one.places[last].file == file {
			last--
		}
		if last >= 0 {
			all = append(all, numbered{one.places[last].number, one})
		}
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	for _, one := range all {
		rest = append(rest, one.Endpoint)
	}
	return rest
}

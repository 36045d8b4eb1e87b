package source

import (
	"iter"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// A counter counts names for [List.Parts].
type counter struct {
	paths []string
	files map[dnsname.Name][]int // that have the name, ascending
	alone map[dnsname.Name][]int // each of which removes the name when it is lost
}

func newCounter(paths []string) *counter {
	return &counter{paths, map[dnsname.Name][]int{}, map[dnsname.Name][]int{}}
}

// has adds a name of a file. Calls are in ascending order of the files.
func (c *counter) has(file int, name dnsname.Name) {
	if files := c.files[name]; len(files) == 0 || files[len(files)-1] != file {
		c.files[name] = append(files, file)
	}
}

func (c *counter) parts() map[string]int {
	parts := make(map[string]int, len(c.paths))
	for _, path := range c.paths {
		parts[path] = 0
	}
	for name, files := range c.files {
		if alone := c.alone[name]; len(alone) > 0 {
			for _, file := range alone {
				parts[c.paths[file]]++
			}
			continue
		}
		parts[c.key(files)]++
	}
	return parts
}

// key returns the key of the names that exactly these files have.
func (c *counter) key(files []int) string {
	if len(files) == 1 {
		return c.paths[files[0]]
	}
	var paths []string
	for _, file := range files {
		paths = append(paths, c.paths[file])
	}
	return strings.Join(paths, "\n")
}

// sharers returns the paths of a key of Parts.
func sharers(key string) []string { return strings.Split(key, "\n") }

// A part has the resources of an endpoint in one file.
type part struct {
	file int
	privateendpoint.Endpoint
}

// count also finds files that names depend on although other files have the names.
// The file of an endpoint has its virtual network and the state of its connection,
// and its names may be in the file of its network interface.
func (e exportFormat) count(paths []string, exports []export, list *List) map[string]int {
	c, parts, served := newCounter(paths), map[string][]part{}, byEndpoint(list)
	endpoints := map[dnsname.Name]int{} // number of endpoints that have the name
	for _, names := range served {
		for name := range names {
			endpoints[name]++
		}
	}
	for i, x := range exports {
		for _, entry := range x.records.Entries {
			c.has(i, entry.FQDN)
		}
		for one := range x.endpoints.all() {
			id := casefold.Lower(one.ID)
			parts[id] = append(parts[id], part{i, one})
			for _, config := range one.DNS {
				if name, err := dnsname.Parse(config.FQDN); err == nil && endpoints[name] > 0 {
					c.has(i, name)
				}
			}
		}
	}
	for i, x := range exports {
		for name, n := range e.lost(i, x.endpoints.all(), parts, served) {
			if n == endpoints[name] {
				c.alone[name] = append(c.alone[name], i)
			}
		}
	}
	return c.parts()
}

// lost returns, for each name, the number of endpoints that lose it without the file.
func (e exportFormat) lost(file int, page iter.Seq[privateendpoint.Endpoint], parts map[string][]part, served map[string]map[dnsname.Name]bool) map[dnsname.Name]int {
	ids := map[string]bool{}
	var rest []privateendpoint.Endpoint
	for one := range page {
		id := casefold.Lower(one.ID)
		if ids[id] {
			continue
		}
		ids[id] = true
		for _, other := range parts[id] {
			if other.file != file {
				rest = append(rest, other.Endpoint)
			}
		}
	}
	still, names := byEndpoint(Unite([][]privateendpoint.Endpoint{rest}, e.vnets)), map[dnsname.Name]int{}
	for id := range ids {
		for name := range served[id] {
			if !still[id][name] {
				names[name]++
			}
		}
	}
	return names
}

// byEndpoint returns the names by the ID of the endpoint in lower case.
func byEndpoint(list *List) map[string]map[dnsname.Name]bool {
	all := map[string]map[dnsname.Name]bool{}
	for _, e := range list.Entries {
		id := casefold.Lower(e.Endpoint.String())
		if all[id] == nil {
			all[id] = map[dnsname.Name]bool{}
		}
		all[id][e.FQDN] = true
	}
	return all
}

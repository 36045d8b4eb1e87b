package source

import (
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
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

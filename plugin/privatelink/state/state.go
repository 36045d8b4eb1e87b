// Package state reads and writes the file with the last good records. With it, a
// server that starts without Azure or without its files has the same answers as
// before.
//
// The file is JSON with one record a line. It is read and written record by record,
// because 100,000 records are 30 MB, and the server already has them in memory.
package state

import (
	"maps"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// version is the version of the format that Save writes. Load also reads version 1,
// which had no parts.
const version = 2

// A State has the records and serials for the next start. The zero value is empty.
type State struct {
	Serials map[dnsname.Name]uint32 // of each zone, in its SOA record
	Sources map[string]Source       // by the name of the source
}

// A Source is the last good list of one source.
type Source struct {
	Entries []source.Entry
	Since   []uint32       // see source.List
	Parts   map[string]int // see source.List
	Partial bool           // the source has not been loaded as a whole
}

// sorted returns the keys in order, so that files with the same content are equal.
func sorted[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// Package state reads and writes the file with the last good records, so that a
// server that starts without Azure, or without its files, answers as the previous
// one did.
//
// The file is JSON with one record a line. It is read and written record by
// record: 100,000 of them are 30 MB, and a server holds them in memory already.
package state

import (
	"maps"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// version is the version of the format that Save writes. Load reads version 1 as
// well, which had no parts.
const version = 2

// A State has the records and serials with which a server starts again. The zero
// value is empty.
type State struct {
	Serials map[dnsname.Name]uint32 // of each zone, in its SOA record
	Sources map[string]Source       // by the name of the source
}

// A Source is the last good list of one source.
type Source struct {
	Entries []source.Entry
	Parts   map[string]int // see source.List
	Partial bool           // the source has not been loaded as a whole
}

// sorted makes two files with the same content equal.
func sorted[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

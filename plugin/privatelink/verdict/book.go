package verdict

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Book has everything that a verdict depends on. Its fields are not modified after
// the first call of a method. All methods may be called at any time.
type Book struct {
	Zones    *zone.Set
	Snapshot *zone.Snapshot
	Lists    []List // that the snapshot was built from, in their order

	// Removed returns the last record of a name that was served. It may be nil.
	Removed func(owner dnsname.Name) (Removal, bool)

	Conflicts []Conflict // may be empty

	// Both are for the status page only, and may be empty.
	Generation uint64                    // differs from that of every other book of the process
	Found      map[source.Skip]time.Time // when each skip of the lists was found first

	once, surveyOnce sync.Once
	index            index
	survey           *Survey
}

// A List is the list of one source, which may be nil.
type List struct {
	*source.List
	Outside []*source.Entry // of the list, those outside of the zones
	Source  string
	// State returns the state of the source, and of a name that it has. The name may be
	// empty. State may be nil for a source that was read without error.
	State func(fqdn dnsname.Name) State
}

// A State is the state of a source and of one of its names.
type State struct {
	Loaded  bool      // the source has been read once
	Failure string    // the error of the last fetch
	Held    bool      // the last lists lack the name, and it is served nevertheless
	Missing time.Time // since when they lack it; zero if that is unknown
	Saved   bool      // the name is from a state file only
}

func (l *List) state(fqdn dnsname.Name) State {
	if l.State == nil {
		return State{Loaded: l.List != nil}
	}
	return l.State(fqdn)
}

// A Removal is the last record of a name that is not served any more.
type Removal struct {
	At     time.Time
	Addrs  []netip.Addr
	Entry  source.Entry // with the endpoint; empty if unknown
	Source string
}

// Origin returns the entry that a record of the snapshot has its endpoint from, and
// its list, or nil.
func (b *Book) Origin(r *zone.Record) (*source.Entry, *List) {
	n := int(b.Snapshot.Provenance(r).Origin) - 1
	for i := range b.Lists {
		l := &b.Lists[i]
		if n < 0 || l.List == nil {
			continue
		}
		if n < len(l.Entries) {
			return &l.Entries[n], l
		}
		n -= len(l.Entries)
	}
	return nil, nil
}

// NamesOf returns the names of the records that have the address, sorted.
func (b *Book) NamesOf(addr netip.Addr) (names []dnsname.Name) {
	for _, z := range b.Snapshot.Zones {
		for r := range z.Records() {
			if slices.Contains(r.Addrs, addr) {
				names = append(names, r.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

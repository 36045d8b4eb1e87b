package zone

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
)

// A Builder collects the records of the next snapshot.
type Builder struct {
	set         *Set
	before      map[dnsname.Name]*Zone // whose serials are followed
	zones       map[dnsname.Name]*Zone
	partitioned map[string]alias
}

// NewBuilder returns a builder with the zones of the set and of the snapshot
// that it is to follow, all of them empty: a zone that loses its last record is
// still a zone. previous is nil for the first snapshot.
func NewBuilder(set *Set, previous *Snapshot) *Builder {
	b := &Builder{set: set, zones: map[dnsname.Name]*Zone{}, partitioned: map[string]alias{}}
	for _, name := range set.Zones {
		b.zone(name)
	}
	if previous != nil {
		b.before = previous.Zones
		for name := range previous.Zones {
			b.zone(name)
		}
	}
	return b
}

// Follow makes the serials those that come after zones, not after the previous
// snapshot's.
func (b *Builder) Follow(zones map[dnsname.Name]*Zone) { b.before = zones }

func (b *Builder) zone(name dnsname.Name) *Zone {
	z, ok := b.zones[name]
	if !ok {
		z = &Zone{Name: name, Strict: b.set.strict(name), Answers: metrics.AnswersOf(name.String()), records: map[string]*Record{}}
		b.zones[name] = z
	}
	return z
}

// Addrs returns the addresses that the place has so far.
func (b *Builder) Addrs(p Place) []netip.Addr {
	z, ok := b.zones[p.Zone]
	if !ok {
		return nil
	}
	labels, _ := p.Owner.Below(z.Name)
	if r, ok := z.records[labels]; ok {
		return r.Addrs
	}
	return nil
}

// Add unites addrs with those that the place has already.
func (b *Builder) Add(p Place, addrs []netip.Addr) {
	z := b.zone(p.Zone)
	r := z.at(p.Owner)
	for _, addr := range addrs {
		if i, found := slices.BinarySearchFunc(r.Addrs, addr, netip.Addr.Compare); !found {
			r.Addrs = slices.Insert(r.Addrs, i, addr)
		}
	}
	if p.Partition != "" {
		b.partitioned[string(p.Partition)] = alias{z, r}
	}
}

// at returns the record of a name and makes it and the names between it and the
// zone where they are missing. The map's keys are parts of the owner's own text.
func (z *Zone) at(owner dnsname.Name) *Record {
	labels, _ := owner.Below(z.Name)
	if r, ok := z.records[labels]; ok {
		return r
	}
	r := &Record{Name: owner}
	z.records[labels] = r
	if dot := strings.IndexByte(labels, '.'); dot >= 0 {
		z.at(owner[dot+1:])
	}
	return r
}

// Snapshot returns what was added. A zone with the same records as before keeps
// its serial; any other gets a later one, now where that is later still. The
// builder is not used again.
func (b *Builder) Snapshot(complete bool, now uint32) *Snapshot {
	for name, z := range b.zones {
		z.Serial = now
		old, ok := b.before[name]
		switch {
		case ok && z.equal(old):
			z.Serial = old.Serial
		case ok:
			z.Serial = max(old.Serial+1, now)
		}
	}
	return &Snapshot{Zones: b.zones, Complete: complete, suffixes: b.suffixes(), partitioned: b.partitioned}
}

func (z *Zone) equal(old *Zone) bool {
	return maps.EqualFunc(z.records, old.records, func(a, b *Record) bool { return slices.Equal(a.Addrs, b.Addrs) })
}

func (b *Builder) suffixes() map[string]suffix {
	all := map[string]suffix{}
	// A name that no zone decides may yet be a vault's, in a zone still to come.
	pending := &Zone{Name: b.set.Cloud.Backup, Answers: metrics.AnswersOf(b.set.Cloud.Backup.String())}
	all[string(b.set.Cloud.Backup)] = suffix{pending, undiscovered}
	for service, parent := range b.set.partitions() {
		if z, ok := b.zones[dnsname.Name(cloud.Prefix+string(parent))]; ok {
			all[string(service)] = suffix{z, ofPartition}
		}
	}
	for name, z := range b.zones {
		for _, parent := range cloud.Parents(name) {
			all[string(parent)] = suffix{z, ofParent}
		}
	}
	for name, z := range b.zones { // last: a zone's name beats another zone's parent
		all[string(name)] = suffix{z, ofZone}
	}
	return all
}

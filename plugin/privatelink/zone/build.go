package zone

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A Builder collects the records of the next snapshot.
type Builder struct {
	set       *Set
	zones     map[dnsname.Name]*Zone
	claims    table
	endpoints map[string]*Record
}

// NewBuilder returns a builder with the zones of the set and the known zones, all of
// them empty. The known zones include each Backup zone that lost its last record.
// Known zones that are not in the set are ignored.
func NewBuilder(set *Set, known []dnsname.Name) *Builder {
	b := &Builder{set: set, zones: map[dnsname.Name]*Zone{}, claims: newTable(set.forms()), endpoints: map[string]*Record{}}
	for _, name := range slices.Concat(set.Zones, known) {
		if set.Has(name) {
			b.zone(name)
		}
	}
	return b
}

// zone returns the zone of the name. It adds the claims of a new zone to the table.
func (b *Builder) zone(name dnsname.Name) *Zone {
	z, ok := b.zones[name]
	if !ok {
		z = &Zone{Name: name, TTL: b.set.TTL, Strict: b.set.strict(name)}
		b.zones[name] = z
		b.claims.add(z)
	}
	return z
}

// OwnerOf is Set.OwnerOf without building the table.
func (b *Builder) OwnerOf(fqdn dnsname.Name) (Owner, error) { return b.claims.ownerOf(fqdn) }

// Addrs returns the addresses that the owner has so far.
func (b *Builder) Addrs(o Owner) []netip.Addr {
	z, ok := b.zones[o.Zone]
	if !ok {
		return nil
	}
	labels, _ := o.Name.CutSuffix(z.Name)
	if r := z.records.find(labels); r != nil {
		return r.Addrs
	}
	return nil
}

// Add unites addrs with the addresses that the owner has already. It returns the
// owner's record.
func (b *Builder) Add(o Owner, addrs []netip.Addr) *Record {
	z := b.zone(o.Zone)
	r := z.at(o.Name)
	if len(r.Addrs) == 0 && ascending(addrs) {
		r.set(addrs)
		addrs = nil
	}
	for _, addr := range addrs {
		if i, found := slices.BinarySearchFunc(r.Addrs, addr, netip.Addr.Compare); !found {
			r.Addrs = slices.Insert(r.Addrs, i, addr)
		}
	}
	if o.DNSZoneEndpoint != "" {
		b.endpoints[string(o.DNSZoneEndpoint)] = &r.Record
	}
	return &r.Record
}

// ascending reports whether the addresses ascend, each once.
func ascending(addrs []netip.Addr) bool {
	for i := 1; i < len(addrs); i++ {
		if addrs[i-1].Compare(addrs[i]) >= 0 {
			return false
		}
	}
	return true
}

// at returns the cell of a name. It adds the record, and the empty non-terminals
// between it and the zone, if they do not exist.
func (z *Zone) at(owner dnsname.Name) *cell {
	labels, _ := owner.CutSuffix(z.Name)
	if c := z.records.cell(labels); c != nil {
		return c
	}
	c := z.records.add(owner, z.Name)
	z.addWildcard(z.records.labels(&c.Record), &c.Record)
	if dot := strings.IndexByte(labels, '.'); dot >= 0 {
		z.at(owner[dot+1:])
	}
	return c
}

// Snapshot returns the added records. The function returns the serial of a zone.
// The builder must not be used again.
func (b *Builder) Snapshot(complete bool, serial func(*Zone) uint32) *Snapshot {
	for _, z := range b.zones {
		z.Serial = serial(z)
	}
	s := &Snapshot{Zones: b.zones, Complete: complete, directory: directory{claims: b.claims, endpoints: b.endpoints}, large: isLarge(b.zones)}
	if b.set.PTR {
		s.reverse = newReverse(b.zones, b.set.TTL)
	}
	return s
}

// Equal reports whether a transfer of both zones has the same records, except
// for the serial.
func (z *Zone) Equal(old *Zone) bool {
	return z.TTL == old.TTL && z.records.equal(&old.records)
}

package zone

import (
	"iter"
	"net/netip"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A Snapshot is one generation of all zones. It is never modified, so that queries
// read it without a lock. A query uses one snapshot only.
type Snapshot struct {
	Zones    map[dnsname.Name]*Zone
	Complete bool // every source has been loaded once
	// PassUnread reports that a source has not been loaded for so long that fallthrough
	// zones pass the names of other tenants. It has no effect on a complete snapshot.
	PassUnread bool

	directory
	large bool // a zone has many records
}

// A Zone has the records of one zone.
type Zone struct {
	Name   dnsname.Name
	Serial uint32
	TTL    uint32 // of addresses and aliases, in seconds
	Strict bool   // a missing name is NXDOMAIN; otherwise the next plugin answers

	// records has them by the labels before the zone's name. A record without
	// addresses is an empty non-terminal (RFC 9499), which has names below it.
	records index
	// wildcards has the wildcards among the records by the labels after "*.". It is
	// nil without them, as in most zones.
	wildcards map[string]*Record
	pointers  []pointer // of reverse names
}

// A Record has the RRsets A and AAAA of a name.
type Record struct {
	Name  dnsname.Name
	Addrs []netip.Addr // ascending, each once: IPv4 before IPv6
}

// A Result is the result of a lookup. [OutOfZone] is the zero value.
type Result uint8

// The order is that of the resolution steps.
const (
	OutOfZone Result = iota // the next plugin answers
	Success                 // a name of the zone, with or without addresses
	NameError               // a strict zone lacks the name
	Alias                   // a public name of Record
	NotReady                // a source that is not loaded yet may have the name
	Reverse                 // the reverse name of an address that records have
)

// An Answer is the answer for a name. Zone is nil for a name outside every zone and
// for a public name without a record. Record is nil for a name that does not exist
// and for the name of a zone.
type Answer struct {
	Result Result
	labels uint8  // length of the labels before the suffix, for the alias of a wildcard
	number uint32 // of the record in its zone, from 1; 0 if it was not looked up
	Zone   *Zone
	Record *Record
}

// Lookup returns how to answer name, which is in lower case with its trailing dot.
// It does not allocate.
func (s *Snapshot) Lookup(name string) Answer {
	c, labels := s.claims.find(name)
	switch c.kind {
	case unclaimed:
		return s.lookupAddress(name)
	case zoneNames:
		return s.inZone(c.zone, labels)
	case publicNames, oneName, staticWebsites:
		r, number := c.zone.records.numbered(labels)
		if r != nil && len(r.Addrs) > 0 {
			return Answer{Result: Alias, Zone: c.zone, Record: r, number: number}
		}
		if w := c.zone.wildcard(labels); w != nil && r == nil && s.Complete {
			return wildcardAlias(c.zone, w, labels)
		}
	case dnsZoneEndpoints:
		if r := s.endpoints[name]; r != nil && len(r.Addrs) > 0 {
			return Answer{Result: Alias, Zone: c.zone, Record: r}
		}
	}
	if s.mayHave(c.zone, labels) {
		return Answer{Result: NotReady, Zone: c.zone}
	}
	return Answer{}
}

// OwnerOf is Set.OwnerOf without building the table.
func (s *Snapshot) OwnerOf(fqdn dnsname.Name) (Owner, error) { return s.claims.ownerOf(fqdn) }

func (s *Snapshot) inZone(z *Zone, labels string) Answer {
	if labels == "" {
		return Answer{Result: Success, Zone: z}
	}
	if r, number := z.records.numbered(labels); r != nil {
		return Answer{Result: Success, Zone: z, Record: r, number: number}
	}
	if s.mayHave(z, labels) {
		return Answer{Result: NotReady, Zone: z}
	}
	if r := z.wildcard(labels); r != nil {
		return Answer{Result: Success, Zone: z, Record: r}
	}
	if z.Strict {
		return Answer{Result: NameError, Zone: z}
	}
	return Answer{Result: OutOfZone, Zone: z}
}

// Records yields every record of the zone that has addresses, in any order.
func (z *Zone) Records() iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		for r := range z.records.all() {
			if len(r.Addrs) > 0 && !yield(r) {
				return
			}
		}
	}
}

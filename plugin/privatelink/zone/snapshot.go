package zone

import (
	"iter"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A Snapshot is one generation of all zones. It is never modified once built,
// so any number of queries may read it; a query reads one snapshot only.
type Snapshot struct {
	Zones    map[dnsname.Name]*Zone
	Complete bool // every source has been loaded once

	// suffixes is what a name is looked up by, from its longest suffix to its
	// shortest: the zones' names, their parents' and the partitions'.
	suffixes map[string]suffix
	// partitioned holds the aliases that do not follow from a record's name.
	partitioned map[string]alias
}

// A Zone is the records of one zone.
type Zone struct {
	Name   dnsname.Name
	Serial uint32
	TTL    uint32 // of addresses and aliases, in seconds
	Strict bool   // a missing name is NXDOMAIN, else the next plugin is asked

	// records is keyed by the labels before the zone's name. A record without
	// addresses is an empty non-terminal (RFC 8499): it has names below it.
	records map[string]*Record
}

// A Record is an RRset, or two: the IPv4 addresses of a name and the IPv6 ones.
type Record struct {
	Name  dnsname.Name
	Addrs []netip.Addr // ascending, each once: IPv4 before IPv6
}

type suffix struct {
	zone *Zone
	kind suffixKind
}

type suffixKind uint8

const (
	ofZone       suffixKind = iota // the zone's name
	ofParent                       // its public names lie below
	ofPartition                    // partitioned names lie below
	undiscovered                   // Backup zones that no record has made yet may lie below
)

type alias struct {
	zone   *Zone
	record *Record
}

// A Verdict is what a snapshot says of a name. [Foreign] is the zero value.
type Verdict uint8

// The order is that of the resolution steps.
const (
	Foreign  Verdict = iota // not ours: the next plugin decides
	Exists                  // a name of the zone, with or without addresses
	Absent                  // missing in a strict zone
	Alias                   // a public name of Record
	NotReady                // ours or not: the sources are not loaded yet
)

// A Match is the verdict on one name. Zone is nil for Foreign only, unless the
// name lies in a zone that lacks it; Record is nil unless the name exists, and
// for a zone's own name.
type Match struct {
	Verdict Verdict
	Zone    *Zone
	Record  *Record
}

// Lookup returns the verdict on name, which is in lower case with its trailing
// dot. It does not allocate.
func (s *Snapshot) Lookup(name string) Match {
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		at, ok := s.suffixes[name[off:]]
		if !ok {
			continue
		}
		labels := name[:max(off-1, 0)]
		if m := s.match(at, name, labels); m.Verdict != Foreign || at.kind == ofZone {
			return m
		}
	}
	return Match{}
}

func (s *Snapshot) match(at suffix, name, labels string) Match {
	switch at.kind {
	case ofZone:
		return s.inZone(at.zone, labels)
	case ofParent:
		if r := at.zone.records[labels]; r != nil && len(r.Addrs) > 0 {
			return Match{Alias, at.zone, r}
		}
	case ofPartition:
		if a, ok := s.partitioned[name]; ok {
			return Match{Alias, a.zone, a.record}
		}
	}
	if !s.Complete && labels != "" {
		return Match{NotReady, at.zone, nil}
	}
	return Match{}
}

func (s *Snapshot) inZone(z *Zone, labels string) Match {
	if labels == "" {
		return Match{Exists, z, nil}
	}
	if r, ok := z.records[labels]; ok {
		return Match{Exists, z, r}
	}
	switch {
	case !s.Complete:
		return Match{NotReady, z, nil}
	case z.Strict:
		return Match{Absent, z, nil}
	}
	return Match{Foreign, z, nil}
}

// Records yields every record of the zone that has addresses, in no order.
func (z *Zone) Records() iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		for _, r := range z.records {
			if len(r.Addrs) > 0 && !yield(r) {
				return
			}
		}
	}
}

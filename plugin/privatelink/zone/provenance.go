package zone

import (
	"iter"
	"time"
)

// A Provenance records where a record is from and since when it is served. It has the
// size by which the allocator rounds a Record up, so that it costs no memory: the
// alternative, a map by name beside the snapshot, costs about 40 bytes a record.
type Provenance struct {
	Origin uint32 // a number of the caller of Builder.Add; 0 if it set none
	since  uint32 // seconds since the epoch; 0 if unknown
}

// Since returns when the name was published first, or the zero time. It is in whole
// seconds.
func (p Provenance) Since() time.Time {
	if p.since == 0 {
		return time.Time{}
	}
	return time.Unix(int64(p.since), 0)
}

// Date sets since when each name is served: as in previous, or since now. It must be
// called before s is published.
func (s *Snapshot) Date(previous *Snapshot, now time.Time) {
	seconds := uint32(now.Unix()) //nolint:gosec // G115: until the year 2106
	for name, z := range s.Zones {
		old := previous.Zones[name]
		if old == nil {
			old = &Zone{}
		}
		for labels, r := range z.records {
			if before := old.records[labels]; before != nil && len(before.Addrs) > 0 {
				r.since = before.since
			} else if len(r.Addrs) > 0 {
				r.since = seconds
			}
		}
	}
}

// Missing yields each record of previous whose name s does not have, in any order.
func (s *Snapshot) Missing(previous *Snapshot) iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		for name, old := range previous.Zones {
			z := s.Zones[name]
			if z == nil {
				z = &Zone{}
			}
			for labels, r := range old.records {
				if len(r.Addrs) > 0 && len(z.addrs(labels)) == 0 && !yield(r) {
					return
				}
			}
		}
	}
}

// Find returns the record of an owner name that has addresses, or nil. It does not
// look at wildcards.
func (s *Snapshot) Find(o Owner) *Record {
	z := s.Zones[o.Zone]
	if z == nil {
		return nil
	}
	labels, _ := o.Name.CutSuffix(z.Name)
	if r := z.records[labels]; r != nil && len(r.Addrs) > 0 {
		return r
	}
	return nil
}

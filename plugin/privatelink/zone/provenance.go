package zone

import (
	"iter"
	"time"
)

// A Provenance records where a record is from and since when it is served. It costs 8
// bytes a record. The alternative, a map by name beside the snapshot, costs about 40.
type Provenance struct {
	Origin  uint32 // a number of the caller of Builder.SetProvenance; 0 if it set none
	Seconds uint32 // Since in seconds since the epoch; 0 if unknown
}

// Since returns when the name was published first, or the zero time. It is in whole
// seconds.
func (p Provenance) Since() time.Time {
	if p.Seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(p.Seconds), 0)
}

// SetProvenance sets the provenance of the record of an owner that has been added.
func (b *Builder) SetProvenance(o Owner, p Provenance) {
	records := &b.zones[o.Zone].records
	labels, _ := o.Name.CutSuffix(o.Zone)
	*records.provenance(records.number(labels)) = p
}

// Provenance returns the provenance of a record of s.
func (s *Snapshot) Provenance(r *Record) Provenance {
	if x, n := s.numberOf(r); n >= 0 {
		return *x.provenance(n)
	}
	return Provenance{}
}

// numberOf returns the index and the number of a record of s, or -1.
func (s *Snapshot) numberOf(r *Record) (*index, int) {
	c, labels := s.claims.find(string(r.Name))
	if c.zone == nil {
		return nil, -1
	}
	return &c.zone.records, c.zone.records.number(labels)
}

// Date sets since when each name is served: as in previous, as its provenance says, or since
// now. It takes the uses over as well. It must be called before s is published.
func (s *Snapshot) Date(previous *Snapshot, now time.Time) {
	seconds := uint32(now.Unix()) //nolint:gosec // G115: until the year 2106
	for name, z := range s.Zones {
		old := &index{}
		if before := previous.Zones[name]; before != nil {
			old = &before.records
		}
		for i := range z.records.count {
			r := &z.records.at(i).Record
			if n := old.number(z.records.labels(r)); n >= 0 && len(old.at(n).Addrs) > 0 {
				z.records.provenance(i).Seconds = old.provenance(n).Seconds
				z.records.use(i).take(old.use(n))
			} else if p := z.records.provenance(i); len(r.Addrs) > 0 && p.Seconds == 0 {
				p.Seconds = seconds
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
			for r := range old.records.all() {
				if len(r.Addrs) > 0 && len(z.addrs(old.records.labels(r))) == 0 && !yield(r) {
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
	if r := z.records.find(labels); r != nil && len(r.Addrs) > 0 {
		return r
	}
	return nil
}

package zone

import (
	"runtime"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// manyRecords is the number of records that no longer fit into the cache of a CPU.
const manyRecords = 4096

// maxPrefetch is the number of names whose memory is read at the same time.
const maxPrefetch = 32

// A pending lookup is one that has not read all of its memory.
type pending struct {
	records *index
	hash    uint64
	place   int
	record  *Record
}

// Prefetch reads the memory that Lookup needs for the first 32 names. A lookup among many
// records waits for memory three times in a row. Here, each step is done for all names, so
// that they wait at the same time. The names are like that of Lookup.
func (s *Snapshot) Prefetch(names []string) {
	if !s.large {
		return
	}
	var all [maxPrefetch]pending
	n := 0
	for _, name := range names[:min(len(names), maxPrefetch)] {
		c, labels := s.claims.find(name)
		if (c.kind == zoneNames || c.kind == publicNames) && c.zone.records.count >= manyRecords {
			x := &c.zone.records
			hash := hashOf(labels)
			all[n] = pending{records: x, hash: hash, place: x.start(hash)}
			n++
		}
	}
	runtime.KeepAlive(read(all[:n]))
}

// read does each of the three steps for all lookups. The caller uses the result, because
// the compiler would drop the reads otherwise.
func read(all []pending) (sum uint64) {
	for i := range all {
		sum += all[i].records.slots[all[i].place]
	}
	for i := range all {
		if all[i].record = all[i].probe(); all[i].record != nil {
			sum += uint64(len(all[i].record.Name))
		}
	}
	for i := range all {
		if r := all[i].record; r != nil {
			sum += uint64(r.Name[0])
		}
	}
	return sum
}

// probe returns the first record with the hash. It does not compare the name.
func (p *pending) probe() *Record {
	x := p.records
	for i := p.place; x.slots[i] != 0; i = x.next(i) {
		if x.slots[i]>>32<<32 == p.hash {
			return &x.at(int(uint32(x.slots[i])) - 1).Record //nolint:gosec // G115: the lower half
		}
	}
	return nil
}

// isLarge reports whether a zone has many records.
func isLarge(zones map[dnsname.Name]*Zone) bool {
	for _, z := range zones {
		if z.records.count >= manyRecords {
			return true
		}
	}
	return false
}

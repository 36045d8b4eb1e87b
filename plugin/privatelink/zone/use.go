package zone

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
)

// A use counts the queries for one record. It costs 16 bytes a record, and a query that
// counts writes one line of the cache. A snapshot takes the uses of the one before over;
// a query that is answered from that one at this moment is not counted.
type use struct {
	queries, last atomic.Uint32 // last is in seconds since the epoch
	network       atomic.Uint64 // of the last client, see package clients
}

// A Use is how often clients asked for the names of a record since the start of the process,
// or since the name is served, by when and where the last query came from. The zero value
// is that of a record that nobody asked for.
type Use struct {
	Queries uint64       `json:"queries"`
	Last    time.Time    `json:"last,omitzero"` // in whole seconds
	Network netip.Prefix `json:"network"`       // of the last client, /24 or /56
}

// Plus unites the uses of one name.
func (u Use) Plus(other Use) Use {
	sum := u.Queries + other.Queries
	if other.Last.After(u.Last) {
		u = other
	}
	u.Queries = sum
	return u
}

// Count counts a query for the record of the answer. It does not allocate, and takes no
// lock.
func (a *Answer) Count(client netip.Addr, now time.Time) {
	if a.Record == nil {
		return
	}
	n := int(a.number) - 1
	if n < 0 { // a wildcard, or a DNS zone endpoint
		if n = a.Zone.records.number(a.Zone.records.labels(a.Record)); n < 0 {
			return
		}
	}
	u := a.Zone.records.use(n)
	u.queries.Add(1)
	u.last.Store(uint32(now.Unix())) //nolint:gosec // G115: until the year 2106
	u.network.Store(clients.KeyOf(client))
}

// Use returns how often clients asked for a record.
func (s *Snapshot) Use(r *Record) Use {
	x, n := s.numberOf(r)
	if n < 0 {
		return Use{}
	}
	u := x.use(n)
	if u.queries.Load() == 0 {
		return Use{}
	}
	return Use{uint64(u.queries.Load()), time.Unix(int64(u.last.Load()), 0), clients.PrefixOf(u.network.Load())}
}

// take sets the use of a record that a previous snapshot had as well.
func (u *use) take(before *use) {
	u.queries.Store(before.queries.Load())
	u.last.Store(before.last.Load())
	u.network.Store(before.network.Load())
}

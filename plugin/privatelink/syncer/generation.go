package syncer

import (
	"slices"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// previous returns the snapshot that the next one follows: that of the block in
// the running instance, and before the first commit an empty one.
func (s *Syncer) previous() *zone.Snapshot {
	if last := s.process.last(s.Block); last != nil {
		return last
	}
	return &zone.Snapshot{}
}

// known returns the zones that exist although they may have no record any more.
func (s *Syncer) known(previous *zone.Snapshot) []dnsname.Name {
	var all []dnsname.Name
	for name := range previous.Zones {
		all = append(all, name)
	}
	all = append(all, s.state.zones()...)
	return slices.DeleteFunc(all, func(name dnsname.Name) bool { return !s.Zones.Has(name) })
}

// serialNow is the SOA serial of a change made now.
func serialNow() uint32 { return uint32(time.Now().Unix()) } //nolint:gosec // G115: serials are modulo 2^32 (RFC 1982)

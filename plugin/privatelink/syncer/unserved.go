package syncer

import (
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Unserved reports whether an endpoint of a source has a public name, or had it, although
// the name is not served: the connection is not approved, for example. The name is in lower
// case with its trailing dot. Unserved does not allocate, except for the name of a DNS zone
// endpoint.
func (s *Syncer) Unserved(name string) bool {
	all := s.demand.unserved.Load()
	return all != nil && ((*all)[dnsname.Name(name)] || inDNSZone(name) && (*all)[zone.Canonical(dnsname.Name(name))])
}

// inDNSZone reports whether the second label may be that of a DNS zone, such as z12.
func inDNSZone(name string) bool {
	i := strings.IndexByte(name, '.') + 1
	return len(name) > i+1 && name[i] == 'z' && '0' <= name[i+1] && name[i+1] <= '9'
}

// noteUnserved replaces the set of Unserved after a snapshot was published.
func (s *Syncer) noteUnserved(gone *removals) {
	all := map[dnsname.Name]bool{}
	for name := range s.currentBook().Withheld() {
		all[name] = true
	}
	for _, owner := range gone.names() {
		all[zone.Canonical(owner)] = true
	}
	if len(all) == 0 {
		s.demand.unserved.Store(nil)
		return
	}
	s.demand.unserved.Store(&all)
}

func (r *removals) names() []dnsname.Name {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.Keys()
}

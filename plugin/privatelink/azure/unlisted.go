package azure

import "github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"

// unlisted returns the IDs, in lower case, of the scopes whose private endpoints could not be
// listed this time, and of the endpoints whose names are those of network interfaces that
// could not, until three reads have agreed. A listing that is wrong does not become right
// while the next ones fail: it must not count as several listings that lack a name.
func (s *Source) unlisted() (ids []string) {
	if s.several() {
		return nil
	}
	endpoints := s.endpointListings()
	for i, scope := range s.scopes() {
		if s.isUnlisted(i) {
			ids = append(ids, casefold.Lower(scope))
		}
		if endpoints[i] == nil || !s.isUnlisted(len(endpoints)+i) {
			continue
		}
		for _, e := range endpoints[i].resources {
			if len(e.DNS) == 0 {
				ids = append(ids, casefold.Lower(e.ID))
			}
		}
	}
	return ids
}

// isUnlisted reports whether a listing failed this time, before three reads of it agreed.
func (s *Source) isUnlisted(i int) bool {
	return s.failed[i] && s.listings[i] != nil && s.listings[i].reads != agreeing
}

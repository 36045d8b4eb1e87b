package azure

import "github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"

// unlisted returns the IDs, in lower case, of the scopes whose private endpoints could not be
// listed this time, and of the endpoints whose names are those of network interfaces that
// could not, until three reads have agreed. A listing that is wrong does not become right
// while the next ones fail: it must not count as several listings that lack a name.
func (s *Source) unlisted() (ids []string) {
	scopes := s.scopes()
	for i, failed := range s.failed {
		endpoints := i % len(scopes)
		switch {
		case !failed, s.several(), s.listings[i] == nil, s.listings[i].reads == agreeing:
		case i < len(scopes):
			ids = append(ids, casefold.Lower(scopes[i]))
		case s.listings[endpoints] != nil:
			for _, e := range s.listings[endpoints].resources {
				if len(e.DNS) == 0 {
					ids = append(ids, casefold.Lower(e.ID))
				}
			}
		}
	}
	return ids
}

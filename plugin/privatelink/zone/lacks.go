package zone

import "github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"

// Lacks reports whether name is the name of a record that no source has: it is below a
// zone, also a Backup zone without records, and does not exist. The public names of a
// zone are not such names, because nothing shows that they have a private endpoint. The
// name is in lower case with its trailing dot.
func (s *Snapshot) Lacks(name string) bool {
	if r := s.Lookup(name).Result; r != OutOfZone && r != NameError {
		return false
	}
	owner, err := s.claims.ownerOf(dnsname.Name(name))
	return err == nil && string(owner.Name) == name
}

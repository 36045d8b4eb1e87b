// Package zone holds the records of the private link zones. A [Set] has the zones
// of a Corefile, a [Builder] collects the records, and a [Snapshot] is one
// generation of them, in which queries are looked up. Both decide by one table
// which zone a name belongs to. The package knows DNS only: it has no sources, no
// metrics and no log.
package zone

import (
	"errors"
	"fmt"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// DefaultTTL is the TTL of addresses and aliases, in seconds.
const DefaultTTL uint32 = 60

// A Set has the zones that a Corefile lists and the rules for their names. A
// Backup zone need not be listed, because its first record creates it.
type Set struct {
	Cloud cloud.Cloud
	Zones []dnsname.Name
	// All has the first record of any other regional zone of Microsoft's table create
	// that zone as well.
	All bool

	// Strict and Fallthrough override how a zone answers a name that does not
	// exist: with NXDOMAIN, or by asking the next plugin. A zone in neither is
	// strict if it is a zone of vaults, that of Backup or Site Recovery.
	Strict, Fallthrough []dnsname.Name
	AllStrict, AllFall  bool

	// FailClosed has fallthrough zones answer SERVFAIL for a name that no source has
	// as long as a source has not been loaded.
	FailClosed bool

	TTL uint32 // of addresses and aliases, in seconds

	// PTR has reverse queries for the addresses of records answered with their names.
	PTR bool
}

// Has reports whether zone is in the set, named or by its form.
func (s *Set) Has(zone dnsname.Name) bool {
	_, byForm := s.form(zone)
	return byForm || slices.Contains(s.Zones, zone)
}

// forms returns the forms of zones that need not be listed.
func (s *Set) forms() []cloud.Form {
	all := s.Cloud.Forms()
	if !s.All {
		return all[:min(len(all), 1)] // Backup
	}
	return all
}

// form returns the form of a zone that need not be listed.
func (s *Set) form(zone dnsname.Name) (cloud.Form, bool) {
	for _, f := range s.forms() {
		if _, ok := f.Label(zone); ok {
			return f, true
		}
	}
	return cloud.Form{}, false
}

// strict reports whether a name that the zone lacks is NXDOMAIN. Zones of vaults are
// strict because no name of a vault is public. All other zones also have the
// public names of other tenants.
func (s *Set) strict(zone dnsname.Name) bool {
	switch {
	case slices.Contains(s.Strict, zone):
		return true
	case slices.Contains(s.Fallthrough, zone):
		return false
	}
	return s.AllStrict || s.Cloud.IsVault(zone) && !s.AllFall
}

// An Owner is the owner name of the record of a name, and its zone.
type Owner struct {
	Zone dnsname.Name
	Name dnsname.Name // in the zone
	// DNSZoneEndpoint is the name itself if it has the label of a DNS zone, as
	// x.zNN.blob.storage.azure.net and the static website x.zNN.web.core.windows.net have,
	// and empty otherwise. Other aliases follow from Name.
	DNSZoneEndpoint dnsname.Name
}

// ErrOutOfZone is the error of OwnerOf for a name outside every zone. The syncer
// counts it apart from invalid names.
var ErrOutOfZone = errors.New("is in none of the zones")

// OwnerOf returns the owner of an FQDN in any of the forms that Azure uses: with
// the label privatelink, without it, or as a DNS zone endpoint. The name of a zone,
// and a suffix of public names, are out of zone. A name that is too long with the
// label is an error as well. OwnerOf builds the table of the zones for one name;
// for many names use OwnerOf of a Builder or a Snapshot.
func (s *Set) OwnerOf(fqdn dnsname.Name) (Owner, error) { return NewBuilder(s, nil).OwnerOf(fqdn) }

// Check returns an error if zone claims a suffix that a zone of the set claims as
// well, because names below it would have two owners. The zone to remove is always
// the one with the plain name, privatelink.SUFFIX, because Azure does not use it: the
// other claim comes from Azure's table.
func (s *Set) Check(zone dnsname.Name) error {
	t := NewBuilder(s, nil).claims
	for suffix, mine := range claims(zone) {
		c, taken := t.claims[string(suffix)]
		mine.zone = &Zone{Name: zone}
		second, shared := t.shared[string(suffix)]
		if !taken || c.zone.Name == zone || shared && second.zone.Name == zone || mine.kind == forwarded || t.share(suffix, c, mine) {
			continue
		}
		other := c.zone.Name
		if c.isForm() {
			other = c.form().Zone(s.word(c.zone.Name))
		}
		plain, right := zone, other
		if plain != cloud.Prefix+suffix {
			plain, right = other, zone
		}
		return fmt.Errorf("%s and %s both claim the names below %s: remove %s, Azure has these names in %s", zone, other, suffix, plain, right)
	}
	return nil
}

// word returns what the label of a form is: GEO or REGION.
func (s *Set) word(suffix dnsname.Name) string {
	all := s.forms()
	return all[slices.IndexFunc(all, func(f cloud.Form) bool { return f.Suffix == suffix })].Word
}

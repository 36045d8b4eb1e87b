package zone

import (
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// Aliases returns the names of every record that Lookup answers with it as an
// alias: its public names, then its DNS zone endpoints by name. No list is nil.
func (s *Snapshot) Aliases() map[*Record][]dnsname.Name {
	all := map[*Record][]dnsname.Name{}
	for _, z := range s.Zones {
		for r := range z.Records() {
			all[r] = s.publicNames(z, r)
		}
	}
	var endpoints []dnsname.Name
	for name := range s.endpoints {
		endpoints = append(endpoints, dnsname.Name(name))
	}
	slices.Sort(endpoints)
	for _, name := range endpoints {
		if r := s.endpoints[string(name)]; len(r.Addrs) > 0 {
			all[r] = append(all[r], name)
		}
	}
	return all
}

// publicNames returns the public names x.SUFFIX of the record x.ZONE. It leaves out a
// name of which a different zone claims a longer suffix.
func (s *Snapshot) publicNames(z *Zone, r *Record) []dnsname.Name {
	names := []dnsname.Name{}
	labels, _ := r.Name.CutSuffix(z.Name)
	for _, suffix := range cloud.PublicZones(z.Name) {
		name, err := suffix.Child(labels)
		if m := s.Lookup(string(name)); err == nil && m.Result == Alias && m.Record == r {
			names = append(names, name)
		}
	}
	return names
}

// Suffix returns the suffix by which a name belongs to its zone, or "" if it is
// outside every zone.
func (s *Snapshot) Suffix(name dnsname.Name) dnsname.Name {
	c, labels := s.claims.find(string(name))
	if c.kind == unclaimed {
		return ""
	}
	return c.suffix(name, labels)
}

// PublicSuffixes returns the suffixes of all public names of the zones, including the
// zones of all regions, and of the names that lead into the zones. The suffixes of DNS
// zone endpoints are last.
func (s *Set) PublicSuffixes() (all []dnsname.Name) {
	var last []dnsname.Name
	for _, f := range s.forms() {
		all = append(all, f.Suffix)
	}
	for _, zone := range s.Zones {
		for suffix, c := range claims(zone) {
			switch c.kind {
			case publicNames, oneName, forwarded:
				all = append(all, suffix)
			case dnsZoneEndpoints:
				last = append(last, suffix)
			}
		}
	}
	return append(all, last...)
}

// Forward returns the suffix that a DNS server has to forward to this server, so that
// it receives queries for the name or for the public name of the record. The zones of
// all regions have one suffix. Forward returns "" for a name outside every zone.
func (s *Set) Forward(name dnsname.Name) dnsname.Name {
	c, labels := NewBuilder(s, nil).claims.find(string(name))
	switch {
	case c.kind == unclaimed:
		return ""
	case c.isForm():
		return c.zone.Name
	}
	if f, ok := s.form(c.zone.Name); ok {
		return f.Suffix
	}
	if c.kind == zoneNames {
		return cloud.Rules(c.zone.Name)[0].Suffix
	}
	return c.suffix(name, labels)
}

// suffix returns the suffix of the claim in a name that has the labels.
func (c claim) suffix(name dnsname.Name, labels string) dnsname.Name {
	if labels == "" {
		return name
	}
	rest := name[len(labels)+1:]
	switch c.kind {
	case oneName:
		_, last := cutLast(labels)
		return dnsname.Name(last) + "." + rest
	case staticWebsites:
		_, after, _ := strings.Cut(string(rest), ".")
		return dnsname.Name(after)
	}
	return rest
}

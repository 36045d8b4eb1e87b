package forwarders

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A target is the data of the templates.
type target struct {
	Zones      []string // to forward
	Names      bool     // Zones has the served names, not their parents
	Suffixes   []string // the parents: a forwarder below one of them, to the same servers, is one of this command
	Servers    servers
	Scope      scope
	Upstreams  []string // addresses to which privatelink-dns forwards names below the parents
	Checks     []string // of each zone the name whose SOA query proves that privatelink-dns answers
	NameServer string   // in the SOA record of that answer
}

// ofParents is the target for one forwarder for each parent zone.
func ofParents(blocks []privatelink.Block) target {
	t := target{NameServer: nameServer(), Suffixes: texts(topmost(of(blocks, parents)))}
	t.Zones = t.Suffixes
	for i := range blocks {
		t.addChecks(blocks[i].Zones.Zones)
	}
	return t
}

// ofNames is the target for one forwarder for each served name: for that of the
// record, because some servers ask for the end of a CNAME themselves, and for its
// aliases. A forwarder also covers the names below its own, so that the names that a
// wildcard matches need the name after "*." only. With wholeZones the zone of a record
// replaces its name.
func ofNames(blocks []privatelink.Block, looked []input.Block, wholeZones bool) target {
	t := ofParents(blocks)
	t.Names, t.Checks = true, nil
	var all []dnsname.Name
	for i := range looked {
		names, firsts := served(looked[i].Snapshot, wholeZones)
		all = append(all, names...)
		t.addChecks(firsts)
	}
	slices.Sort(all)
	t.Zones = texts(topmost(all))
	return t
}

// served returns all names of the snapshot, and one record of each zone.
func served(s *zone.Snapshot, wholeZones bool) (names, firsts []dnsname.Name) {
	aliases := s.Aliases()
	for _, z := range s.Zones {
		var first dnsname.Name
		for r := range z.Records() {
			name := withoutStar(r.Name)
			if first == "" || name < first {
				first = name
			}
			if wholeZones {
				name = z.Name
			}
			names = append(names, name)
			for _, alias := range aliases[r] {
				names = append(names, withoutStar(alias))
			}
		}
		if first != "" {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	return names, firsts
}

func withoutStar(name dnsname.Name) dnsname.Name {
	return dnsname.Name(strings.TrimPrefix(string(name), "*."))
}

func (t *target) addChecks(names []dnsname.Name) {
	for _, text := range texts(names) {
		if !slices.Contains(t.Checks, text) {
			t.Checks = append(t.Checks, text)
		}
	}
}

// nameServer is the primary that the SOA records of privatelink-dns name, and no
// others.
func nameServer() string {
	soa, _ := privatelink.Apex(&zone.Zone{Name: "."})[0].(*dns.SOA)
	return strings.TrimSuffix(soa.Ns, ".")
}

// Loopback reports whether a server is on the machine of the one that forwards.
func (t target) Loopback() bool {
	return slices.ContainsFunc(t.Servers, func(s server) bool { return s.Addr().IsLoopback() })
}

func texts(names []dnsname.Name) []string {
	var all []string
	for _, name := range names {
		all = append(all, name.String())
	}
	return all
}

package forwarders

import (
	"maps"
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
	Zones     []string // to forward
	Names     bool     // Zones has the served names, not their parents
	Suffixes  []string // the parents: a forwarder below one of them, to the same servers, is one of this command
	Servers   servers
	Scope     scope
	Upstreams []string   // addresses to which privatelink-dns forwards names below the parents
	Checks    []question // of each zone one
}

// A question has a name and a type, and the data that only privatelink-dns returns.
type question struct{ Name, Type, Data string }

// ofParents is the target for one forwarder for each parent zone.
func ofParents(blocks []privatelink.Block) target {
	t := target{Suffixes: texts(topmost(collectNames(blocks, parents)))}
	t.Zones = t.Suffixes
	for i := range blocks {
		for _, name := range blocks[i].Zones.Zones {
			t.addCheck(question{name.String(), "SOA", nameServer()})
		}
	}
	return t
}

// ofNames is the target for one forwarder for each served name: for that of the
// record, because some servers ask for the end of a CNAME themselves, and for its
// aliases. A forwarder also covers the names below its own, so that the names that a
// wildcard matches need the name after "*." only. With wholeZones the zone of a record
// replaces its name.
func ofNames(blocks []privatelink.Block, fetched []input.Block, wholeZones bool) target {
	t := ofParents(blocks)
	t.Names, t.Checks = true, nil
	var all []dnsname.Name
	for i := range fetched {
		aliases := fetched[i].Snapshot.Aliases()
		for _, name := range slices.Sorted(maps.Keys(fetched[i].Snapshot.Zones)) {
			z := fetched[i].Snapshot.Zones[name]
			records := slices.SortedFunc(z.Records(), func(a, b *zone.Record) int { return strings.Compare(string(a.Name), string(b.Name)) })
			for _, r := range records {
				owner := withoutStar(r.Name)
				if wholeZones {
					owner = z.Name
				}
				all = append(append(all, owner), aliases[r]...)
			}
			if len(records) > 0 {
				t.addCheck(ofRecord(records[len(records)-1]))
			}
		}
	}
	for i := range all {
		all[i] = withoutStar(all[i])
	}
	slices.Sort(all)
	t.Zones = texts(topmost(all))
	return t
}

// ofRecord returns the question for the first address of a record. A name that a
// wildcard matches has the addresses of the wildcard.
func ofRecord(r *zone.Record) question {
	name := strings.Replace(r.Name.String(), "*", "any", 1)
	if r.Addrs[0].Is4() {
		return question{name, "A", r.Addrs[0].String()}
	}
	return question{name, "AAAA", r.Addrs[0].String()}
}

func withoutStar(name dnsname.Name) dnsname.Name {
	return dnsname.Name(strings.TrimPrefix(string(name), "*."))
}

func (t *target) addCheck(q question) {
	if !slices.Contains(t.Checks, q) {
		t.Checks = append(t.Checks, q)
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

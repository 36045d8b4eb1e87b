package records

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/printable"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A record is one address of one name, as JSON shows it.
type record struct {
	Zone     dnsname.Name   `json:"zone"`
	Name     dnsname.Name   `json:"name"`
	Type     string         `json:"type"` // A or AAAA
	Address  netip.Addr     `json:"address"`
	TTL      uint32         `json:"ttl"`
	Aliases  []dnsname.Name `json:"aliases"`  // the public names that lead to it, never nil
	Endpoint string         `json:"endpoint"` // resource ID, or the position of the record, or empty
	Target   string         `json:"target"`   // resource ID, or empty if unknown
	From     string         `json:"from"`     // the block, or the server

	Source    string     `json:"source,omitempty"`     // that has it, empty for a server's records
	Time      *time.Time `json:"time,omitempty"`       // of the source's oldest file, or of the state file
	FromState bool       `json:"from_state,omitempty"` // the source cannot be read, and its state file has the record
}

// A zoneRecords is one zone.
type zoneRecords struct {
	name    dnsname.Name
	apex    []dns.RR // the SOA record, the NS records
	records []record // by name and address
}

// A set has the records of one input, or of one server.
type set struct {
	zones    []*zoneRecords // by name
	sources  []input.Source
	warnings []string
	failed   error // the errors of unreadable sources
}

// only returns the set with the one zone, or as it is without a name.
func (s set) only(name dnsname.Name) set {
	if name != "" {
		s.zones = slices.DeleteFunc(slices.Clone(s.zones), func(z *zoneRecords) bool { return z.name != name })
	}
	return s
}

func (s *set) sort() {
	slices.SortFunc(s.zones, func(a, b *zoneRecords) int { return cmp.Compare(a.name, b.name) })
	for _, z := range s.zones {
		slices.SortFunc(z.records, func(a, b record) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), a.Address.Compare(b.Address))
		})
	}
}

// A collector unites blocks: several of them often serve the same records to
// different listeners.
type collector struct {
	set   set
	zones map[dnsname.Name]*zoneRecords
	given map[dnsname.Name]*given
}

// A given has the addresses of a name in the first block that has it.
type given struct {
	first string       // the first block that has it
	addrs []netip.Addr // those of that block
	shown []netip.Addr // by any block
}

// collect returns the records of all blocks, and the warnings about them.
func collect(blocks []input.Block) set {
	c := collector{zones: map[dnsname.Name]*zoneRecords{}, given: map[dnsname.Name]*given{}}
	for i := range blocks {
		c.add(&blocks[i])
		c.set.failed = errors.Join(c.set.failed, blocks[i].Failed())
	}
	c.set.sort()
	return c.set
}

func (c *collector) add(b *input.Block) {
	aliases := b.Snapshot.Aliases()
	for name, z := range b.Snapshot.Zones {
		if c.zones[name] == nil {
			c.zones[name] = &zoneRecords{name: name, apex: privatelink.Apex(z)}
			c.set.zones = append(c.set.zones, c.zones[name])
		}
		for r := range z.Records() {
			c.addRecord(b, z, r, aliases[r])
		}
	}
	for i, src := range b.Preview.Sources {
		c.set.warnings = append(c.set.warnings, firstWarnings(src.Name, src.Findings)...)
		if !slices.ContainsFunc(c.set.sources, func(s input.Source) bool { return s.Name == src.Name }) {
			c.set.sources = append(c.set.sources, b.Sources[i])
		}
	}
	if b.StateErr != nil {
		c.set.warnings = append(c.set.warnings, fmt.Sprintf("state: %v (without it, the last good records of a source that fails are not known here)", b.StateErr))
	}
}

func (c *collector) addRecord(b *input.Block, z *zone.Zone, r *zone.Record, aliases []dnsname.Name) {
	known := c.given[r.Name]
	if known == nil {
		known = &given{first: b.Position, addrs: r.Addrs}
		c.given[r.Name] = known
	} else if !slices.Equal(known.addrs, r.Addrs) {
		c.set.warnings = append(c.set.warnings, fmt.Sprintf("%s: %s has other addresses than in the block %s, both are listed", b.Position, r.Name, known.first))
	}
	base := record{Zone: z.Name, Name: r.Name, TTL: z.TTL, Aliases: aliases, From: b.Position, Source: b.Sources[b.Sourced[r.Name]].Name}
	endpoints := entriesByAddr(b.Entries[r.Name])
	for _, addr := range r.Addrs {
		if slices.Contains(known.shown, addr) {
			continue
		}
		known.shown = append(known.shown, addr)
		one := base
		one.Type, one.Address = rrtype(addr), addr
		one.Endpoint, one.Target = endpoints[addr].Endpoint.String(), endpoints[addr].Target.String()
		one.Time, one.FromState = b.TimeOf(r.Name, endpoints[addr])
		c.zones[z.Name].records = append(c.zones[z.Name].records, one)
	}
}

// entriesByAddr returns the first entry that has each address.
func entriesByAddr(entries []source.Entry) map[netip.Addr]source.Entry {
	all := map[netip.Addr]source.Entry{}
	for _, e := range entries {
		for _, addr := range e.Addrs {
			if _, seen := all[addr]; !seen {
				all[addr] = e
			}
		}
	}
	return all
}

// most is the maximum number of warnings of one source.
const most = 20

func firstWarnings(name string, findings []syncer.Finding) (shown []string) {
	for _, f := range findings[:min(len(findings), most)] {
		shown = append(shown, printable.Text(name+": "+f.Text))
	}
	if more := len(findings) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("%s: %d more like these, validate -json has all", name, more))
	}
	return shown
}

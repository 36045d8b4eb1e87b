package check

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// An endpoint is a private endpoint with the names that are asked for.
type endpoint struct {
	*verdict.Endpoint
	names []*name
}

// A name is a record with all names that lead to it.
type name struct {
	owner           dnsname.Name
	zones           *zone.Set      // of its block
	forms           []dnsname.Name // the owner first
	addrs           []netip.Addr   // the right addresses of each of them
	results         []result
	wrong           bool // there is a finding at a server of ours, or at the address
	wrongAtResolver bool // there is one at a resolver
}

// A plan is everything that is checked.
type plan struct {
	inventory verdict.Inventory
	endpoints []*endpoint    // of the inventory, by ID
	origins   []dnsname.Name // of the server blocks: they serve no names outside
	zones     []dnsname.Name
	sources   []input.Source
	failures  []error  // of the sources that could not be read, wholly or in part
	warnings  []string // those that the server would log, without skips
	state     bool     // there is a state file
}

// newPlan unites the blocks: the first one that has a name decides its
// right addresses.
func newPlan(blocks []input.Block) *plan {
	p, asked := &plan{}, map[*verdict.Endpoint][]*name{}
	for i := range blocks {
		b := &blocks[i]
		p.origins = append(p.origins, b.Origins...)
		for zone := range b.Snapshot.Zones {
			if !slices.Contains(p.zones, zone) {
				p.zones = append(p.zones, zone)
			}
		}
		aliases := b.Snapshot.Aliases()
		p.inventory.Add(b.Book(), func(e *verdict.Endpoint, r *zone.Record) {
			forms := append([]dnsname.Name{r.Name}, aliases[r]...)
			asked[e] = append(asked[e], &name{owner: r.Name, zones: &b.Zones, forms: forms, addrs: r.Addrs})
		})
		p.addSources(b)
		p.addState(b)
	}
	slices.Sort(p.zones)
	for _, e := range p.inventory.Endpoints() {
		slices.SortFunc(asked[e], func(a, b *name) int { return cmp.Compare(a.owner, b.owner) })
		p.endpoints = append(p.endpoints, &endpoint{e, asked[e]})
	}
	return p
}

func (p *plan) addSources(b *input.Block) {
	p.failures = append(p.failures, command.Errors(b.Failed())...)
	for i, src := range b.Preview.Sources {
		if !slices.ContainsFunc(p.sources, func(s input.Source) bool { return s.Name == src.Name }) {
			p.sources = append(p.sources, b.Sources[i])
		}
		for _, f := range src.Findings {
			if f.Kind != syncer.Skipped {
				p.warn(f.Text)
			}
		}
	}
}

// addState warns of a state file that cannot be read: a restart would lose records.
func (p *plan) addState(b *input.Block) {
	p.state = p.state || b.State != ""
	if b.StateErr != nil {
		p.warn(fmt.Sprintf("state: %v (without it, the last good records of a source that fails are not known here)", b.StateErr))
	}
}

func (p *plan) warn(line string) {
	if !slices.Contains(p.warnings, line) {
		p.warnings = append(p.warnings, line)
	}
}

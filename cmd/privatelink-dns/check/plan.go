package check

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// An endpoint is a private endpoint with the names that it gives. Entries
// without an endpoint, of a hosts file say, form one for each file.
type endpoint struct {
	id, target string
	names      []*name
	skips      []source.Skip // why it, or a name of it, is not served
}

// A name is a record with all names that lead to it.
type name struct {
	owner   dnsname.Name
	zones   *zone.Set // of its block
	service verdict.Service
	forms   []dnsname.Name // the owner first
	addrs   []netip.Addr   // the right addresses of each of them
	results []result
	wrong   bool // there is a finding at a server of ours, or at the address
	astray  bool // there is one at a resolver
}

// A plan is everything that is checked.
type plan struct {
	endpoints []*endpoint    // by title
	origins   []dnsname.Name // of the server blocks: they serve no names outside
	zones     []dnsname.Name
	sources   []input.Source
	failures  []error  // of the sources that could not be read, wholly or in part
	warnings  []string // those that the server would log, without skips
	state     bool     // there is a state file
}

// newPlan unites the blocks: the first one that gives a name decides its
// right addresses.
func newPlan(blocks []input.Block) *plan {
	p, byID, seen := &plan{}, map[string]*endpoint{}, map[dnsname.Name]bool{}
	for i := range blocks {
		b := &blocks[i]
		p.origins = append(p.origins, b.Origins...)
		for zone := range b.Snapshot.Zones {
			if !slices.Contains(p.zones, zone) {
				p.zones = append(p.zones, zone)
			}
		}
		for _, n := range names(b) {
			if !seen[n.owner] {
				seen[n.owner] = true
				e := p.endpoint(byID, first(b.Entries[n.owner]))
				e.names = append(e.names, n)
			}
		}
		p.addSources(b, byID)
		p.addState(b)
	}
	slices.SortFunc(p.endpoints, func(a, b *endpoint) int { return cmp.Compare(a.id, b.id) })
	slices.Sort(p.zones)
	for _, e := range p.endpoints {
		slices.SortFunc(e.names, func(a, b *name) int { return cmp.Compare(a.owner, b.owner) })
	}
	return p
}

func (p *plan) addSources(b *input.Block, byID map[string]*endpoint) {
	p.failures = append(p.failures, command.Errors(b.Failed())...)
	for i, src := range b.Preview.Sources {
		if !slices.ContainsFunc(p.sources, func(s input.Source) bool { return s.Name == src.Name }) {
			p.sources = append(p.sources, b.Sources[i])
		}
		if src.List != nil {
			for _, skip := range src.List.Skipped {
				e := p.endpoint(byID, source.Entry{Endpoint: skip.Endpoint, Target: skip.Target})
				if !slices.Contains(e.skips, skip) {
					e.skips = append(e.skips, skip)
				}
			}
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

// endpoint returns that of the entry, and makes it.
func (p *plan) endpoint(byID map[string]*endpoint, of source.Entry) *endpoint {
	id := verdict.EndpointID(of.Endpoint)
	key := casefold.Lower(id) // Azure varies the case of resource IDs
	e := byID[key]
	if e == nil {
		e = &endpoint{id: id}
		byID[key] = e
		p.endpoints = append(p.endpoints, e)
	}
	e.target = cmp.Or(e.target, of.Target)
	return e
}

func first(entries []source.Entry) source.Entry {
	if len(entries) == 0 {
		return source.Entry{}
	}
	return entries[0]
}

// names returns the names of all records of the block.
func names(b *input.Block) (all []*name) {
	aliases := b.Snapshot.Aliases()
	for _, z := range b.Snapshot.Zones {
		for r := range z.Records() {
			n := &name{owner: r.Name, zones: &b.Zones, service: verdict.ServiceOf(b.Zones.Cloud, z.Name), addrs: r.Addrs}
			n.forms = append([]dnsname.Name{r.Name}, aliases[r]...)
			all = append(all, n)
		}
	}
	return all
}

// counts returns how many names of each service the endpoint has.
func (e *endpoint) counts() (n verdict.Counts) {
	for _, one := range e.names {
		n.Add(one.service)
	}
	return n
}

// short is the endpoint's own name, without the path to it.
func (e *endpoint) short() string {
	id := e.id[strings.LastIndexByte(e.id, '/')+1:]
	if !strings.HasPrefix(e.id, "/subscriptions/") {
		id = e.id
	}
	return source.Title(cmp.Or(id, "no endpoint"), e.target)
}

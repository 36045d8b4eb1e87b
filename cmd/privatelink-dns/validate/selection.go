package validate

import (
	"fmt"
	"iter"
	"slices"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// A candidate is a server block with the records of its privatelink block.
type candidate struct {
	serverblock.Block
	hosts   []string     // that it is bound to, "" for all
	records *input.Block // nil without privatelink
	partial bool         // not every source of it has been read

	position string // of the first privatelink block that lost names to it
	lost     map[dnsname.Name]bool
}

// An address is where queries arrive.
type address struct{ transport, host, port string }

// checkSelection finds names that one server block has records for, and whose queries
// another one gets: CoreDNS selects the block with the longest zone. Then it warns of
// blocks that forward without privatelink.
func (r *report) checkSelection(corefile caddy.Input, blocks []input.Block, left [][]input.Source) {
	if corefile == nil {
		return
	}
	candidates, err := candidatesOf(corefile, blocks, left)
	if err != nil { // the setup has parsed the same text
		r.found(broken, "", "", err.Error())
		return
	}
	for i := range candidates {
		if candidates[i].records != nil {
			candidates[i].loseTo(candidates)
		}
	}
	for i := range candidates {
		r.addLost(&candidates[i])
		r.checkForwarding(&candidates[i], candidates)
	}
}

func candidatesOf(corefile caddy.Input, blocks []input.Block, left [][]input.Source) ([]candidate, error) {
	parsed, err := serverblock.Parse(corefile, nil)
	if err != nil {
		return nil, err
	}
	candidates := make([]candidate, len(parsed))
	for i, b := range parsed {
		candidates[i] = candidate{Block: b, hosts: b.Hosts(), lost: map[dnsname.Name]bool{}}
	}
	for i := range blocks {
		c := &candidates[blocks[i].Index]
		c.records, c.partial = &blocks[i], len(left[i]) > 0 || !blocks[i].Snapshot.Complete
	}
	return candidates, nil
}

// addresses returns where queries for the candidate arrive. One that has all addresses also
// has those that others are bound to.
func (c *candidate) addresses(candidates []candidate) (all []address) {
	hosts := c.hosts
	if slices.Contains(hosts, "") {
		for i := range candidates {
			hosts = append(hosts[:len(hosts):len(hosts)], candidates[i].hosts...)
		}
	}
	for _, z := range c.Zones {
		for _, host := range hosts {
			if at := (address{z.Transport, host, z.Port}); !slices.Contains(all, at) {
				all = append(all, at)
			}
		}
	}
	return all
}

// rivals returns the other candidates at the address. One with view selects its queries by
// other properties than the name.
func (c *candidate) rivals(candidates []candidate, at address) (all []*candidate) {
	for i := range candidates {
		other := &candidates[i]
		if other != c && !other.Has("view") && slices.Contains(other.hosts, at.host) && len(other.zonesAt(at)) > 0 {
			all = append(all, other)
		}
	}
	return all
}

func (c *candidate) zonesAt(at address) (names []dnsname.Name) {
	for _, z := range c.Zones {
		if z.Transport == at.transport && z.Port == at.port {
			names = append(names, dnsname.Name(z.Name))
		}
	}
	return names
}

// match returns the length of the candidate's longest zone at the address that has the name,
// or 0.
func (c *candidate) match(name dnsname.Name, at address) (longest int) {
	for _, zone := range c.zonesAt(at) {
		if _, below := name.CutSuffix(zone); below {
			longest = max(longest, len(zone))
		}
	}
	return longest
}

// loseTo notes each name of the candidate's records at the one that gets its queries
// instead and has no such record. A suffix that no privatelink block is for is the finding
// of checkOrigins.
func (c *candidate) loseTo(candidates []candidate) {
	var origins []dnsname.Name
	for i := range candidates {
		if b := candidates[i].records; b != nil {
			origins = append(origins, b.Origins...)
		}
	}
	for _, at := range c.addresses(candidates) {
		rivals := c.rivals(candidates, at)
		if len(rivals) == 0 {
			continue
		}
		for name, record := range c.names(origins) {
			c.lose(name, record, rivals, at)
		}
	}
}

// names yields the names of the records, with those that lead to them, whose suffixes are
// below the origins.
func (c *candidate) names(origins []dnsname.Name) iter.Seq2[dnsname.Name, *zone.Record] {
	return func(yield func(dnsname.Name, *zone.Record) bool) {
		for record, aliases := range c.records.Snapshot.Aliases() {
			for _, name := range append(aliases, record.Name) {
				if c.records.Snapshot.Suffix(name).BelowAny(origins) && !yield(name, record) {
					return
				}
			}
		}
	}
}

func (c *candidate) lose(name dnsname.Name, record *zone.Record, rivals []*candidate, at address) {
	longest := c.match(name, at)
	selected := c
	for _, rival := range rivals {
		if n := rival.match(name, at); n > longest {
			selected, longest = rival, n
		}
	}
	if selected == c || selected.has(record) {
		return
	}
	if selected.position == "" {
		selected.position = c.records.Position
	}
	selected.lost[name] = true
}

// has reports whether the candidate answers with the addresses of the record, or may do so: a
// source that has not been read may have it.
func (c *candidate) has(record *zone.Record) bool {
	if c.records == nil {
		return false
	}
	own := c.records.Snapshot.Lookup(string(record.Name)).Record
	if own == nil {
		return c.partial
	}
	for _, addr := range record.Addrs {
		if !slices.Contains(own.Addrs, addr) {
			return false
		}
	}
	return true
}

// addLost reports the names that the candidate gets queries for and has no record of.
func (r *report) addLost(c *candidate) {
	if len(c.lost) == 0 {
		return
	}
	text, remedy := "", "add privatelink with the same sources to that block, or remove it"
	for name := range c.lost {
		if text == "" || name.String() < text {
			text = name.String()
		}
	}
	if more := len(c.lost) - 1; more > 0 {
		text += " and " + command.Count(more, "more name")
	}
	if c.records != nil {
		remedy = "add the same sources to privatelink of that block, or remove it"
	}
	r.found(lost, c.position, "", fmt.Sprintf("queries for %s get to the server block %s, which has no record with their addresses: %s", text, c.Name(), remedy))
}

// checkForwarding warns of a block that forwards without privatelink, beside one that has
// it. Reverse zones alone have no chains that lead to a served name.
func (r *report) checkForwarding(c *candidate, candidates []candidate) {
	if c.records != nil || len(c.lost) > 0 || c.Has("view") || !c.Has("forward") && !c.Has("upstream") || c.isReverse() {
		return
	}
	for i := range candidates {
		other := &candidates[i]
		if other.records == nil {
			continue
		}
		beside := func(at address) bool { return slices.Contains(other.rivals(candidates, at), c) }
		if slices.ContainsFunc(other.addresses(candidates), beside) {
			r.found(warning, other.records.Position, "", fmt.Sprintf("the server block %s forwards without privatelink: a CNAME chain to a served name "+
				"ends in a public address there: add privatelink with the same sources to that block", c.Name()))
			return
		}
	}
}

func (c *candidate) isReverse() bool {
	return !slices.ContainsFunc(c.Zones, func(z serverblock.Zone) bool { return !dnsname.Name(z.Name).BelowAny([]dnsname.Name{"arpa."}) })
}

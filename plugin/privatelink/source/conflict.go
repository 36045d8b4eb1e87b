package source

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// A Conflict is a name for which one endpoint has different addresses in two files
// or resources, for example in an old export beside the new one. All of them are
// in the list: nothing shows which one is right.
type Conflict struct {
	FQDN             dnsname.Name
	Endpoint, Target string // as in Entry
	Detail           string // which addresses are where
}

// A claim is the addresses that one resource, or one file, has for a name of an
// endpoint.
type claim struct {
	number   int    // of the resource or the file
	resource string // its ID in lower case, or the kind of file
	where    string // for people
	addrs    []netip.Addr
}

// contradicts reports whether at most one of the two claims can be right. Two
// descriptions of one resource have the same addresses. Two resources of an endpoint, its
// network interface and its zone group for example, may each have a part of them.
func (c *claim) contradicts(other *claim) bool {
	more, less := c.lacks(other), other.lacks(c)
	if c.resource == other.resource {
		return more || less
	}
	return more && less
}

// lacks reports whether other has an address that c does not have.
func (c *claim) lacks(other *claim) bool {
	return slices.ContainsFunc(other.addrs, func(a netip.Addr) bool { return !slices.Contains(c.addrs, a) })
}

// claims has those of one endpoint, by name.
type claims struct {
	endpoint string         // of claims in lists
	names    []dnsname.Name // in the order in which they appear
	of       map[dnsname.Name][]*claim
}

// add adds the addresses of a part to its claim.
func (c *claims) add(fqdn dnsname.Name, part claim) {
	name := dnsname.Name(strings.Replace(string(fqdn), ".privatelink.", ".", 1)) // both forms are one record
	if c.of == nil {
		c.of = map[dnsname.Name][]*claim{}
	}
	all := c.of[name]
	if len(all) == 0 {
		c.names = append(c.names, name)
	}
	if last := len(all) - 1; last >= 0 && all[last].number == part.number { // parts come in order
		all[last].addrs = append(slices.Clip(all[last].addrs), part.addrs...)
		return
	}
	c.of[name] = append(all, &part)
}

// conflicts returns the first contradiction of each name.
func (c *claims) conflicts(endpoint, target string) (all []Conflict) {
	for _, name := range c.names {
		if a, b := contradiction(c.of[name]); a != nil {
			detail := fmt.Sprintf("%s in %s, %s in %s", Addresses(a.addrs), a.where, Addresses(b.addrs), b.where)
			all = append(all, Conflict{name, endpoint, target, detail})
		}
	}
	return all
}

// contradiction returns the first claim that an earlier one contradicts, and that one. Most
// claims repeat the addresses of an earlier one, and need no comparison.
func contradiction(all []*claim) (a, b *claim) {
	byResource, byAddrs := map[string]*claim{}, map[string]bool{}
	var distinct []*claim
	for _, one := range all {
		addrs := fmt.Sprint(slices.SortedFunc(slices.Values(one.addrs), netip.Addr.Compare))
		same := byResource[one.resource]
		if same != nil && same.contradicts(one) {
			return same, one
		}
		if byAddrs[addrs] {
			continue
		}
		for _, other := range distinct {
			if other.contradicts(one) {
				return other, one
			}
		}
		byAddrs[addrs], distinct = true, append(distinct, one)
		if same == nil {
			byResource[one.resource] = one
		}
	}
	return nil, nil
}

// claimsOf returns the claims of the resources of one endpoint.
func claimsOf(parts []privateendpoint.Endpoint) (c claims) {
	for i := range parts {
		p := &parts[i]
		for _, config := range p.DNS {
			if entry, _, ok := check(ID{}, ID{}, config.FQDN, config.Addresses); ok {
				c.add(entry.FQDN, claim{i, resourceOf(p), p.Position(), entry.Addrs})
			}
		}
	}
	return c
}

// resourceOf identifies the resource of a part of an endpoint. A hand-made export
// may have no IDs: then only the endpoint itself can be described twice.
func resourceOf(p *privateendpoint.Endpoint) string {
	switch {
	case p.Resource != "":
		return casefold.Lower(p.Resource)
	case p.Connected:
		return "endpoint"
	}
	return p.Position()
}

// listConflicts compares the addresses that files have for the names of an endpoint, or
// of a zone. A zone may have its A and its AAAA records in two files.
func listConflicts(files []List) (all []Conflict) {
	byEndpoint, order := map[string]*claims{}, []string(nil)
	for i := range files {
		for _, e := range files[i].Entries {
			endpoint := e.Endpoint.String()
			if !strings.HasPrefix(endpoint, resourceID) {
				continue // another line is another endpoint
			}
			id := casefold.Lower(endpoint)
			if ZoneIn(endpoint) != "" && len(e.Addrs) > 0 && e.Addrs[0].Is6() {
				id += " AAAA"
			}
			if byEndpoint[id] == nil {
				byEndpoint[id], order = &claims{endpoint: endpoint}, append(order, id)
			}
			byEndpoint[id].add(e.FQDN, claim{i, "list", files[i].path, e.Addrs})
		}
	}
	for _, id := range order {
		all = append(all, byEndpoint[id].conflicts(byEndpoint[id].endpoint, "")...)
	}
	return all
}

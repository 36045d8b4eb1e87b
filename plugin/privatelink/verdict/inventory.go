package verdict

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// An Endpoint is a private endpoint with the names that it has. Entries without an
// endpoint, such as those of a hosts file, form one for each file.
type Endpoint struct {
	ID, Target string
	Names      []Name        // by owner
	Skips      []source.Skip // why it, or a name of it, is not served
}

// A Name is a record of an endpoint.
type Name struct {
	Owner   dnsname.Name
	Service Service
	Addrs   []netip.Addr // the right addresses of its name and of each alias
}

// An Inventory has the endpoints of several books. The zero value is empty.
type Inventory struct {
	endpoints map[string]*Endpoint // by ID in lower case, because Azure varies the case
	owners    map[dnsname.Name]bool
}

// Add adds the endpoints of a book. The first book with a name decides its endpoint and
// addresses. added, if not nil, is called for each record that no earlier book has.
func (v *Inventory) Add(b *Book, added func(e *Endpoint, r *zone.Record)) {
	if v.owners == nil {
		v.endpoints, v.owners = map[string]*Endpoint{}, map[dnsname.Name]bool{}
	}
	for _, z := range b.Snapshot.Zones {
		for r := range z.Records() {
			if v.owners[r.Name] {
				continue
			}
			v.owners[r.Name] = true
			e := v.of(b.endpoint(r))
			e.Names = append(e.Names, Name{r.Name, ServiceOf(b.Zones.Cloud, z.Name), r.Addrs})
			if added != nil {
				added(e, r)
			}
		}
	}
	for i := range b.Lists {
		if l := b.Lists[i].List; l != nil {
			v.addSkips(l.Skipped)
		}
	}
}

func (v *Inventory) addSkips(skips []source.Skip) {
	for _, skip := range skips {
		e := v.of(skip.Endpoint, skip.Target)
		if !slices.Contains(e.Skips, skip) {
			e.Skips = append(e.Skips, skip)
		}
	}
}

// endpoint returns the endpoint of a record and its target.
func (b *Book) endpoint(r *zone.Record) (id, target string) {
	if e, _ := b.Origin(r); e != nil {
		return e.Endpoint.String(), e.Target.String()
	}
	return "", ""
}

// of returns the endpoint with the ID, and makes it.
func (v *Inventory) of(id, target string) *Endpoint {
	id = EndpointID(id)
	key := casefold.Lower(id)
	e := v.endpoints[key]
	if e == nil {
		e = &Endpoint{ID: id}
		v.endpoints[key] = e
	}
	e.Target = cmp.Or(e.Target, target)
	return e
}

// Endpoints returns the endpoints by ID. It sorts their names.
func (v *Inventory) Endpoints() (all []*Endpoint) {
	for _, e := range v.endpoints {
		slices.SortFunc(e.Names, func(a, b Name) int { return cmp.Compare(a.Owner, b.Owner) })
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *Endpoint) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Counts returns how many names of each service the endpoint has.
func (e *Endpoint) Counts() (n Counts) {
	for _, one := range e.Names {
		n.Add(one.Service)
	}
	return n
}

// Title is the endpoint's own name, without the path to it.
func (e *Endpoint) Title() string {
	if zone := source.ZoneIn(e.ID); zone != "" {
		return "private DNS zone " + zone
	}
	id := e.ID
	if strings.HasPrefix(id, "/subscriptions/") {
		id = id[strings.LastIndexByte(id, '/')+1:]
	}
	return source.Title(cmp.Or(id, "no endpoint"), e.Target)
}

// Note returns the normal reason why the endpoint of a vault has no storage names
// yet, or "". In the first generation of private endpoints of Azure Backup they are in
// endpoints of their own, PE_ecs…_blob and so on.
func (v *Inventory) Note(e *Endpoint) string {
	n := e.Counts()
	for id, other := range v.endpoints {
		if strings.HasPrefix(id, casefold.Lower(e.ID)+"_") {
			more := other.Counts()
			n.Blob, n.Queue = n.Blob+more.Blob, n.Queue+more.Queue
		}
	}
	return n.Incomplete()
}

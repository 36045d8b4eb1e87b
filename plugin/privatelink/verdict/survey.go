package verdict

import (
	"cmp"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Survey is everything that a book serves, by resource, and everything that it does
// not serve. It is not modified after Survey returned it.
type Survey struct {
	Names     int // that are served
	Resources []*Resource
	NotServed []Item
	Conflicts []Conflict
}

// A Conflict is a name with different addresses.
type Conflict struct {
	Name dnsname.Name // of the record
	Text string
}

// Survey returns the survey of the book. The first call reads every record; its memory
// is a pointer for each record.
func (b *Book) Survey() *Survey {
	b.surveyOnce.Do(func() {
		s := surveyor{
			Book: b, resources: map[string]*Resource{}, endpoints: map[string]*Member{}, owners: map[*Member]*Resource{},
			conflicting: map[dnsname.Name]bool{},
		}
		b.survey = s.survey()
	})
	return b.survey
}

type surveyor struct {
	*Book
	resources   map[string]*Resource // by ID in lower case
	endpoints   map[string]*Member   // by ID as it is written
	owners      map[*Member]*Resource
	conflicting map[dnsname.Name]bool
}

func (s *surveyor) survey() *Survey {
	all := &Survey{Conflicts: s.Conflicts}
	for _, c := range s.Conflicts {
		s.conflicting[c.Name] = true
	}
	for _, z := range s.Snapshot.Zones {
		service := ServiceOf(s.Zones.Cloud, z.Name)
		geo, _ := s.Zones.Cloud.BackupGeo(z.Name)
		for r := range z.Records() {
			all.Names++
			s.add(r, service, geo)
		}
	}
	s.adopt()
	all.NotServed = s.items()
	for i := range all.NotServed {
		s.blame(&all.NotServed[i])
	}
	for _, r := range s.resources {
		r.Region = cloud.Region(r.geo)
		r.judge()
		slices.SortFunc(r.Endpoints, func(a, b *Member) int { return strings.Compare(a.ID, b.ID) })
		all.Resources = append(all.Resources, r)
	}
	slices.SortFunc(all.Resources, func(a, b *Resource) int {
		return cmp.Or(a.Rank()-b.Rank(), cmp.Compare(a.order(), b.order()), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return all
}

// order puts the vaults before other resources.
func (r *Resource) order() int {
	if isVault(r.ID) {
		return 0
	}
	return 1
}

// Rank orders resources, the worst first.
func (r *Resource) Rank() int { return slices.Index(conditions, r.Condition) }

// add adds a record to its endpoint and resource.
func (s *surveyor) add(r *zone.Record, service Service, geo string) {
	entry, list := s.Origin(r)
	id, target, held := "", "", false
	if entry != nil {
		id, target = EndpointID(entry.Endpoint.String()), entry.Target.String()
		held = list.state(entry.FQDN).Held
	}
	e := s.endpoints[id]
	if e == nil {
		e = &Member{ID: id}
		if list != nil {
			e.Source = list.Source
		}
		s.endpoints[id] = e
		s.owners[e] = s.resource(id, target)
		s.owners[e].Endpoints = append(s.owners[e].Endpoints, e)
	}
	e.Records = append(e.Records, r)
	s.owners[e].count(r, service, cmp.Or(geo, s.geoOf(r.Name)), held, s.conflicting[r.Name])
}

func (r *Resource) count(record *zone.Record, service Service, geo string, held, conflict bool) {
	r.Counts.Add(service)
	if service == BackupService || r.geo == "" {
		r.geo = geo
	}
	if held {
		r.held++
	}
	if conflict {
		r.conflicts++
	}
	if r.Newest == nil || r.isNewer(record, service) {
		r.Newest, r.newest = record, service
	}
}

// lifetime orders the services by when a vault gets its names.
var lifetime = []Service{BackupService, OtherService, QueueService, BlobService}

// isNewer reports whether the record is newer than the newest one. Of the names of one
// sync, those that come last in the life of a vault are newer.
func (r *Resource) isNewer(record *zone.Record, service Service) bool {
	switch before, later := r.Since(r.Newest), r.Since(record); {
	case !later.Equal(before):
		return later.After(before)
	case service != r.newest:
		return slices.Index(lifetime, service) > slices.Index(lifetime, r.newest)
	}
	return record.Name < r.Newest.Name
}

// geoOf returns the geo code with which the account of a Backup name begins, or "".
func (s *surveyor) geoOf(name dnsname.Name) string {
	if !s.Zones.BackupForm(string(name)) {
		return ""
	}
	code, _, _ := strings.Cut(string(name), "pod")
	return code
}

func (s *surveyor) resource(endpoint, target string) *Resource {
	key := casefold.Lower(cmp.Or(target, endpoint))
	r := s.resources[key]
	if r == nil {
		r = newResource(s.Snapshot, endpoint, target)
		s.resources[key] = r
	}
	return r
}

// adopt moves the storage endpoints of a vault to it. In the first generation of private
// endpoints of Azure Backup they are endpoints of their own, PE_ecs…_blob and so on.
func (s *surveyor) adopt() {
	vaults := map[string]*Resource{}
	for e, r := range s.owners {
		if isVault(r.ID) {
			vaults[casefold.Lower(e.ID)] = r
		}
	}
	for e, r := range s.owners {
		if len(vaults) == 0 || vaults[casefold.Lower(e.ID)] != nil {
			continue
		}
		if vault := parent(vaults, casefold.Lower(e.ID)); vault != nil && len(r.Endpoints) == 1 {
			vault.take(r)
			delete(s.resources, casefold.Lower(r.ID))
		}
	}
}

// parent returns the vault with an endpoint whose ID is the part of id before a "_".
func parent(vaults map[string]*Resource, id string) *Resource {
	for i := strings.LastIndexByte(id, '_'); i > 0; i = strings.LastIndexByte(id[:i], '_') {
		if vault := vaults[id[:i]]; vault != nil {
			return vault
		}
	}
	return nil
}

func (r *Resource) take(other *Resource) {
	r.Endpoints = append(r.Endpoints, other.Endpoints...)
	r.Counts.Backup += other.Counts.Backup
	r.Counts.Blob += other.Counts.Blob
	r.Counts.Queue += other.Counts.Queue
	r.Counts.Other += other.Counts.Other
	r.held += other.held
	r.conflicts += other.conflicts
	if r.Newest == nil || other.Newest != nil && r.isNewer(other.Newest, other.newest) {
		r.Newest, r.newest = other.Newest, other.newest
	}
}

// blame has the resource of an item that is not served show it.
func (s *surveyor) blame(item *Item) {
	if item.Target == "" || item.OnPurpose {
		return
	}
	r := s.resource(item.Endpoint, item.Target)
	if r.worst == nil || r.worst.Kind != NotApproved && item.Kind == NotApproved {
		r.worst = item
	}
}

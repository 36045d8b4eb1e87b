package verdict

import (
	"fmt"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Service is the service that a name is for.
type Service uint8

// The services.
const (
	OtherService Service = iota
	BackupService
	BlobService
	QueueService
)

// ServiceOf returns the service of the names of a zone.
func ServiceOf(c cloud.Cloud, zone dnsname.Name) Service {
	if _, ok := c.BackupGeo(zone); ok {
		return BackupService
	}
	switch strings.TrimPrefix(string(zone), cloud.Prefix) {
	case string(c.Blob):
		return BlobService
	case string(c.Queue):
		return QueueService
	}
	return OtherService
}

// Counts are numbers of names by service.
type Counts struct {
	Backup int `json:"backup"`
	Blob   int `json:"blob"`
	Queue  int `json:"queue"`
	Other  int `json:"other"`
}

// Add counts a name.
func (c *Counts) Add(s Service) { *[]*int{&c.Other, &c.Backup, &c.Blob, &c.Queue}[s]++ }

// Total returns the number of all names.
func (c Counts) Total() int { return c.Backup + c.Blob + c.Queue + c.Other }

// Incomplete returns the normal reason why a vault has no storage names yet, or "".
func (c Counts) Incomplete() string {
	switch {
	case c.Backup == 0:
		return ""
	case c.Blob+c.Queue == 0:
		return "no storage names yet: normal before the first registration; look again after it, and after the first backup"
	case c.Blob == 0:
		return "no blob name yet: they come with the first registration, and more of them with the first backup"
	case c.Queue == 0:
		return "no queue name yet: it comes with the first registration"
	}
	return ""
}

// EndpointID returns the endpoint of an entry without a line number: the lines of a hosts
// file are one endpoint.
func EndpointID(id string) string {
	if strings.HasPrefix(id, "/subscriptions/") {
		return id
	}
	if i := strings.LastIndexByte(id, ':'); i > 0 && strings.Trim(id[i+1:], "0123456789") == "" {
		return id[:i]
	}
	return id
}

// A Condition is what a resource needs.
type Condition string

// The conditions, the worst first.
const (
	ConditionNotApproved Condition = "not_approved"     // the connection of an endpoint is not approved
	ConditionNotServed   Condition = "not_served"       // an endpoint, or a name of it, is not served for another reason
	ConditionHeldBack    Condition = "held_back"        // names are served although the last lists lack them
	ConditionConflict    Condition = "conflict"         // a name has different addresses
	ConditionIncomplete  Condition = "no_storage_names" // normal before the first registration
	ConditionComplete    Condition = "complete"
)

var conditions = []Condition{
	ConditionNotApproved, ConditionNotServed, ConditionHeldBack, ConditionConflict, ConditionIncomplete, ConditionComplete,
}

// A Resource is what private endpoints are connected to: a vault or an account. Entries
// without a resource have their file, or their endpoint, in its place.
type Resource struct {
	ID         string // resource ID, file or endpoint
	Type, Name string // as "vault" and "rsv-we"; Type is empty for a file
	Region     string // of a vault; empty if unknown
	Counts     Counts
	Condition  Condition
	Text       string // the reason of the condition
	Endpoints  []*Member
	Newest     *zone.Record // that was published last

	zones           *zone.Snapshot
	newest          Service // of Newest
	held, conflicts int
	worst           *Item // of the endpoints that are not served
	geo             string
}

// A Member is a private endpoint of a resource, with its records.
type Member struct {
	ID, Source string
	Records    []*zone.Record // in any order
}

func newResource(zones *zone.Snapshot, endpoint, target string) *Resource {
	r := &Resource{ID: target, Condition: ConditionComplete, zones: zones}
	if target == "" {
		r.ID = endpoint
	}
	path := strings.Split(strings.Trim(r.ID, "/"), "/")
	r.Name = r.ID
	if strings.HasPrefix(r.ID, "/") && len(path) > 1 {
		r.Type, r.Name = path[len(path)-2], path[len(path)-1]
	}
	if casefold.Equal(r.Type, "vaults") {
		r.Type = "vault"
	}
	return r
}

// Since returns when a record of the resource was published first, or the zero time.
func (r *Resource) Since(record *zone.Record) time.Time {
	if record == nil || r.zones == nil {
		return time.Time{}
	}
	return r.zones.Provenance(record).Since()
}

// judge sets the condition.
func (r *Resource) judge() {
	note := ""
	if isVault(r.ID) {
		note = r.Counts.Incomplete()
	}
	switch {
	case r.worst != nil && r.worst.Kind == NotApproved:
		r.Condition, r.Text = ConditionNotApproved, r.worst.Text
	case r.worst != nil:
		r.Condition, r.Text = ConditionNotServed, r.worst.Text
	case r.held > 0:
		r.Condition, r.Text = ConditionHeldBack, fmt.Sprintf("%d of its names are served although the last lists of the source lack them", r.held)
	case r.conflicts > 0:
		r.Condition, r.Text = ConditionConflict, fmt.Sprintf("%d of its names have different addresses in two places", r.conflicts)
	case note != "":
		r.Condition, r.Text = ConditionIncomplete, note
	}
}

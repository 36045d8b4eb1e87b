// Package verdict decides why a name is served, or why not. The server, its status
// page and the commands share it, so that there is one set of rules.
//
// A [Book] has one generation of records with the lists that they were built from. It
// finds the endpoint of a record by the record's [zone.Provenance], and the reason of
// a name without a record by an index that it builds when it is first asked.
package verdict

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Verdict is why a name is served or not.
type Verdict struct {
	Name   dnsname.Name `json:"name"` // that was asked for
	Served bool         `json:"served"`
	Kind   Kind         `json:"kind"`

	// Step is the step of the resolution order that decides, see the type Privatelink
	// of plugin privatelink, and 0 for a name that the plugin never gets. Answer is the
	// answer that a client gets.
	Step   int    `json:"step"`
	Answer Answer `json:"answer"`

	Owner dnsname.Name `json:"owner,omitempty"` // the name of the record, empty outside the zones
	Zone  dnsname.Name `json:"zone,omitempty"`
	// Strict reports that the zone answers NXDOMAIN for a name that it lacks. A client
	// that asks for the public name gets that if Azure's CNAME chain leads into the zone.
	Strict bool         `json:"strict,omitempty"`
	Addrs  []netip.Addr `json:"addresses,omitempty"` // of a removed name, the last ones; of ChainOnly, those of the record

	// The endpoint that has the name, or that would have it. Endpoint is a resource ID
	// or the position of a line. All are empty if no endpoint is known.
	Endpoint     string `json:"endpoint,omitempty"`
	Target       string `json:"target,omitempty"`
	Subscription string `json:"subscription,omitempty"`
	Source       string `json:"source,omitempty"`

	// Since is when the name was published first, was removed, or was first missing,
	// by Kind. It is zero if that is unknown.
	Since time.Time `json:"since,omitzero"`

	// Asked is how often clients asked for the names of the record.
	Asked zone.Use `json:"asked,omitzero"`

	// Possible reports that the reason is likely only: an endpoint of a vault that is
	// not served has names which nobody knows before it is approved.
	Possible bool `json:"possible,omitempty"`
	// Backup reports that the name has the form of those of Azure Backup.
	Backup bool `json:"backup,omitempty"`

	Text   string `json:"text,omitempty"`   // the reason, in one sentence; for a served name, what is wrong with its source
	Remedy string `json:"remedy,omitempty"` // what to do, empty if there is nothing to do
}

// Known reports whether an endpoint of a source has, had, or certainly would have the
// name.
func (v *Verdict) Known() bool {
	switch v.Kind {
	case NeverSeen, NotReady, NoBlock:
		return false
	case OutsideZones:
		return v.Endpoint != ""
	}
	return !v.Possible
}

// Grade returns the grade of a name that the zones lack.
func (v *Verdict) Grade() ledger.Grade {
	switch {
	case v.Known():
		return ledger.Known
	case v.Backup:
		return ledger.Backup
	}
	return ledger.Other
}

// A Kind is the kind of a verdict.
type Kind uint8

// The kinds. Names of the first two are served.
const (
	NeverSeen    Kind = iota // no source has the name
	Served                   // the name has a record
	HeldBack                 // the name has a record, although the last lists lack it
	NotApproved              // the connection of its endpoint is not approved
	Provisioning             // Azure has not made its endpoint yet
	NoDNSConfig              // its endpoint has no DNS configuration
	OtherVNet                // its endpoint is in a virtual network that vnet leaves out
	Invalid                  // its source has an invalid address or name
	OutsideZones             // it is in none of the zones
	Removed                  // it was served, and its source lost it
	NotReady                 // a source that may have it has not been read
	NoBlock                  // no server block is for it
	ChainOnly                // no source has the name; the upstream's CNAME chain may lead to its record
)

var kinds = []string{
	"never_seen", "served", "held_back", "not_approved", "provisioning", "no_dns_configuration", "other_vnet", "invalid",
	"outside_zones", "removed", "not_ready", "no_server_block", "chain_only",
}

func (k Kind) String() string { return kinds[k] }

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kinds, string(text))
	if i < 0 {
		return fmt.Errorf("unknown kind %.40q", text)
	}
	*k = Kind(i) //nolint:gosec // G115: below len(kinds)
	return nil
}

// An Answer is what a client gets for a query of type A or AAAA.
type Answer string

// The answers.
const (
	Private  Answer = "private"  // the addresses of the endpoint
	NoData   Answer = "nodata"   // no address
	NXDomain Answer = "nxdomain" // the name does not exist
	ServFail Answer = "servfail" // not ready, or in place of a public address (protect)
	Refused  Answer = "refused"  // no server block is for the name
	Upstream Answer = "upstream" // that of the next plugin, which may be public
)

// SubscriptionOf returns the subscription of a resource ID, or "".
func SubscriptionOf(id string) string {
	path := strings.Split(id, "/")
	if len(path) < 3 || path[0] != "" || !casefold.Equal(path[1], "subscriptions") {
		return ""
	}
	return path[2]
}

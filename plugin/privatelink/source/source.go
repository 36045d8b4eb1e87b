// Package source reads records from exports of private endpoints, hosts files, zone files
// and the Corefile.
package source

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A Source returns names and their addresses. Config may be called at any time;
// Fetch is called by one goroutine at a time.
type Source interface {
	Config() Config

	// Fetch returns the current list. If nothing changed, it returns the same
	// pointer as before. With an error, the list has the last good content of
	// each part that could not be read. A nil list means that the previous one
	// is still the best.
	Fetch(ctx context.Context) (*List, error)
}

// A Config describes a source.
type Config struct {
	// Name identifies the source in logs, in metrics and in the state file.
	// Sources with the same name are one source, also across a reload.
	Name     string
	Interval time.Duration // between two fetches
	Remote   bool          // fetched over the network: a start does not wait for it, and failures slow it down
	Static   bool          // part of the Corefile: fetched once, and replaced by a reload
}

// LocalInterval is the default interval of sources on this machine's disks.
const LocalInterval = 2 * time.Second

// A List is everything that a source has. It is not modified after Fetch
// returned it.
type List struct {
	Entries   []Entry
	Skipped   []Skip
	Withheld  []Withheld // about the endpoints in Skipped, and possibly others
	Conflicts []Conflict

	// Complete reports that every part of the source has been read as a whole at
	// least once. A name that is missing from an incomplete list may be in the
	// part that is missing.
	Complete bool

	// Unread has the resource IDs, in lower case, of endpoints whose names could
	// not be read this time, and of subscriptions and resource groups whose endpoints
	// could not be listed. The list may lack names that they have.
	Unread []string

	// Parts has the paths of the files that the list was read from, and how many
	// names only that file has. Names that several files have are counted under the
	// paths of all of them, with a newline between. It is nil for a source without
	// files. A source with files has a method Remember, which receives the Parts of an
	// earlier process before the first Fetch: a file that vanished since then is
	// missed, as one that vanishes later.
	Parts map[string]int

	// Since is when each of the first entries was served first, in seconds since the epoch, 0
	// if that is unknown. Only a list that a state file had has it.
	Since []uint32

	path string // of the one hosts file that the list was read from, else empty
}

// An Entry is a name of one private endpoint, with its addresses.
type Entry struct {
	FQDN     dnsname.Name `json:"fqdn"`
	Addrs    []netip.Addr `json:"ipAddresses"`
	Endpoint ID           `json:"endpoint"`        // resource ID of the endpoint or the zone, or the entry's position
	Target   ID           `json:"target,omitzero"` // resource ID of the connected resource, empty if unknown
}

// A Skip is an endpoint, or one name of it, that contributes nothing.
type Skip struct {
	Endpoint, Target string // as in Entry
	Reason           Reason
	Detail           string // the value and the rule, for people
}

// A Reason is why something is skipped. Its text is the label in the metrics.
type Reason string

// The reasons. NoAddress is of records of a zone. OutsideZones is found later, by the
// syncer, which has the zones.
const (
	NotApproved  Reason = "not_approved"
	Provisioning Reason = "provisioning"
	NoDNSConfig  Reason = "no_dns_configuration"
	BadName      Reason = "bad_name"
	BadAddress   Reason = "bad_address"
	OtherVNet    Reason = "other_vnet"
	NoAddress    Reason = "no_address"
	OutsideZones Reason = "outside_zones"
)

// The remedies of states that do not end by approval or by waiting. The detail of a
// Skip ends with its remedy.
const (
	againRemedy   = "it cannot be approved any more, delete the private endpoint and create it again"
	failedRemedy  = "check the failed deployment, delete the private endpoint and create it again"
	deletedRemedy = "nothing to do, it is being deleted"
)

// Remedy returns the remedy for the state of this endpoint, or "" if its reason has
// one remedy for all.
func (s Skip) Remedy() string {
	for _, remedy := range []string{againRemedy, failedRemedy, deletedRemedy} {
		if strings.HasSuffix(s.Detail, ": "+remedy) {
			return remedy
		}
	}
	return ""
}

// A RetryAfterError reports that the source asks for a pause before the next fetch.
type RetryAfterError struct {
	Err   error
	After time.Duration
}

func (e *RetryAfterError) Error() string { return e.Err.Error() }
func (e *RetryAfterError) Unwrap() error { return e.Err }

// String is the skip as a line for the log.
func (s Skip) String() string {
	return fmt.Sprintf("skipped %s: %s", Title(s.Endpoint, s.Target), s.Detail)
}

// Title names an endpoint for people, with its connected resource if that is known:
// "/subscriptions/…/pe-vault-we (vault rsv-we)". A private DNS zone is called one.
func Title(endpoint, target string) string {
	if zone := ZoneIn(endpoint); zone != "" {
		at := casefold.Index(endpoint, zoneProvider)
		return fmt.Sprintf("private DNS zone %s in %s", zone, endpoint[:max(at, 0)])
	}
	path := strings.Split(strings.Trim(target, "/"), "/")
	if len(path) < 2 {
		return endpoint
	}
	kind, name := path[len(path)-2], path[len(path)-1]
	if casefold.Equal(kind, "vaults") {
		kind = "vault"
	}
	return fmt.Sprintf("%s (%s %s)", endpoint, kind, name)
}

// Addresses lists addresses for people, the first five of very many.
func Addresses(addrs []netip.Addr) string {
	var texts []string
	for _, addr := range addrs[:min(len(addrs), 5)] {
		texts = append(texts, addr.String())
	}
	if more := len(addrs) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(texts, ", ")
}

// Title names the endpoint of the entry for people.
func (e *Entry) Title() string { return Title(e.Endpoint.String(), e.Target.String()) }

// check turns texts into an entry of an endpoint and its target. Each invalid text
// becomes a skip. It reports false if the name is invalid or no address is valid.
func check(endpoint, target ID, fqdn string, addresses []string) (Entry, []Skip, bool) {
	name, err := dnsname.ParseOwner(fqdn)
	if err != nil {
		return Entry{}, []Skip{{endpoint.String(), target.String(), BadName, err.Error()}}, false
	}
	e := Entry{FQDN: name, Endpoint: endpoint, Target: target}
	var skips []Skip
	for _, text := range addresses {
		addr, err := ParseAddr(text)
		if err != nil {
			skips = append(skips, Skip{endpoint.String(), target.String(), BadAddress, fmt.Sprintf("%s: %v", name, err)})
			continue
		}
		e.Addrs = append(e.Addrs, addr)
	}
	return e, skips, len(e.Addrs) > 0
}

// ParseAddr returns the address of a host, IPv4 or IPv6.
func ParseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%.80q is not an IP address", text)
	}
	if addr.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%.80q: a zone is not allowed in an address", text)
	}
	addr = addr.Unmap() // first: ::ffff:0.0.0.0 counts as specified
	if addr.IsUnspecified() || addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}, fmt.Errorf("%q is not the address of a host", text)
	}
	return addr, nil
}

// carrierGrade is shared address space, which some use as private.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// IsPrivate reports whether the address is in a private range (RFC 1918, RFC 4193,
// RFC 6598).
func IsPrivate(addr netip.Addr) bool { return addr.IsPrivate() || carrierGrade.Contains(addr) }

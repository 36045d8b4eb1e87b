package source

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// Files reads exports of private endpoints and of private DNS zones. All files together
// are one list: an endpoint, its zone group and its network interface may be in three
// files.
type Files struct {
	set    *fileSet[export]
	config Config
}

// NewFiles returns the source of the exports that the patterns match, in the
// syntax of filepath.Match. If vnets has names or resource IDs of virtual
// networks, only endpoints in these are served. An interval of 0 is LocalInterval.
func NewFiles(patterns, vnets []string, interval time.Duration) *Files {
	name := NameIn("files "+strings.Join(patterns, " "), vnets)
	return &Files{set: newFileSet(patterns, exportFormat{vnets}), config: local(name, interval)}
}

func local(name string, interval time.Duration) Config {
	return Config{Name: name, Interval: cmp.Or(interval, LocalInterval)}
}

// Config implements Source.
func (f *Files) Config() Config { return f.config }

// NameIn returns the name of a source of the endpoints in the virtual networks.
// Sources with different virtual networks are different sources.
func NameIn(name string, vnets []string) string {
	if len(vnets) == 0 {
		return name
	}
	return name + " vnet " + strings.Join(vnets, " ")
}

// Fetch implements Source. Each error names file, line and reason.
func (f *Files) Fetch(context.Context) (*List, error) { return f.set.fetch() }

// Remember adds the files that an earlier process read. Parts are those of its
// last list. Call it before the first Fetch.
func (f *Files) Remember(parts map[string]int) { f.set.remember(parts) }

// Unite returns the list of the endpoints of all pages. Resources with the ID of
// one endpoint are parts of it. An endpoint is served only if its connection is
// Approved or no resource has the state of the connection, and only if it is in one
// of the virtual networks, if there are any.
func Unite(pages [][]privateendpoint.Endpoint, vnets []string) *List {
	return unite(values(pages), vnets, unserved)
}

// UniteListed is Unite for complete listings of Azure. It skips a network interface
// or zone group whose private endpoint is not listed, because the approval of the
// connection is unknown.
func UniteListed(pages [][]privateendpoint.Endpoint, vnets []string) *List {
	return unite(values(pages), vnets, func(e privateendpoint.Endpoint) (Skip, bool) {
		if !e.Connected {
			return Skip{e.ID, e.Target, NotApproved, notListed}, true
		}
		return unserved(e)
	})
}

// join adds a resource of the endpoint to it, without its names if they are known.
func join(whole, part *privateendpoint.Endpoint, known bool) {
	if !known {
		whole.DNS = append(whole.DNS, part.DNS...)
	}
	if part.Connected {
		whole.Connected, whole.Status, whole.Provisioning, whole.Groups = true, part.Status, part.Provisioning, part.Groups
	}
	whole.Terraform, whole.Manual = whole.Terraform || part.Terraform, whole.Manual || part.Manual
	whole.Target, whole.VNet = cmp.Or(part.Target, whole.Target), cmp.Or(part.VNet, whole.VNet)
}

// inAny reports whether one of the names or resource IDs is that of the virtual
// network.
func inAny(vnet string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return casefold.Equal(name, vnet) || casefold.Equal(name, vnet[strings.LastIndexByte(vnet, '/')+1:])
	})
}

const (
	notListed = "the private endpoint is not in the listing, so its approval is unknown: " +
		"add its resource group to azure, or grant Reader on it"
	noDNSConfig = "it has no DNS configuration: " +
		"where a private DNS zone group is attached, export the zone group or the network interface too"
	unknownApproval = "Terraform has no state of its manual connection, only Approved endpoints are served: " +
		"export it with az network private-endpoint list -o json beside it"
)

// unserved returns the reason why no name of an endpoint is served, and true, if
// there is one. It depends on the state of the connection, not on its description.
func unserved(e privateendpoint.Endpoint) (Skip, bool) {
	switch {
	case e.Connected && e.Status == "":
		return Skip{e.ID, e.Target, NotApproved, "the state of its connection is missing, only Approved endpoints are served"}, true
	case e.Connected && (casefold.Equal(e.Status, "Rejected") || casefold.Equal(e.Status, "Disconnected")):
		return Skip{e.ID, e.Target, NotApproved, fmt.Sprintf("its connection is %s, only Approved endpoints are served: "+againRemedy, e.Status)}, true
	case e.Connected && !casefold.Equal(e.Status, "Approved"):
		return Skip{e.ID, e.Target, NotApproved, fmt.Sprintf("its connection is %.40s, only Approved endpoints are served", e.Status)}, true
	case !e.Connected && e.Manual:
		return Skip{e.ID, e.Target, NotApproved, unknownApproval}, true
	case !e.Connected && !e.Terraform || slices.ContainsFunc(e.DNS, func(c privateendpoint.DNSConfig) bool { return len(c.Addresses) > 0 }):
		return Skip{}, false
	case e.Provisioning == "" || casefold.Equal(e.Provisioning, "Succeeded"):
		return Skip{e.ID, e.Target, NoDNSConfig, noDNSConfig}, true
	case casefold.Equal(e.Provisioning, "Failed") || casefold.Equal(e.Provisioning, "Canceled"):
		return Skip{e.ID, e.Target, Provisioning, fmt.Sprintf("it has no DNS configuration, its provisioning state is %s: "+failedRemedy, e.Provisioning)}, true
	case casefold.Equal(e.Provisioning, "Deleting"):
		return Skip{e.ID, e.Target, Provisioning, "it has no DNS configuration, its provisioning state is Deleting: " + deletedRemedy}, true
	}
	return Skip{e.ID, e.Target, Provisioning, fmt.Sprintf("it has no DNS configuration yet, its provisioning state is %.40s", e.Provisioning)}, true
}

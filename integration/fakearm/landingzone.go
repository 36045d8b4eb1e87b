package fakearm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// LandingZone returns an estate with so many subscriptions, and endpoints in each, of
// one storage account each.
func LandingZone(subscriptions, endpoints int) Estate {
	e := Estate{}
	for i := range subscriptions {
		id := fmt.Sprintf("%08d-0000-0000-0000-000000000000", i)
		for j := range endpoints {
			account := fmt.Sprintf("acct%dx%d", i, j)
			e[id] = append(e[id], Endpoint{
				Name: "pe-" + account, Group: "rg-backup", VNet: "vnet-hub",
				Names: []Name{{account + ".blob.core.windows.net", fmt.Sprintf("10.%d.%d.%d", 20+i/250, i%250, 4+j%250)}},
			})
		}
	}
	return e
}

// OfAccounts makes the endpoints those of storage accounts. A server reads some of those of
// vaults from ARM at once, those that it has not read for the longest time, so that a name
// which an endpoint of 2,000 vaults gets would show as late as in Resource Graph.
func (e Estate) OfAccounts() Estate {
	for _, endpoints := range e {
		for i := range endpoints {
			account, _, _ := strings.Cut(endpoints[i].Names[0].FQDN, ".")
			endpoints[i].Target, endpoints[i].Member = "Microsoft.Storage/storageAccounts/"+account, "blob"
		}
	}
	return e
}

// Subscriptions returns the IDs of all subscriptions, sorted, and one name of the
// first endpoint that has names, or "".
func (s *Server) Subscriptions() (ids []string, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids = slices.Sorted(maps.Keys(s.estate))
	for _, id := range ids {
		for _, e := range s.estate[id] {
			if len(e.Names) > 0 {
				return ids, e.Names[0].FQDN
			}
		}
	}
	return ids, ""
}

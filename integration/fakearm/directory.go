package fakearm

import (
	"cmp"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// A Directory is what ARM knows beside the endpoints. The zero value has no
// management group, and all subscriptions of the estate belong to Tenant.
type Directory struct {
	Subscriptions map[string]Subscription `json:"subscriptionSettings"`
	// ManagementGroups has the IDs of subscriptions and the names of management
	// groups directly below each.
	ManagementGroups map[string][]string `json:"managementGroups"`
}

// A Subscription has the settings of a subscription. The zero value belongs to
// Tenant, and every identity of Tenant has the role Reader on it.
type Subscription struct {
	Name      string   `json:"name"`
	Tenant    string   `json:"tenant"`    // that it belongs to; "" is Tenant
	ManagedBy []string `json:"managedBy"` // tenants to which Azure Lighthouse delegates it
	NoRole    bool     `json:"noRole"`    // no identity has a role on it
}

// UpdateDirectory changes the directory between two answers.
func (s *Server) UpdateDirectory(change func(*Directory)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Directory{maps.Clone(s.directory.Subscriptions), maps.Clone(s.directory.ManagementGroups)}
	if d.Subscriptions == nil {
		d.Subscriptions = map[string]Subscription{}
	}
	change(&d)
	s.directory = d
	clear(s.pages)
}

func (d Directory) settings(id string) Subscription {
	for known, settings := range d.Subscriptions {
		if strings.EqualFold(known, id) {
			return settings
		}
	}
	return Subscription{}
}

// readable reports whether identities of the tenant may read a subscription.
func (d Directory) readable(id, tenant string) bool {
	s := d.settings(id)
	return !s.NoRole && (cmp.Or(s.Tenant, Tenant) == tenant || slices.Contains(s.ManagedBy, tenant))
}

// refused returns the answer for a subscription that the tenant may not read, and
// an answer without a status for any other.
func (d Directory) refused(id, tenant string) answer {
	s := d.settings(id)
	switch {
	case d.readable(id, tenant):
		return answer{}
	case s.NoRole:
		return failure(http.StatusForbidden, "AuthorizationFailed",
			"The client '"+ClientID+"' does not have authorization to perform the action over scope '/subscriptions/"+id+"'.")
	}
	return failure(http.StatusUnauthorized, "InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer.")
}

var (
	subscriptionsPath = regexp.MustCompile(`(?i)^/subscriptions/?([^/]*)$`)
	descendantsPath   = regexp.MustCompile(`(?i)^/providers/Microsoft\.Management/managementGroups/([^/]+)/descendants$`)
)

// subscriptions answers with all subscriptions that the token's tenant may read, or
// with one.
func (s *Server) subscriptions(r *http.Request, id string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	tenant := s.tenantLocked(r)
	if id != "" {
		known, _, ok := s.subscriptionLocked(id)
		if !ok {
			return failure(http.StatusNotFound, "SubscriptionNotFound", "The subscription '"+id+"' could not be found.")
		}
		if a := s.directory.refused(known, tenant); a.status != 0 {
			return a
		}
		return answer{status: http.StatusOK, body: s.directory.subscription(known)}
	}
	var all []func() object
	for _, known := range slices.Sorted(maps.Keys(s.estate)) {
		if s.directory.readable(known, tenant) {
			all = append(all, func() object { return s.directory.subscription(known) })
		}
	}
	return s.paged(r, all)
}

func (d Directory) subscription(id string) object {
	s, managers := d.settings(id), []object{}
	for _, tenant := range s.ManagedBy {
		managers = append(managers, object{"tenantId": tenant})
	}
	return object{
		"id": "/subscriptions/" + id, "subscriptionId": id, "tenantId": cmp.Or(s.Tenant, Tenant), "displayName": cmp.Or(s.Name, "sub-"+id[:8]),
		"state": "Enabled", "authorizationSource": "RoleBased", "managedByTenants": managers,
	}
}

// descendants answers with all groups and subscriptions below a management group.
func (s *Server) descendants(r *http.Request, group string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []func() object
	if !s.directory.below(group, map[string]bool{}, &all) {
		return failure(http.StatusForbidden, "AuthorizationFailed", "The client '"+ClientID+"' does not have authorization over scope '"+r.URL.Path+"'.")
	}
	return s.paged(r, all)
}

// below adds everything below a group. It reports whether the group exists.
func (d Directory) below(group string, seen map[string]bool, all *[]func() object) bool {
	for name, members := range d.ManagementGroups {
		if !strings.EqualFold(name, group) || seen[name] {
			continue
		}
		seen[name] = true
		for _, member := range members {
			id, kind := "/subscriptions/"+member, "/subscriptions"
			if _, isGroup := d.ManagementGroups[member]; isGroup {
				id, kind = "/providers/Microsoft.Management/managementGroups/"+member, "Microsoft.Management/managementGroups"
			}
			*all = append(*all, func() object {
				return object{"id": id, "type": kind, "name": member, "properties": object{"displayName": member, "parent": object{"id": group}}}
			})
			d.below(member, seen, all)
		}
		return true
	}
	return false
}

// paged answers with the page of a listing that the request asks for.
func (s *Server) paged(r *http.Request, all []func() object) answer {
	start, ok := offset(r.URL.Query())
	if !ok {
		return failure(http.StatusBadRequest, "InvalidSkipToken", "The skip token is not one that the fake ARM gave.")
	}
	return answer{status: http.StatusOK, body: s.page(r, all, start, 0)}
}

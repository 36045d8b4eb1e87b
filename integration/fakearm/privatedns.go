package fakearm

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// zonePath has subscription, group or "", zone or "", and "/ALL" if its records are
// asked for.
var zonePath = regexp.MustCompile(`(?i)^/subscriptions/([^/]+)(?:/resourceGroups/([^/]+))?/providers/Microsoft\.Network/privateDnsZones(?:/([^/]+)(/ALL)?)?$`)

// privateDNS answers with private DNS zones, with one, or with the records of one. The
// zones have the records that the zone groups of endpoints write, in the group of the
// endpoint.
func (s *Server) privateDNS(r *http.Request, m []string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	subscription, endpoints, ok := s.subscriptionLocked(m[1])
	if !ok {
		return failure(http.StatusNotFound, "SubscriptionNotFound", "The subscription '"+m[1]+"' could not be found.")
	}
	if a := s.directory.refused(subscription, s.tenantLocked(r)); a.status != 0 {
		return a
	}
	zones := zonesOf(subscription, endpoints, m[2])
	if m[3] == "" {
		return s.paged(r, zonesAsObjects(zones))
	}
	for id, sets := range zones {
		if !strings.EqualFold(id[strings.LastIndexByte(id, '/')+1:], m[3]) {
			continue
		}
		if m[4] == "" {
			return answer{status: http.StatusOK, body: zoneObject(id)}
		}
		return s.paged(r, sets)
	}
	return failure(http.StatusNotFound, "ResourceNotFound", "The Resource 'Microsoft.Network/privateDnsZones/"+m[3]+"' was not found.")
}

// kindOfZone returns the kind of a read.
func kindOfZone(m []string) string {
	switch {
	case m[3] == "":
		return "listing"
	case m[4] == "":
		return "resource"
	}
	return "records"
}

// zonesOf returns the record sets of each zone, by the zone's ID.
func zonesOf(subscription string, endpoints []Endpoint, group string) map[string][]func() object {
	zones := map[string][]func() object{}
	for _, e := range endpoints {
		if !e.ZoneGroup || group != "" && !strings.EqualFold(group, e.Group) {
			continue
		}
		for _, inZone := range grouped(e.Names, zone) {
			id := e.id(subscription, zoneType, zone(inZone[0]))
			zones[id] = append(zones[id], func() object {
				return object{"id": id + "/SOA/@", "name": "@", "type": zoneType + "/SOA", "properties": object{"fqdn": zone(inZone[0]) + ".", "ttl": 3600}}
			})
			for _, names := range grouped(inZone, fqdn) {
				zones[id] = append(zones[id], func() object { return aRecords(id, names) })
			}
		}
	}
	return zones
}

func aRecords(zoneID string, names []Name) object {
	host, zone := privateForm(names[0].FQDN)
	records := []object{}
	for _, address := range addresses(names) {
		records = append(records, object{"ipv4Address": address})
	}
	return object{
		"id": zoneID + "/A/" + host, "name": host, "type": zoneType + "/A", "etag": "x",
		"properties": object{"fqdn": host + "." + zone + ".", "ttl": 10, "aRecords": records, "isAutoRegistered": false},
	}
}

func zonesAsObjects(zones map[string][]func() object) (all []func() object) {
	for _, id := range slices.Sorted(maps.Keys(zones)) {
		all = append(all, func() object { return zoneObject(id) })
	}
	return all
}

func zoneObject(id string) object {
	return object{"id": id, "name": id[strings.LastIndexByte(id, '/')+1:], "type": strings.ToLower(zoneType), "location": "global", "properties": object{}}
}

package azure

import (
	"net/http"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
)

// The kinds of reads, as the label in the metrics.
const (
	readGraph         = "resource_graph" // a page of a query
	readSubscriptions = "subscriptions"  // a page of subscriptions, or one of them
	readListing       = "listing"        // a page of private endpoints, network interfaces or private DNS zones
	readRecords       = "records"        // a page of the records of a private DNS zone
	readZoneGroups    = "zone_groups"    // the zone groups of an endpoint
	readResource      = "resource"       // an endpoint or an interface by its ID
)

// kindOf returns the kind of a request to ARM.
func kindOf(r *http.Request) string {
	path := casefold.Lower(r.URL.Path)
	parts := strings.Split(strings.Trim(path, "/"), "/")
	last := parts[len(parts)-1]
	switch {
	case strings.HasSuffix(path, casefold.Lower(graphPath)):
		return readGraph
	case parts[0] == "subscriptions" && len(parts) <= 2, last == "descendants":
		return readSubscriptions
	case last == "privatednszonegroups":
		return readZoneGroups
	case last == "all":
		return readRecords
	case last == "privateendpoints", last == "networkinterfaces", last == "privatednszones":
		return readListing
	}
	return readResource
}

// count counts a request of the source, each attempt for itself, as Azure does.
func (s *Source) count(r *http.Request) {
	metrics.AzureReads.WithLabelValues(s.name(), kindOf(r)).Inc()
}

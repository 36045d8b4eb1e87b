package azure

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

const (
	// apiVersion of Microsoft.Network has all that we read and is in every cloud
	// that Microsoft runs.
	apiVersion = "2024-05-01"

	// These versions have all that we read. They are old, so that each cloud has them.
	graphVersion           = "2021-03-01"
	subscriptionVersion    = "2020-01-01"
	managementGroupVersion = "2020-05-01"
	privateDNSVersion      = "2020-06-01"

	// oldestVersion is the first one with the DNS configuration of an endpoint.
	oldestVersion = "2020-03-01"
)

// versions are the api-versions of the types of resources that ARM does not have in
// apiVersion. A cloud of one's own is often years behind. The zero value is ready.
type versions struct {
	mu   sync.Mutex
	used map[string]string // by type
}

// resourceType returns the last type in a path.
func resourceType(path string) string {
	for _, name := range []string{"privateDnsZoneGroups", "networkInterfaces", "privateEndpoints"} {
		if strings.Contains(casefold.Lower(path), "/"+casefold.Lower(name)) {
			return name
		}
	}
	return ""
}

// of returns the api-version for a path.
func (v *versions) of(path string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if used := v.used[resourceType(path)]; used != "" {
		return used
	}
	switch {
	case path == graphPath:
		return graphVersion
	case strings.Contains(casefold.Lower(path), "/privatednszones"):
		return privateDNSVersion
	case strings.HasPrefix(path, groupsPath):
		return managementGroupVersion
	case resourceType(path) == "":
		return subscriptionVersion
	}
	return apiVersion
}

// adopt reports whether the error offers an api-version that can be used, and uses
// it for the type of the path from now on.
func (v *versions) adopt(path string, err error) bool {
	var refused *statusError
	if !errors.As(err, &refused) || resourceType(path) == "" {
		return false
	}
	best := bestOf(refused.offered)
	if best == "" || best == refused.asked { // ARM does not keep to its own offer
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.used == nil {
		v.used = map[string]string{}
	}
	v.used[resourceType(path)] = best
	return true
}

// bestOf returns the newest version that is not a preview and not newer than apiVersion,
// because the form of a newer one may differ. Without one, it returns "".
func bestOf(offered []string) string {
	good := slices.DeleteFunc(slices.Clone(offered), func(version string) bool {
		return len(version) != len(apiVersion) || version > apiVersion || version < oldestVersion
	})
	if len(good) == 0 {
		return ""
	}
	return slices.Max(good)
}

var (
	versionList = regexp.MustCompile(`(?i)(?:api-versions|api versions|supported versions) are '?([^'"]*)`)
	version     = regexp.MustCompile(`\d{4}-\d{2}-\d{2}[0-9A-Za-z.-]*`)
)

// offered returns the api-versions that ARM offers in place of the requested one.
// It is nil for other errors.
func offered(e *statusError, body []byte) []string {
	switch {
	case e.status != http.StatusBadRequest && e.status != http.StatusNotFound:
		return nil
	case e.code != "NoRegisteredProviderFound" && e.code != "InvalidResourceType" && e.code != "InvalidApiVersionParameter":
		return nil
	}
	list := versionList.FindSubmatch(body)
	if list == nil {
		return nil
	}
	return append([]string{}, version.FindAllString(string(list[1]), -1)...)
}

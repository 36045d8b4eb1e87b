package fakearm

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// resourcePath has a listing, with the type of its resources, and the name of one
// resource in it.
var resourcePath = regexp.MustCompile(`(?i)^(/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/` +
	`(?:privateEndpoints|networkInterfaces|privateEndpoints/[^/]+/privateDnsZoneGroups))/([^/]+)$`)

// listingPath has subscription, group or "", type, and the endpoint whose zone
// groups are asked for or "". ARM takes paths in any case.
var listingPath = regexp.MustCompile(`(?i)^/subscriptions/([^/]+)(?:/resourceGroups/([^/]+))?` +
	`/providers/Microsoft\.Network/(?:(privateEndpoints|networkInterfaces)|privateEndpoints/([^/]+)/privateDnsZoneGroups)$`)

// cloud answers on the listener of ARM and of the authority.
func (s *Server) cloud(r *http.Request) answer {
	path := strings.ToLower(r.URL.Path)
	switch {
	case path == "/subscriptions" || strings.HasPrefix(path, "/subscriptions/") || strings.HasPrefix(path, "/providers/"):
		return s.arm(r)
	case strings.HasSuffix(path, "/.well-known/openid-configuration"):
		return s.discovery(r)
	case strings.HasSuffix(path, "/oauth2/v2.0/token"):
		return s.clientCredentials(r)
	}
	return failure(http.StatusNotFound, "NotFound", "Nothing is at "+r.URL.Path+".")
}

// arm answers with a page, or says which rule of ARM the request breaks.
func (s *Server) arm(r *http.Request) answer {
	a := s.authorized(r)
	if a.status == 0 {
		a = s.resourceManager(r)
	}
	s.count(r)
	if a.header == nil {
		a.header = map[string]string{}
	}
	// ARM sends how many of its 12,000 reads an hour are left.
	a.header["x-ms-ratelimit-remaining-subscription-reads"] = strconv.FormatInt(12_000-s.reads.Add(1), 10)
	a.delay = s.config.Delay
	return a
}

// resourceManager answers a request with a good token.
func (s *Server) resourceManager(r *http.Request) answer {
	if isGraph(r) {
		return s.graph(r)
	}
	if m := subscriptionsPath.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodGet {
		return s.subscriptions(r, m[1])
	}
	if m := descendantsPath.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodGet {
		return s.descendants(r, m[1])
	}
	if m := zonePath.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodGet {
		return s.privateDNS(r, m)
	}
	return s.listing(r, 0)
}

// count counts a read by its kind.
func (s *Server) count(r *http.Request) {
	kind := "resource"
	switch m := listingPath.FindStringSubmatch(r.URL.Path); {
	case isGraph(r):
		kind = "resource_graph"
	case subscriptionsPath.MatchString(r.URL.Path), descendantsPath.MatchString(r.URL.Path):
		kind = "subscriptions"
	case m != nil && m[3] == "":
		kind = "zone_groups"
	case m != nil:
		kind = "listing"
	case zonePath.MatchString(r.URL.Path):
		kind = kindOfZone(zonePath.FindStringSubmatch(r.URL.Path))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kinds[kind]++
}

// listing answers with the page that the request asks for, which begins so many
// resources later.
func (s *Server) listing(r *http.Request, shift int) answer {
	start, ok := offset(r.URL.Query())
	path, name := r.URL.Path, ""
	if m := resourcePath.FindStringSubmatch(path); m != nil {
		path, name = m[1], m[2]
	}
	m := listingPath.FindStringSubmatch(path)
	switch {
	case m == nil || r.Method != http.MethodGet:
		return failure(http.StatusNotFound, "InvalidResourceType", "The resource type could not be found in the namespace 'Microsoft.Network'.")
	case !ok:
		return failure(http.StatusBadRequest, "InvalidSkipToken", "The skip token is not one that the fake ARM gave.")
	case start == 0 && r.URL.Query().Get("api-version") == "":
		return failure(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	subscription, endpoints, ok := s.subscriptionLocked(m[1])
	if !ok {
		return failure(http.StatusNotFound, "SubscriptionNotFound", "The subscription '"+m[1]+"' could not be found.")
	}
	if a := s.directory.refused(subscription, s.tenantLocked(r)); a.status != 0 {
		return a
	}
	resources, ok := resources(subscription, endpoints, m[2], strings.ToLower(m[3]), m[4])
	if !ok {
		return failure(http.StatusNotFound, "ResourceNotFound", "The Resource 'Microsoft.Network/privateEndpoints/"+m[4]+"' was not found.")
	}
	if name != "" {
		return one(resources, name)
	}
	return answer{status: http.StatusOK, body: s.page(r, resources, start, shift)}
}

// one answers with the resource of the name.
func one(resources []func() object, name string) answer {
	for _, render := range resources {
		if body := render(); strings.EqualFold(body["name"].(string), name) {
			return answer{status: http.StatusOK, body: body}
		}
	}
	return failure(http.StatusNotFound, "ResourceNotFound", "The Resource '"+name+"' was not found.")
}

// resources returns how to render each resource of a listing: of one group or of
// all; of a type, or the zone groups of a parent, which is reported missing.
func resources(subscription string, endpoints []Endpoint, group, kind, parent string) (all []func() object, ok bool) {
	ok = parent == ""
	for _, e := range endpoints {
		if group != "" && !strings.EqualFold(e.Group, group) || parent != "" && !strings.EqualFold(e.Name, parent) {
			continue
		}
		ok = true
		switch {
		case parent != "" && e.ZoneGroup:
			all = append(all, func() object { return e.zoneGroup(subscription) })
		case kind == "privateendpoints":
			all = append(all, func() object { return e.endpoint(subscription) })
		case kind == "networkinterfaces" && !e.NoNIC:
			all = append(all, func() object { return e.networkInterface(subscription) })
		}
	}
	return all, ok
}

// page renders the page from the start on, and no other. A shift moves its
// items, not its link to the next page.
func (s *Server) page(r *http.Request, resources []func() object, start, shift int) object {
	start = min(start, len(resources))
	end, value := min(start+s.config.PageSize, len(resources)), []object{}
	for _, render := range resources[min(max(start+shift, 0), end):end] {
		value = append(value, render())
	}
	body := object{"value": value}
	if end < len(resources) || s.config.EmptyLast && end > start {
		body["nextLink"] = link(r, end)
	} else if s.config.NullNext {
		body["nextLink"] = nil
	}
	return body
}

// skipMark makes the token one that Base64 and a query must both escape.
const skipMark = "\xfb\xff\xfe next from "

// link is the absolute link to the page from the offset on, on the host that was
// asked. It has lower-case escapes: a client that parses the link and builds it again
// sends a different query, which Requests shows.
func link(r *http.Request, offset int) string {
	token := url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(skipMark + strconv.Itoa(offset))))
	return "https://" + r.Host + r.URL.EscapedPath() + "?api-version=" + r.URL.Query().Get("api-version") + "&$skipToken=" + strings.ToLower(token[:3]) + token[3:]
}

// offset returns where a page begins, 0 without a token, and false for a token
// that link did not make.
func offset(query url.Values) (int, bool) {
	for key := range query {
		if !strings.EqualFold(key, "$skipToken") {
			continue
		}
		token, _ := base64.StdEncoding.DecodeString(query.Get(key)) // else the mark is not there
		digits, ok := strings.CutPrefix(string(token), skipMark)
		n, err := strconv.Atoi(digits)
		return max(n, 0), ok && err == nil && n > 0
	}
	return 0, true
}

// pageNumber returns the page that is asked for, 0 if it is not of a listing.
func (s *Server) pageNumber(r *http.Request) int {
	if isGraph(r) {
		q, _ := graphBody(r)
		start, _ := q.start()
		return 1 + start/max(1, cmp.Or(s.config.GraphPageSize, graphPage))
	}
	if !listingPath.MatchString(r.URL.Path) {
		return 0
	}
	start, _ := offset(r.URL.Query())
	return 1 + (start+s.config.PageSize-1)/s.config.PageSize // rounded up, as the last page may be short
}

package fakearm

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const graphPath = "/providers/microsoft.resourcegraph/resources"

// graphPage is the largest page of Resource Graph.
const graphPage = 1000

// A revision is the estate as Resource Graph shows it from a time on.
type revision struct {
	at     time.Time
	estate Estate
}

// FreezeGraph has Resource Graph show the present estate until it is called again
// with false: changes are in ARM only, as long as Resource Graph lags.
func (s *Server) FreezeGraph(frozen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = nil
	clear(s.pages)
	if frozen {
		s.frozen = clone(s.estate)
	}
}

// SetGraph has Resource Graph show another estate than ARM does; nil ends it.
func (s *Server) SetGraph(e Estate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = e
	clear(s.pages)
}

func clone(e Estate) Estate {
	c := Estate{}
	for id, endpoints := range e {
		c[id] = slices.Clone(endpoints)
		for i := range c[id] {
			c[id][i].Names = slices.Clone(c[id][i].Names)
		}
	}
	return c
}

// changedLocked notes a change of the estate.
func (s *Server) changedLocked() {
	clear(s.pages)
	if s.config.GraphLag > 0 {
		s.revisions = append(s.revisions, revision{time.Now(), clone(s.estate)})
	}
}

// indexedLocked returns the estate that Resource Graph shows.
func (s *Server) indexedLocked() Estate {
	if s.frozen != nil {
		return s.frozen
	}
	for len(s.revisions) > 1 && time.Since(s.revisions[1].at) >= s.config.GraphLag {
		s.revisions = s.revisions[1:]
	}
	if len(s.revisions) > 0 {
		return s.revisions[0].estate
	}
	return s.estate
}

// A graphRequest is the body of a request to Resource Graph.
type graphRequest struct {
	Subscriptions []string `json:"subscriptions"`
	Query         string   `json:"query"`
	Options       struct {
		Top          int    `json:"$top"`
		SkipToken    string `json:"$skipToken"`
		ResultFormat string `json:"resultFormat"`
	} `json:"options"`
}

// graphBody reads the body, which stays readable.
func graphBody(r *http.Request) (q graphRequest, err error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return q, err
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	return q, json.Unmarshal(text, &q)
}

func isGraph(r *http.Request) bool { return strings.EqualFold(r.URL.Path, graphPath) }

// graphQuery is the one form of query that the fake understands.
var graphQuery = regexp.MustCompile(`(?i)^resources \| where type =~ 'microsoft\.network/(privateEndpoints|networkInterfaces)'` +
	`( \| where isnotnull\(properties\.privateEndpoint\))?(?: \| where resourceGroup in~ \(([^)]*)\))?` +
	` \| project id, name, type, properties \| order by id asc$`)

// graph answers a query of Resource Graph.
func (s *Server) graph(r *http.Request) answer {
	q, err := graphBody(r)
	m := graphQuery.FindStringSubmatch(q.Query)
	start, valid := q.start()
	switch {
	case r.Method != http.MethodPost || err != nil:
		return failure(http.StatusBadRequest, "BadRequest", "The request is not a query.")
	case r.URL.Query().Get("api-version") == "":
		return failure(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	case m == nil || q.Options.ResultFormat != "objectArray" || q.Options.Top > graphPage || !valid:
		return failure(http.StatusBadRequest, "BadRequest", "Please provide below info when asking for support.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	header, ok := s.quotaLocked(s.tenantLocked(r))
	if !ok {
		a := failure(http.StatusTooManyRequests, "RateLimiting", "Client application has been throttled and should not attempt to repeat the request.")
		a.header = header
		return a
	}
	key := fmt.Sprint(s.tenantLocked(r), q)
	if page, ok := s.pages[key]; ok && len(s.faults) == 0 {
		return answer{status: http.StatusOK, header: header, body: page}
	}
	rows, ok := s.rowsLocked(r, q.Subscriptions, strings.ToLower(m[1]), groupsOf(m[3]))
	if !ok {
		return failure(http.StatusBadRequest, "BadRequest", "NoValidSubscriptionsInQueryRequest: there must be at least one subscription that is eligible.")
	}
	a := answer{status: http.StatusOK, header: header, body: q.page(rows, start, s.config.GraphPageSize)}
	if text, _ := a.text(); s.config.GraphLag == 0 {
		s.pages[key] = text // an hour of syncs renders a large estate once
	}
	return a
}

func groupsOf(list string) (all []string) {
	for group := range strings.SplitSeq(list, ",") {
		if group = strings.Trim(strings.TrimSpace(group), "'"); group != "" {
			all = append(all, group)
		}
	}
	return all
}

// rowsLocked returns the rows by ID. It reports false if no subscription of the query
// may be read.
func (s *Server) rowsLocked(r *http.Request, subscriptions []string, kind string, groups []string) (rows []object, ok bool) {
	for id, endpoints := range s.indexedLocked() {
		asked := slices.ContainsFunc(subscriptions, func(one string) bool { return strings.EqualFold(one, id) })
		if !asked || !s.directory.readable(id, s.tenantLocked(r)) {
			continue
		}
		ok = true
		all, _ := resources(id, endpoints, "", kind, "")
		for _, render := range all {
			row := render()
			path := strings.Split(row["id"].(string), "/")
			if len(groups) > 0 && !slices.ContainsFunc(groups, func(g string) bool { return strings.EqualFold(g, path[4]) }) {
				continue
			}
			rows = append(rows, object{
				"id": row["id"], "name": row["name"], "type": strings.ToLower(row["type"].(string)), "properties": row["properties"],
			})
		}
	}
	slices.SortFunc(rows, func(a, b object) int {
		return strings.Compare(strings.ToLower(a["id"].(string)), strings.ToLower(b["id"].(string)))
	})
	return rows, ok
}

// page returns the page from the start on.
func (q graphRequest) page(rows []object, start, size int) object {
	top := cmp.Or(q.Options.Top, 100)
	size = min(cmp.Or(size, top), top)
	start = min(start, len(rows))
	end := min(start+size, len(rows))
	body := object{
		"totalRecords": len(rows), "count": end - start, "resultTruncated": "false", "facets": []object{}, "data": append([]object{}, rows[start:end]...),
	}
	if end < len(rows) {
		body["$skipToken"] = base64.StdEncoding.EncodeToString([]byte(skipMark + strconv.Itoa(end)))
	}
	return body
}

// start returns where the page begins, and false for a token that page did not make.
func (q graphRequest) start() (int, bool) {
	if q.Options.SkipToken == "" {
		return 0, true
	}
	token, _ := base64.StdEncoding.DecodeString(q.Options.SkipToken)
	digits, ok := strings.CutPrefix(string(token), skipMark)
	n, err := strconv.Atoi(digits)
	return max(n, 0), ok && err == nil && n > 0
}

// A window counts the queries of a tenant since it began.
type window struct {
	begin time.Time
	used  int
}

const windowLength = 5 * time.Second

// quotaLocked counts a query. It reports false if the tenant has used up its quota.
func (s *Server) quotaLocked(tenant string) (header map[string]string, ok bool) {
	if s.config.GraphQuota == 0 {
		return map[string]string{"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"}, true
	}
	w := s.windows[tenant]
	if time.Since(w.begin) >= windowLength {
		w = window{begin: time.Now()}
	}
	left := windowLength - time.Since(w.begin)
	w.used++
	s.windows[tenant] = w
	seconds := int(math.Ceil(left.Seconds()))
	header = map[string]string{
		"x-ms-user-quota-remaining":    strconv.Itoa(max(s.config.GraphQuota-w.used, 0)),
		"x-ms-user-quota-resets-after": "00:00:0" + strconv.Itoa(seconds),
	}
	if w.used > s.config.GraphQuota {
		header["Retry-After"] = strconv.Itoa(seconds)
		return header, false
	}
	return header, true
}

package fakearm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const other = "ffffffff-0000-0000-0000-000000000000"

func graphQueryOf(kind, more string) string {
	return "resources | where type =~ 'microsoft.network/" + kind + "'" + more + " | project id, name, type, properties | order by id asc"
}

// ask sends a query and returns the status, and the names of the rows or the error.
func (s *Server) ask(t *testing.T, tenant string, q graphRequest) (text, next string) {
	t.Helper()
	q.Options.ResultFormat = "objectArray"
	body, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	link := s.URL + "/providers/Microsoft.ResourceGraph/resources?api-version=x"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, link, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token(tenant))
	response, err := s.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var page struct {
		Total int    `json:"totalRecords"`
		Count int    `json:"count"`
		Cut   string `json:"resultTruncated"`
		Skip  string `json:"$skipToken"`
		Data  []struct{ Name, Type string }
		Error struct{ Code, Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	text = fmt.Sprintf("%d %s%d/%d %s", response.StatusCode, page.Error.Code, page.Count, page.Total, page.Cut)
	for _, row := range page.Data {
		text += " " + row.Name
	}
	return text, page.Skip
}

func TestGraph(t *testing.T) {
	const customer = "33333333-3333-3333-3333-333333333333"
	e := estate()
	e[other] = []Endpoint{{Name: "delegated", Group: "rg-a"}}
	directory := Directory{Subscriptions: map[string]Subscription{other: {Tenant: customer, ManagedBy: []string{Tenant}}}}
	both := []string{sub, strings.ToUpper(other)}
	for _, tt := range []struct {
		name, tenant  string
		subscriptions []string
		query, want   string
	}{
		{"endpoints of all", Tenant, both, graphQueryOf("privateEndpoints", ""), "200 8/8 false plain zoned hidden new orphan refused waiting delegated"},
		{"interfaces", Tenant, both, graphQueryOf("networkInterfaces", " | where isnotnull(properties.privateEndpoint)"),
			"200 7/7 false plain.nic zoned.nic new.nic orphan.nic refused.nic waiting.nic delegated.nic"},
		{"one resource group", Tenant, both, graphQueryOf("privateEndpoints", " | where resourceGroup in~ ('RG-A')"), "200 3/3 false plain zoned delegated"},
		{"one subscription", Tenant, both[1:], graphQueryOf("privateEndpoints", ""), "200 1/1 false delegated"},
		{"the customer's identity", customer, both, graphQueryOf("privateEndpoints", ""), "200 1/1 false delegated"},
		{"another tenant's identity", "44444444-4444-4444-4444-444444444444", both, graphQueryOf("privateEndpoints", ""), "400 BadRequest0/0 "},
		{"no subscription", Tenant, nil, graphQueryOf("privateEndpoints", ""), "400 BadRequest0/0 "},
		{"another query", Tenant, both, "resources | take 5", "400 BadRequest0/0 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Config{Estate: e, Directory: directory})
			if got, _ := s.ask(t, tt.tenant, graphRequest{Subscriptions: tt.subscriptions, Query: tt.query}); got != tt.want {
				t.Errorf("graph = %s; want %s", got, tt.want)
			}
		})
	}
}

func TestGraphPages(t *testing.T) {
	s, q := start(t, Config{Estate: estate(), GraphPageSize: 3}), graphRequest{Subscriptions: []string{sub}, Query: graphQueryOf("privateEndpoints", "")}
	for i, want := range []string{"200 3/7 false plain zoned hidden", "200 3/7 false new orphan refused", "200 1/7 false waiting"} {
		got, next := s.ask(t, Tenant, q)
		if got != want || (next == "") != (i == 2) {
			t.Errorf("page %d = %s, next %q; want %s", i+1, got, next, want)
		}
		q.Options.SkipToken = next
	}
	if n := s.Reads()["resource_graph"]; n != 3 {
		t.Errorf("%d reads; want 3", n)
	}
}

func TestGraphFaults(t *testing.T) {
	s, q := start(t, Config{Estate: estate(), GraphPageSize: 3}), graphRequest{Subscriptions: []string{sub}, Query: graphQueryOf("privateEndpoints", "")}
	for kind, want := range map[Kind]string{Short: "200 3/7 false plain zoned", Cut: "200 2/7 true plain zoned", Broken: "500 InternalServerError0/0 "} {
		s.SetFaults(Fault{Kind: kind, Path: "ResourceGraph", Page: 1})
		if got, next := s.ask(t, Tenant, q); got != want || (next == "") != (kind != Short) {
			t.Errorf("%s = %s, next %q; want %s", kind, got, next, want)
		}
	}
}

// inBubble returns a server without listeners, which would keep time from passing.
func inBubble(t *testing.T, config Config) *Server {
	t.Helper()
	s, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	return s
}

// Resource Graph shows a change later than ARM does.
func TestGraphLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inBubble(t, Config{GraphLag: time.Minute})
		s.SetEstate(Estate{sub: {{Name: "old", Group: "rg-a"}}})
		q := graphRequest{Subscriptions: []string{sub}, Query: graphQueryOf("privateEndpoints", "")}
		time.Sleep(time.Hour / 2)
		s.SetEstate(Estate{sub: {{Name: "new", Group: "rg-a"}}})
		for _, want := range []string{"200 1/1 false old", "200 1/1 false old", "200 1/1 false new"} {
			if got, _ := s.ask(t, Tenant, q); got != want {
				t.Errorf("graph = %s; want %s", got, want)
			}
			time.Sleep(30 * time.Second)
		}
	})
}

// A tenant that has used up its quota gets 429 until the time of the headers.
func TestGraphQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inBubble(t, Config{GraphQuota: 2, Estate: Estate{sub: nil}})
		q := graphRequest{Subscriptions: []string{sub}, Query: graphQueryOf("privateEndpoints", "")}
		for i, want := range []string{"200 0/0 false", "200 0/0 false", "429 RateLimiting0/0 "} {
			if got, _ := s.ask(t, Tenant, q); got != want {
				t.Errorf("query %d = %s; want %s", i+1, got, want)
			}
		}
		time.Sleep(windowLength)
		if got, _ := s.ask(t, Tenant, q); got != "200 0/0 false" {
			t.Errorf("after the window = %s", got)
		}
	})
}

func TestDirectory(t *testing.T) {
	const hidden = "aaaaaaaa-0000-0000-0000-000000000000"
	e := estate()
	e[hidden] = nil
	s := start(t, Config{Estate: e, PageSize: 1, Directory: Directory{
		Subscriptions:    map[string]Subscription{hidden: {NoRole: true}, other: {Tenant: "33333333-3333-3333-3333-333333333333", ManagedBy: []string{Tenant}}},
		ManagementGroups: map[string][]string{"mg-root": {"mg-corp", sub}, "mg-corp": {other, "mg-root"}},
	}})
	for _, tt := range []struct{ path, want string }{
		{"/subscriptions", "00000000-0000-0000-0000-000000000000 ffffffff-0000-0000-0000-000000000000"},
		{"/providers/Microsoft.Management/managementGroups/MG-Root/descendants", "mg-corp ffffffff-0000-0000-0000-000000000000 mg-root 00000000-0000-0000-0000-000000000000"},
		{"/providers/Microsoft.Management/managementGroups/none/descendants", "403 AuthorizationFailed"},
		{"/subscriptions/" + hidden, "403 AuthorizationFailed"},
		{"/subscriptions/99999999-0000-0000-0000-000000000000", "404 SubscriptionNotFound"},
	} {
		if got := s.walk(t, tt.path); got != tt.want {
			t.Errorf("%s = %s; want %s", tt.path, got, tt.want)
		}
	}
}

// walk returns the last parts of the IDs on all pages of a path, or the error.
func (s *Server) walk(t *testing.T, path string) string {
	var all []string
	for next := s.URL + path + "?api-version=x"; next != ""; {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, next, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.Token(Tenant))
		response, err := s.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Value    []struct{ ID string }
			NextLink string
			Error    struct{ Code string }
		}
		err = json.NewDecoder(response.Body).Decode(&page)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Sprint(response.StatusCode, " ", page.Error.Code)
		}
		for _, one := range page.Value {
			all = append(all, one.ID[strings.LastIndexByte(one.ID, '/')+1:])
		}
		next = page.NextLink
	}
	return strings.Join(all, " ")
}

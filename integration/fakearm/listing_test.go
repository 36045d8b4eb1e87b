package fakearm

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// estate has an endpoint for each way in which Azure shows names.
func estate() Estate {
	two := []Name{{"v-id1.privatelink.we.backup.windowsazure.com", "10.0.0.1"}, {"acct.z9.blob.storage.azure.net", "10.0.0.2"}}
	one := func(ip string) []Name { return []Name{{"acct.queue.core.windows.net", ip}} }
	return Estate{
		sub: {
			{Name: "plain", Group: "rg-a", Names: two},
			{Name: "zoned", Group: "rg-a", ZoneGroup: true, Names: two},
			{Name: "hidden", Group: "rg-b", NoNIC: true, Names: slices.Concat(one("10.0.0.3"), one("10.0.0.4"))},
			{Name: "new", Group: "rg-b", Provisioning: "Updating", Names: one("10.0.0.5")},
			{Name: "waiting", Group: "rg-b", Status: "Pending", Manual: true, Names: one("10.0.0.6")},
			{Name: "refused", Group: "rg-b", Status: "Rejected", Manual: true, Names: one("10.0.0.7")},
			{Name: "orphan", Group: "rg-b", Status: "Disconnected", ZoneGroup: true, Names: one("10.0.0.8")},
		},
		"ffffffff-0000-0000-0000-000000000000": nil,
	}
}

func TestListings(t *testing.T) {
	a := start(t, Config{Estate: estate()})
	plain := []string{"plain Approved Succeeded", "plain v-id1.privatelink.we.backup.windowsazure.com 10.0.0.1", "plain acct.z9.blob.storage.azure.net 10.0.0.2"}
	interfaces := []string{
		"plain Succeeded", "plain v-id1.we.backup.windowsazure.com 10.0.0.1", "plain acct.z9.blob.storage.azure.net 10.0.0.2",
		"zoned Succeeded", "zoned v-id1.we.backup.windowsazure.com 10.0.0.1", "zoned acct.z9.blob.storage.azure.net 10.0.0.2",
	}
	for _, tt := range []struct {
		name, path string
		want       []string
	}{
		{"endpoints", network + "/privateEndpoints", slices.Concat(plain, []string{
			"zoned Approved Succeeded",
			"hidden Approved Succeeded", "hidden acct.queue.core.windows.net 10.0.0.3 10.0.0.4",
			"new Approved Updating", "waiting Pending Succeeded", "refused Rejected Succeeded", "orphan Disconnected Succeeded",
		})},
		{"endpoints of a group", inGroup + "/privateEndpoints", slices.Concat(plain, []string{"zoned Approved Succeeded"})},
		{"another case", strings.ToUpper(inGroup + "/privateEndpoints"), slices.Concat(plain, []string{"zoned Approved Succeeded"})},
		{"group without endpoints", strings.Replace(inGroup, "rg-a", "rg-empty", 1) + "/privateEndpoints", nil},
		{"subscription without endpoints", strings.Replace(network, sub, "FFFFFFFF-0000-0000-0000-000000000000", 1) + "/privateEndpoints", nil},
		{"interfaces", network + "/networkInterfaces", slices.Concat(interfaces, []string{
			"new Succeeded", "new acct.queue.core.windows.net 10.0.0.5", "waiting Succeeded",
			"refused Succeeded", "refused acct.queue.core.windows.net 10.0.0.7", "orphan Succeeded",
		})},
		{"interfaces of a group", inGroup + "/networkInterfaces", interfaces},
		{"zone group", inGroup + "/privateEndpoints/ZONED/privateDnsZoneGroups", []string{
			"zoned Succeeded", "zoned v-id1.privatelink.we.backup.windowsazure.com 10.0.0.1", "zoned acct.privatelink.blob.core.windows.net 10.0.0.2",
		}},
		{"no zone group", inGroup + "/privateEndpoints/plain/privateDnsZoneGroups", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := lines(a.list(t, tt.path+version)); !slices.Equal(got, tt.want) {
				t.Errorf("%s = %q; want %q", tt.path, got, tt.want)
			}
		})
	}
}

func TestShapes(t *testing.T) {
	a := start(t, Config{Estate: Estate{sub: {{
		Name: "pe", Group: "rg-a", ZoneGroup: true, Manual: true, VNet: "/subscriptions/other/vnets/v",
		Names: []Name{{"a.vault.azure.net", "10.0.0.1"}},
	}}}})
	for path, want := range map[string][]string{
		"/privateEndpoints": {
			`"customDnsConfigs":[]`, `"id":"` + inGroup + `/networkInterfaces/pe.nic"`, `"subnet":{"id":"/subscriptions/other/vnets/v/subnets/snet-endpoints"}`,
			`"privateLinkServiceConnections":[]`, `/privateEndpoints/pe/manualPrivateLinkServiceConnections/pe"`, `"status":"Approved"`,
		},
		"/networkInterfaces": {
			`"privateEndpoint":{"id":"` + strings.Replace(inGroup, "rg-a", "RG-A", 1) + `/privateEndpoints/pe"}`,
			`"managedBy":`, `"fqdns":["a.vault.azure.net"]`,
		},
		"/privateEndpoints/pe/privateDnsZoneGroups": {
			`"recordSetName":"a"`, `"ttl":10`, `/privateDnsZones/privatelink.vault.azure.net"`, `/privateDnsZoneGroups/default"`,
		},
	} {
		r, err := a.get(inGroup + path + version)
		for _, part := range want {
			if err != nil || !strings.Contains(r.body, part) {
				t.Errorf("%s = %s, %v; want %s in it", path, r.body, err, part)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	a := start(t, Config{Estate: estate()})
	for _, tt := range []struct{ name, path, want string }{
		{"no api-version", network + "/privateEndpoints", "400 MissingApiVersionParameter"},
		{"unknown subscription", strings.Replace(network, "0", "1", 1) + "/privateEndpoints" + version, "404 SubscriptionNotFound"},
		{"unknown type", network + "/virtualNetworks" + version, "404 InvalidResourceType"},
		{"zone groups of an unknown endpoint", inGroup + "/privateEndpoints/gone/privateDnsZoneGroups" + version, "404 ResourceNotFound"},
		{"zone groups in another group", inGroup + "/privateEndpoints/new/privateDnsZoneGroups" + version, "404 ResourceNotFound"},
		{"skip token of another", network + "/privateEndpoints?$skipToken=Mg%3d%3d", "400 InvalidSkipToken"},
		{"another path", "/providers" + version, "404 NotFound"},
	} {
		if r, err := a.get(tt.path); err != nil || r.String() != tt.want {
			t.Errorf("%s: get %s = %v, %v; want %s", tt.name, tt.path, r, err, tt.want)
		}
	}
	r, _ := http.NewRequest(http.MethodPost, a.URL+network+"/privateEndpoints"+version, nil)
	r.Header.Set("Authorization", "Bearer "+a.token)
	if got, err := a.do(r); err != nil || got.String() != "404 InvalidResourceType" {
		t.Errorf("POST = %v, %v; want 404", got, err)
	}
}

func TestPaging(t *testing.T) {
	const n = 105
	var many []Endpoint
	for i := range n {
		many = append(many, Endpoint{Name: fmt.Sprintf("pe-%03d", i), Group: "rg-a", Names: []Name{{fmt.Sprintf("a%d.example", i), "10.0.0.1"}}})
	}
	for _, tt := range []struct {
		name      string
		config    Config
		endpoints int
		pages     int
		last      string // end of the last page
	}{
		{"no nextLink", Config{PageSize: 10}, n, 11, `]}`},
		{"null", Config{PageSize: 10, NullNext: true}, n, 11, `],"nextLink":null}`},
		{"full last page", Config{PageSize: 35}, n, 3, `]}`},
		{"empty last page", Config{PageSize: 35, EmptyLast: true}, n, 4, `"value":[]}`},
		{"empty last page, null", Config{PageSize: 100, EmptyLast: true, NullNext: true}, n, 3, `"value":[]}`},
		{"one page", Config{PageSize: n}, n, 1, `]}`},
		{"default", Config{}, n, 3, `]}`},
		{"nothing", Config{EmptyLast: true}, 0, 1, `{"value":[]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.Estate = Estate{sub: many[:tt.endpoints]}
			a := start(t, tt.config)
			for _, path := range []string{network + "/privateEndpoints", inGroup + "/networkInterfaces"} {
				pages, seen := a.list(t, path+version), map[string]int{}
				for _, p := range pages {
					for _, e := range p.Endpoints {
						seen[strings.ToLower(e.ID)]++
					}
					a.checkLink(t, path, p.Next)
				}
				if len(pages) != tt.pages || len(seen) != tt.endpoints {
					t.Errorf("%s: %d pages, %d endpoints; want %d, %d", path, len(pages), len(seen), tt.pages, tt.endpoints)
				}
				for id, times := range seen {
					if times != 1 {
						t.Errorf("%s is there %d times; want once", id, times)
					}
				}
			}
			a.checkLast(t, tt.pages, tt.last)
		})
	}
}

// checkLink asks that a link is absolute and has its token escaped.
func (a *azure) checkLink(t *testing.T, path, link string) {
	t.Helper()
	if link == "" {
		return
	}
	u, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(link, a.URL+path+version+"&$skipToken=%2b%2F%2F%2B") || u.Query().Get("$skipToken") == "" {
		t.Errorf("nextLink = %s, %v", link, err)
	}
}

// checkLast asks how the last page ends, and that the pages were counted.
func (a *azure) checkLast(t *testing.T, pages int, want string) {
	t.Helper()
	requests := a.Requests()
	last := requests[len(requests)-1]
	if last.Page != pages {
		t.Errorf("last request = page %d; want %d", last.Page, pages)
	}
	r, err := a.get(last.Path + "?" + last.Query)
	if err != nil || !strings.HasSuffix(r.body, want) && !strings.HasPrefix(r.body, `{"nextLink":null,`) {
		t.Errorf("last page = %.80s, %v; want %s at its end", r.body, err, want)
	}
	if null := strings.HasPrefix(r.body, `{"nextLink":null,`); null != a.config.NullNext {
		t.Errorf("last page = %.80s; want nextLink null: %t", r.body, a.config.NullNext)
	}
}

// TestSample asks that the sample is the quick start's vault before something is
// registered with it.
func TestSample(t *testing.T) {
	a := start(t, Config{EstateFile: "estate.json"})
	text, err := os.ReadFile("../../corefile/quickstart.json")
	if err != nil {
		t.Fatal(err)
	}
	quickstart, err := privateendpoint.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	want := lines([]privateendpoint.Page{quickstart})[:1+8]
	if got := lines(a.list(t, network+"/privateEndpoints"+version)); !slices.Equal(got, want) {
		t.Errorf("sample = %q; want %q", got, want)
	}
}

package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

const subscription = "00000000-0000-0000-0000-000000000000"

// start returns a fake Azure with the endpoints, and a source that reads it.
func start(t testing.TB, config fakearm.Config, endpoints ...fakearm.Endpoint) (*fakearm.Server, *Source) {
	t.Helper()
	config.Estate = fakearm.Estate{subscription: endpoints}
	arm, err := fakearm.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arm.Close)
	own, err := cloud.Parse(arm.URL)
	if err != nil {
		t.Fatal(err)
	}
	return arm, &Source{Scope: Scope{Subscription: subscription}, Cloud: own, Credential: identity{arm}, Options: policy.ClientOptions{
		Transport: arm.Client(),
		Retry:     policy.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond},
	}}
}

// identity is a managed identity without the cache that azidentity shares among
// all servers of a process.
type identity struct{ arm *fakearm.Server }

func (i identity) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	resource := url.QueryEscape(strings.TrimSuffix(options.Scopes[0], "/.default"))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.arm.IdentityURL+"/msi/token?api-version=2019-08-01&resource="+resource, nil)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	request.Header.Set("X-IDENTITY-HEADER", fakearm.IdentityHeader)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	defer response.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(response.Body).Decode(&token)
	return azcore.AccessToken{Token: token.AccessToken, ExpiresOn: time.Now().Add(time.Hour)}, err
}

func endpoint(name string, fqdns ...string) fakearm.Endpoint {
	e := fakearm.Endpoint{Name: name, Group: "rg-backup", VNet: "vnet-hub", Status: "Approved", Provisioning: "Succeeded"}
	for i, fqdn := range fqdns {
		e.Names = append(e.Names, fakearm.Name{FQDN: fqdn, IP: fmt.Sprintf("10.20.0.%d", i+4)})
	}
	return e
}

// show writes a list in one line: its names with their addresses, then the
// skips with their reasons.
func show(l *source.List) string {
	if l == nil {
		return "nil"
	}
	addrs := map[string]map[string]bool{}
	for _, e := range l.Entries {
		if addrs[e.FQDN.String()] == nil {
			addrs[e.FQDN.String()] = map[string]bool{}
		}
		for _, a := range e.Addrs {
			addrs[e.FQDN.String()][a.String()] = true
		}
	}
	var all []string
	for fqdn, set := range addrs {
		all = append(all, fmt.Sprintf("%s %d", fqdn, len(set)))
	}
	slices.Sort(all)
	for _, s := range l.Skipped {
		all = append(all, fmt.Sprintf("-%s %s", s.Endpoint[strings.LastIndexByte(s.Endpoint, '/')+1:], s.Reason))
	}
	return strings.Join(all, "; ")
}

func TestFetch(t *testing.T) {
	with := func(e fakearm.Endpoint, change func(*fakearm.Endpoint)) fakearm.Endpoint { change(&e); return e }
	const blob, vault = "a.blob.core.windows.net", "1-ab-pod01-fc1.privatelink.we.backup.windowsazure.com"
	const all = vault + " 1; 1-ab-pod01-fc1.we.backup.windowsazure.com 1; " + blob + " 1"
	plain := endpoint("pe-a", blob, vault)
	for _, tc := range []struct {
		name string
		e    fakearm.Endpoint
		want string
	}{
		{"approved", plain, all},
		{"manual connection, approved", with(plain, func(e *fakearm.Endpoint) { e.Manual = true }), all},
		{"pending", with(plain, func(e *fakearm.Endpoint) { e.Status = "Pending" }), "-pe-a not_approved"},
		{"rejected later: the interface still has the address", with(plain, func(e *fakearm.Endpoint) { e.Status = "Rejected" }), "-pe-a not_approved"},
		{"disconnected", with(plain, func(e *fakearm.Endpoint) { e.Status = "Disconnected" }), "-pe-a not_approved"},
		{"zone group: names from the interface", with(endpoint("pe-a", blob), func(e *fakearm.Endpoint) { e.ZoneGroup = true }), "a.blob.core.windows.net 1"},
		{"zone group, interface not to be seen: names from the group", without(endpoint("pe-a", blob)), "a.privatelink.blob.core.windows.net 1"},
		{"interface not to be seen", with(endpoint("pe-a", blob), func(e *fakearm.Endpoint) { e.NoNIC = true }), "a.blob.core.windows.net 1"},
		{"zone group without names", with(hidden("pe-a"), func(e *fakearm.Endpoint) { e.Names = nil }), "-pe-a no_dns_configuration"},
		{"no names", endpoint("pe-a"), "-pe-a no_dns_configuration"},
		{"provisioning", with(endpoint("pe-a"), func(e *fakearm.Endpoint) { e.Provisioning = "Updating" }), "-pe-a provisioning"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, src := start(t, fakearm.Config{}, tc.e)
			list, err := src.Fetch(t.Context())
			if got := show(list); err != nil || got != tc.want || !list.Complete {
				t.Errorf("Fetch = %s, %v; want %s", got, err, tc.want)
			}
		})
	}
}

// many returns n endpoints of one name each.
func many(n int) []fakearm.Endpoint {
	var all []fakearm.Endpoint
	for i := range n {
		all = append(all, endpoint(fmt.Sprintf("pe-%d", i), fmt.Sprintf("acct%d.blob.core.windows.net", i)))
	}
	return all
}

func TestPages(t *testing.T) {
	for _, config := range []fakearm.Config{
		{PageSize: 7}, {PageSize: 7, EmptyLast: true}, {PageSize: 100, NullNext: true}, {PageSize: 25, EmptyLast: true, NullNext: true},
	} {
		arm, src := start(t, config, many(100)...)
		list, err := src.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(show(list), "acct"); n != 100 {
			t.Errorf("pages of %d: %d names; want 100", config.PageSize, n)
		}
		for _, r := range arm.Requests() {
			if r.Page > 1 && strings.Count(r.Query, "api-version") > 1 {
				t.Errorf("the link of a page is not taken as it is: %s", r.Query)
			}
		}
	}
}

// The same answers are the same list.
func TestNothingChanged(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, many(3)...)
	first, err := src.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := src.Fetch(t.Context()); again != first {
		t.Error("another list although nothing changed")
	}
	arm.Update(func(e fakearm.Estate) { e[subscription][0].Names[0].IP = "10.20.9.9" })
	if changed, _ := src.Fetch(t.Context()); changed == first || !strings.Contains(fmt.Sprint(changed.Entries), "10.20.9.9") {
		t.Error("the change is not seen")
	}
}

// A change on page one, seen by a sync that fails on page two, is not lost.
func TestChangeSeenByAFailedSync(t *testing.T) {
	arm, src := start(t, fakearm.Config{PageSize: 1}, many(2)...)
	if _, err := src.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	arm.Update(func(e fakearm.Estate) { e[subscription][0].Names[0].IP = "10.20.9.9" })
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Broken, Path: "networkInterfaces", Page: 2})
	if _, err := src.Fetch(t.Context()); err == nil {
		t.Fatal("no error")
	}
	arm.SetFaults()
	if list, err := src.Fetch(t.Context()); err != nil || !strings.Contains(fmt.Sprint(list.Entries), "10.20.9.9") {
		t.Errorf("Fetch = %v, %v; want the change", list, err)
	}
}

// An endpoint that leaves a listing of one page goes at once; of several pages,
// when a second listing lacks it.
func TestEndpointGoes(t *testing.T) {
	for _, tc := range []struct {
		size    int
		fetches int
	}{{10, 1}, {1, 2}} {
		arm, src := start(t, fakearm.Config{PageSize: tc.size}, many(4)...)
		for n := 4; n >= 2; n-- {
			arm.SetEstate(fakearm.Estate{subscription: many(n)})
			var list *source.List
			var err error
			for range tc.fetches {
				list, err = src.Fetch(t.Context())
			}
			if got := strings.Count(show(list), "acct"); err != nil || got != n {
				t.Errorf("pages of %d: %d names, %v; want %d", tc.size, got, err, n)
			}
		}
	}
}

// Two listings a sync, as long as nothing needs a look at its zone group.
func TestRequestsOfASync(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, many(3)...)
	for range 3 {
		if _, err := src.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	listings, tokens := 0, 0
	for _, r := range arm.Requests() {
		if r.Page > 0 {
			listings++
		} else {
			tokens++
		}
	}
	if listings != 6 || tokens > 2 {
		t.Errorf("%d listings and %d other requests for three syncs; want 6, and one for the token", listings, tokens)
	}
}

func TestGroupsAndVNets(t *testing.T) {
	a, b := endpoint("pe-a", "a.blob.core.windows.net"), endpoint("pe-b", "b.blob.core.windows.net")
	b.Group, b.VNet = "rg-other", "vnet-spoke"
	id := "/subscriptions/" + subscription + "/resourceGroups/rg-other/providers/Microsoft.Network/virtualNetworks/vnet-spoke"
	for _, tc := range []struct {
		name          string
		groups, vnets []string
		want          string
	}{
		{"all", nil, nil, "a.blob.core.windows.net 1; b.blob.core.windows.net 1"},
		{"one group", []string{"RG-Other"}, nil, "b.blob.core.windows.net 1"},
		{"two groups", []string{"rg-backup", "rg-other"}, nil, "a.blob.core.windows.net 1; b.blob.core.windows.net 1"},
		{"one virtual network by name", nil, []string{"VNET-hub"}, "a.blob.core.windows.net 1; -pe-b other_vnet"},
		{"one by ID", nil, []string{strings.ToUpper(id)}, "b.blob.core.windows.net 1; -pe-a other_vnet"},
		{"both", nil, []string{"vnet-hub", id}, "a.blob.core.windows.net 1; b.blob.core.windows.net 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, src := start(t, fakearm.Config{}, a, b)
			src.Groups, src.VNets = tc.groups, tc.vnets
			list, err := src.Fetch(t.Context())
			if got := show(list); err != nil || got != tc.want {
				t.Errorf("Fetch = %s, %v; want %s", got, err, tc.want)
			}
		})
	}
}

func TestMain(m *testing.M) {
	for _, name := range []string{"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "IDENTITY_ENDPOINT"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
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

// start returns a fake Azure with the endpoints, and a source that reads it with
// a managed identity.
func start(t testing.TB, config fakearm.Config, endpoints ...fakearm.Endpoint) (*fakearm.Server, *Source) {
	t.Helper()
	config.Estate = fakearm.Estate{subscription: endpoints}
	arm, err := fakearm.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arm.Close)
	for _, variable := range arm.IdentityEnv("") {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	own, err := cloud.Parse(arm.URL)
	if err != nil {
		t.Fatal(err)
	}
	return arm, &Source{Subscription: subscription, Cloud: own, Options: policy.ClientOptions{
		Transport: arm.Client(),
		Retry:     policy.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond},
	}}
}

func endpoint(name string, fqdns ...string) fakearm.Endpoint {
	e := fakearm.Endpoint{Name: name, Group: "rg-backup", VNet: "vnet-hub", Status: "Approved", Provisioning: "Succeeded"}
	for i, fqdn := range fqdns {
		e.Names = append(e.Names, fakearm.Name{FQDN: fqdn, IP: fmt.Sprintf("10.20.0.%d", i+4)})
	}
	return e
}

// show writes a list in one line: its names with their addresses, then what is
// skipped and why.
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
	plain := endpoint("pe-a", blob, vault)
	for _, tc := range []struct {
		name string
		e    fakearm.Endpoint
		want string
	}{
		{"approved", plain, "1-ab-pod01-fc1.privatelink.we.backup.windowsazure.com 1; 1-ab-pod01-fc1.we.backup.windowsazure.com 1; a.blob.core.windows.net 1"},
		{"manual connection, approved", with(plain, func(e *fakearm.Endpoint) { e.Manual = true }), "1-ab-pod01-fc1.privatelink.we.backup.windowsazure.com 1; 1-ab-pod01-fc1.we.backup.windowsazure.com 1; a.blob.core.windows.net 1"},
		{"pending", with(plain, func(e *fakearm.Endpoint) { e.Status = "Pending" }), "-pe-a not_approved"},
		{"rejected later: the interface still has the address", with(plain, func(e *fakearm.Endpoint) { e.Status = "Rejected" }), "-pe-a not_approved"},
		{"disconnected", with(plain, func(e *fakearm.Endpoint) { e.Status = "Disconnected" }), "-pe-a not_approved"},
		{"zone group: names from the interface", with(endpoint("pe-a", blob), func(e *fakearm.Endpoint) { e.ZoneGroup = true }), "a.blob.core.windows.net 1"},
		{"zone group, interface not to be seen: names from the group", with(endpoint("pe-a", blob), func(e *fakearm.Endpoint) { e.ZoneGroup, e.NoNIC = true, true }), "a.privatelink.blob.core.windows.net 1"},
		{"interface not to be seen", with(endpoint("pe-a", blob), func(e *fakearm.Endpoint) { e.NoNIC = true }), "a.blob.core.windows.net 1"},
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
	for _, config := range []fakearm.Config{{PageSize: 7}, {PageSize: 7, EmptyLast: true}, {PageSize: 100, NullNext: true}, {PageSize: 25, EmptyLast: true, NullNext: true}} {
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

// The same answers are the same list: nothing is built anew.
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

// Whatever goes wrong, there is no list, or the same list as before; and the
// text is the same each time, so that it is logged once.
func TestFaults(t *testing.T) {
	const all = "acct0.blob.core.windows.net 1; acct1.blob.core.windows.net 1; acct2.blob.core.windows.net 1"
	const endpoints = "list /subscriptions/" + subscription + "/providers/Microsoft.Network/privateEndpoints: "
	for _, tc := range []struct {
		name  string
		fault fakearm.Fault
		want  string // the error; empty: azcore gets over it
	}{
		{"429 for a moment", fakearm.Fault{Kind: fakearm.Throttled, Path: "privateEndpoints", Count: 2}, ""},
		{"429 without Retry-After", fakearm.Fault{Kind: fakearm.Throttled, Path: "privateEndpoints"}, endpoints + "page 1: ARM answers 429 RetryableError"},
		{"429 with Retry-After", fakearm.Fault{Kind: fakearm.Throttled, Path: "privateEndpoints", RetryAfter: 300}, endpoints + "page 1: ARM answers 429 RetryableError"},
		{"500 on page two", fakearm.Fault{Kind: fakearm.Broken, Path: "privateEndpoints", Page: 2}, endpoints + "page 2: ARM answers 500 InternalServerError"},
		{"503 for a moment", fakearm.Fault{Kind: fakearm.Unavailable, Path: "networkInterfaces", Count: 1}, ""},
		{"connection reset for a moment", fakearm.Fault{Kind: fakearm.Reset, Path: "privateEndpoints", Page: 2, Count: 1}, ""},
		{"truncated body", fakearm.Fault{Kind: fakearm.Truncated, Path: "privateEndpoints", Page: 1}, endpoints + "page 1: unexpected EOF"},
		{"HTML with status 200", fakearm.Fault{Kind: fakearm.HTML, Path: "privateEndpoints", Page: 1}, endpoints + "page 1: line 1: invalid character '<' looking for beginning of value"},
		{"HTML of a gateway", fakearm.Fault{Kind: fakearm.HTML502, Path: "privateEndpoints", Page: 1}, endpoints + "page 1: ARM answers 502"},
		{"garbage", fakearm.Fault{Kind: fakearm.Garbage, Path: "privateEndpoints", Page: 1}, endpoints + `page 1: line 1: invalid character '\x00' looking for beginning of value`},
		{"nextLink to another host", fakearm.Fault{Kind: fakearm.OtherHost, Path: "privateEndpoints", Page: 1}, endpoints + `page 1: its nextLink leads to "localhost:PORT", not to "127.0.0.1:PORT"`},
		{"nextLink to itself", fakearm.Fault{Kind: fakearm.Loop, Path: "privateEndpoints"}, endpoints + "page 2: the listing does not end"},
		{"permission lost", fakearm.Fault{Kind: fakearm.Forbidden, Path: "privateEndpoints"}, endpoints + "page 1: ARM answers 403 AuthorizationFailed: grant Reader on subscription " + subscription + " to the identity"},
		{"subscription gone", fakearm.Fault{Kind: fakearm.NotFound, Path: "privateEndpoints"}, endpoints + "page 1: ARM answers 404 SubscriptionNotFound: check the subscription's ID and the names of its resource groups"},
		{"token expired", fakearm.Fault{Kind: fakearm.Expired, Path: "privateEndpoints", Count: 1}, endpoints + "page 1: ARM answers 401 ExpiredAuthenticationToken: the token is not accepted, check the identity's tenant and the cloud"},
		{"token revoked", fakearm.Fault{Kind: fakearm.Revoked, Path: "privateEndpoints", Count: 1}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			arm, src := start(t, fakearm.Config{PageSize: 2}, many(3)...)
			before, err := src.Fetch(t.Context())
			if err != nil || show(before) != all {
				t.Fatalf("Fetch = %s, %v", show(before), err)
			}
			arm.SetFaults(tc.fault)
			list, err := src.Fetch(t.Context())
			text := ""
			if err != nil {
				text = strings.ReplaceAll(err.Error(), arm.URL[strings.LastIndexByte(arm.URL, ':')+1:], "PORT")
			}
			if text != tc.want || (err == nil) != (list == before) || err != nil && list != nil {
				t.Errorf("Fetch = %s,\n     %s;\nwant %s", show(list), text, tc.want)
			}
			if strings.Contains(text, fakearm.TokenPrefix) || strings.Contains(text, fakearm.ClientSecret) {
				t.Errorf("a secret in %q", text)
			}
			if tc.fault.Kind == fakearm.Expired {
				return // azidentity keeps a token for as long as it was said to live
			}
			arm.SetFaults()
			if list, err := src.Fetch(t.Context()); err != nil || list != before {
				t.Errorf("Fetch after the fault = %s, %v; want the list of before", show(list), err)
			}
		})
	}
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, many(1)...)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Throttled, Path: "privateEndpoints", RetryAfter: 300})
	_, err := src.Fetch(t.Context())
	if busy := (*source.RetryAfterError)(nil); !errors.As(err, &busy) || busy.After != 5*time.Minute {
		t.Errorf("Fetch error = %v; want one that says 5 minutes", err)
	}
}

// The token must go nowhere else.
func TestNoTokenForAnotherHost(t *testing.T) {
	arm, src := start(t, fakearm.Config{PageSize: 1}, many(2)...)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.OtherHost, Path: "privateEndpoints"})
	_, _ = src.Fetch(t.Context())
	for _, r := range arm.Requests() {
		if strings.HasPrefix(r.Host, "localhost") {
			t.Errorf("%s %s%s is asked", r.Method, r.Host, r.Path)
		}
	}
}

// A canceled fetch ends, and says so.
func TestCanceled(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, many(1)...)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Slow, DelayMS: 60_000})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if list, err := src.Fetch(ctx); err == nil || list != nil {
		t.Errorf("Fetch = %s, %v; want an error", show(list), err)
	}
}

// refused is a credential that has no token to give.
type refused struct{ err error }

func (r refused) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, r.err
}

func TestNoCredential(t *testing.T) {
	_, src := start(t, fakearm.Config{}, many(1)...)
	src.Credential = refused{errors.New("DefaultAzureCredential: failed to acquire a token.\nAttempted credentials:\n\tManagedIdentityCredential: no endpoint")}
	_, err := src.Fetch(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), "page 1: DefaultAzureCredential: failed to acquire a token. Attempted credentials: ManagedIdentityCredential: no endpoint") {
		t.Errorf("Fetch error = %v", err)
	}
}

func TestServicePrincipal(t *testing.T) {
	for _, tc := range []struct{ name, secret, want string }{
		{"right secret", fakearm.ClientSecret, ""},
		{"wrong secret", "wrong-secret-12345", "no token: DefaultAzureCredential: failed to acquire a token. AADSTS7000215: check the managed identity, or the AZURE_ variables of the service principal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			arm, src := start(t, fakearm.Config{}, many(1)...)
			t.Setenv("IDENTITY_ENDPOINT", "")
			for _, variable := range arm.Env(filepath.Join(t.TempDir(), "ca")) {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
			}
			t.Setenv("AZURE_CLIENT_SECRET", tc.secret)
			_, err := src.Fetch(t.Context())
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasSuffix(err.Error(), tc.want)) {
				t.Errorf("Fetch error = %v; want %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), tc.secret) {
				t.Error("the secret is in the error")
			}
		})
	}
}

func TestRetryAfterHeader(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 0, "10": 10 * time.Second, "x": 0} {
		r := &http.Response{Header: http.Header{"Retry-After": {value}}}
		if got := retryAfter(r); got != want {
			t.Errorf("retryAfter(%q) = %s; want %s", value, got, want)
		}
	}
	if got := retryAfter(nil); got != 0 {
		t.Errorf("retryAfter(nil) = %s; want 0", got)
	}
}

// BenchmarkFetch syncs 2,000 endpoints from an ARM that takes 200 ms a page. The
// fake ARM's own work is in the time and the allocations, too.
func BenchmarkFetch(b *testing.B) {
	for _, size := range []int{100, 200} {
		b.Run(fmt.Sprintf("%d a page", size), func(b *testing.B) {
			_, src := start(b, fakearm.Config{PageSize: size, Delay: 200 * time.Millisecond}, many(2000)...)
			var memory runtime.MemStats
			b.ReportAllocs()
			for b.Loop() {
				if _, err := src.Fetch(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&memory)
			b.ReportMetric(float64(memory.HeapAlloc)/1e6, "MB-kept")
			runtime.KeepAlive(src)
		})
	}
}

func TestMain(m *testing.M) {
	for _, name := range []string{"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

package azure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

const (
	subA     = "aaaaaaaa-0000-0000-0000-000000000000"
	subB     = "bbbbbbbb-0000-0000-0000-000000000000"
	subC     = "cccccccc-0000-0000-0000-000000000000" // of a customer, delegated by Azure Lighthouse
	customer = "33333333-3333-3333-3333-333333333333"
)

// one returns the estate of a subscription with one endpoint in each resource group.
func one(name string, groups ...string) (all []fakearm.Endpoint) {
	for _, group := range groups {
		e := endpoint("pe-"+name+"-"+group, name+group+".blob.core.windows.net")
		e.Group = group
		all = append(all, e)
	}
	return all
}

// tenant starts a fake Azure with three subscriptions, and a source of a scope.
func tenant(t *testing.T, config fakearm.Config, scope Scope) (*fakearm.Server, *Source) {
	t.Helper()
	if config.Estate == nil {
		config.Estate = fakearm.Estate{subA: one("a", "rg1", "rg2"), subB: one("b", "rg1"), subC: one("c", "rg2")}
	}
	config.Directory = fakearm.Directory{
		Subscriptions:    map[string]fakearm.Subscription{subC: {Tenant: customer, ManagedBy: []string{fakearm.Tenant}}},
		ManagementGroups: map[string][]string{"mg-root": {"mg-corp", subA}, "mg-corp": {subB}},
	}
	arm, err := fakearm.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arm.Close)
	own, err := cloud.Parse(arm.URL)
	if err != nil {
		t.Fatal(err)
	}
	return arm, &Source{Scope: scope, Cloud: own, Credential: identity{arm}, Options: policy.ClientOptions{
		Transport: arm.Client(),
		Retry:     policy.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond},
	}}
}

// names writes the names of a list without their domain.
func names(l *source.List) string {
	if l == nil {
		return "nil"
	}
	var all []string
	for _, e := range l.Entries {
		name, _, _ := strings.Cut(e.FQDN.String(), ".")
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

func TestScopes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		scope Scope
		want  string
	}{
		{"all, one of them by Lighthouse", Scope{}, "arg1 arg2 brg1 crg2"},
		{"except", Scope{Except: []string{subB, strings.ToUpper(subC)}}, "arg1 arg2"},
		{"except all", Scope{Except: []string{subA, subB, subC}}, ""},
		{"management group, with the groups below", Scope{ManagementGroup: "mg-root"}, "arg1 arg2 brg1"},
		{"management group below", Scope{ManagementGroup: "MG-corp"}, "brg1"},
		{"management group, except", Scope{ManagementGroup: "mg-root", Except: []string{subA}}, "brg1"},
		{"resource groups of all", Scope{Groups: []string{"RG2"}}, "arg2 crg2"},
		{"several resource groups of a management group", Scope{ManagementGroup: "mg-root", Groups: []string{"rg1", "rg2"}}, "arg1 arg2 brg1"},
	} {
		for _, size := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, pages of %d", tc.name, size), func(t *testing.T) {
				_, src := tenant(t, fakearm.Config{GraphPageSize: size, PageSize: 1}, tc.scope)
				list, err := src.Fetch(t.Context())
				if err != nil || names(list) != tc.want || !list.Complete || len(list.Skipped) > 0 {
					t.Errorf("Fetch = %s, %v; want %s", show(list), err, tc.want)
				}
				if again, err := src.Fetch(t.Context()); again != list || err != nil {
					t.Errorf("Fetch again = %s, %v; want the same list", show(again), err)
				}
			})
		}
	}
}

// An error of a scope names its cause and the remedy.
func TestScopeErrors(t *testing.T) {
	fault := func(kind fakearm.Kind, path string) []fakearm.Fault { return []fakearm.Fault{{Kind: kind, Path: path}} }
	const query = "query Resource Graph for privateEndpoints: page 1: "
	for _, tc := range []struct {
		name  string
		scope Scope
		fault []fakearm.Fault
		want  string
	}{
		{"no role at all", Scope{}, nil, "list /subscriptions: " + errNoSubscription.Error()},
		{"unknown management group", Scope{ManagementGroup: "mg-none"}, nil, "list /providers/Microsoft.Management/managementGroups/mg-none/descendants: page 1: " +
			"ARM answers 403 AuthorizationFailed: grant Reader on the management group, or on its subscriptions, to the identity"},
		{"subscriptions cannot be listed", Scope{}, fault(fakearm.Broken, "/subscriptions"), "list /subscriptions: page 1: ARM answers 500 InternalServerError"},
		{"a page of a proxy for subscriptions", Scope{}, fault(fakearm.HTML, "/subscriptions"), "list /subscriptions: page 1: an HTML page in place of a listing: " + ofProxy},
		{"half a page of subscriptions", Scope{}, fault(fakearm.Truncated, "/subscriptions"), "list /subscriptions: page 1: unexpected EOF"},
		{"Resource Graph is broken", Scope{ManagementGroup: "mg-root"}, fault(fakearm.Broken, "ResourceGraph"), query + "ARM answers 500 InternalServerError"},
		{"no Resource Graph", Scope{ManagementGroup: "mg-root"}, fault(fakearm.NotFound, "ResourceGraph"), query +
			"ARM answers 404 SubscriptionNotFound: this cloud has no Resource Graph: write a line azure SUBSCRIPTION for each subscription"},
		{"Resource Graph is busy", Scope{ManagementGroup: "mg-root"}, fault(fakearm.Throttled, "ResourceGraph"), query + "ARM answers 429 RetryableError: " + tooMany},
		{"a page of a proxy for rows", Scope{ManagementGroup: "mg-root"}, fault(fakearm.HTML, "ResourceGraph"), query + "an HTML page in place of rows: " + ofProxy},
	} {
		t.Run(tc.name, func(t *testing.T) {
			arm, src := tenant(t, fakearm.Config{}, tc.scope)
			arm.SetFaults(tc.fault...)
			if tc.fault == nil {
				arm.UpdateDirectory(func(d *fakearm.Directory) {
					for _, id := range []string{subA, subB, subC} {
						d.Subscriptions[id] = fakearm.Subscription{NoRole: true}
					}
				})
			}
			list, err := src.Fetch(t.Context())
			if list != nil || err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("Fetch = %s, %v;\nwant %s", show(list), err, tc.want)
			}
		})
	}
}

// A new subscription appears by itself, and a new endpoint.
func TestNewSubscription(t *testing.T) {
	arm, src := tenant(t, fakearm.Config{}, Scope{Except: []string{subC}})
	if list, err := src.Fetch(t.Context()); err != nil || names(list) != "arg1 arg2 brg1" {
		t.Fatalf("Fetch = %s, %v", show(list), err)
	}
	arm.Update(func(e fakearm.Estate) {
		e["dddddddd-0000-0000-0000-000000000000"] = one("d", "rg1")
		e[subB] = one("b", "rg1", "rg3")
	})
	if list, err := src.Fetch(t.Context()); err != nil || names(list) != "arg1 arg2 brg1 brg3 drg1" {
		t.Errorf("Fetch = %s, %v; want the new ones", show(list), err)
	}
}

// While the identity may not read a subscription any more, its names stay, with an error.
// When Azure confirms that it is gone, they go from the list with the second sync.
func TestSubscriptionDisappears(t *testing.T) {
	role := func(id string, s fakearm.Subscription) func(*fakearm.Server) {
		return func(arm *fakearm.Server) {
			arm.UpdateDirectory(func(d *fakearm.Directory) { d.Subscriptions[id] = s })
		}
	}
	const stays = " is not listed any more, its names stay: ARM answers "
	for _, tc := range []struct {
		name  string
		scope Scope
		loss  func(*fakearm.Server)
		lists []string
		err   string // of the last fetch
	}{
		{"no role any more", Scope{}, role(subA, fakearm.Subscription{NoRole: true}), []string{"arg1 arg2 brg1 crg2", "arg1 arg2 brg1 crg2", "arg1 arg2 brg1 crg2"},
			"subscription " + subA + stays + "403 AuthorizationFailed: grant Reader on subscription " + subA + " to the identity, or add it to except"},
		{"not delegated any more", Scope{}, role(subC, fakearm.Subscription{Tenant: customer}), []string{"arg1 arg2 brg1 crg2", "arg1 arg2 brg1 crg2", "arg1 arg2 brg1 crg2"},
			"subscription " + subC + stays + "401 InvalidAuthenticationTokenTenant: the token is not accepted, check the identity's tenant and the cloud, " +
				"or add it to except"},
		{"deleted", Scope{}, func(arm *fakearm.Server) { arm.Update(func(e fakearm.Estate) { delete(e, subA) }) },
			[]string{"arg1 arg2 brg1 crg2", "brg1 crg2", "brg1 crg2"}, ""},
		{"moved to another management group", Scope{ManagementGroup: "mg-root"}, func(arm *fakearm.Server) {
			arm.UpdateDirectory(func(d *fakearm.Directory) { d.ManagementGroups["mg-root"] = []string{"mg-corp"} })
		}, []string{"arg1 arg2 brg1", "brg1", "brg1"}, ""},
		{"no role, seen through a management group", Scope{ManagementGroup: "mg-root"}, role(subB, fakearm.Subscription{NoRole: true}), []string{"arg1 arg2 brg1", "arg1 arg2 brg1", "arg1 arg2 brg1"},
			"resources of subscription " + subB + " are not in Resource Graph any more, their names stay: ARM answers 403 AuthorizationFailed: " +
				"grant Reader on subscription " + subB + " to the identity"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			arm, src := tenant(t, fakearm.Config{}, tc.scope)
			before, err := src.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			arm.FreezeGraph(false)
			tc.loss(arm)
			var list *source.List
			for i, want := range tc.lists {
				list, err = src.Fetch(t.Context())
				if names(list) != want || !list.Complete {
					t.Errorf("fetch %d = %s, complete %v, %v; want %s", i, show(list), list.Complete, err, want)
				}
			}
			if text := fmt.Sprint(err); err == nil && tc.err != "" || err != nil && text != tc.err {
				t.Errorf("error = %v;\nwant %s", err, tc.err)
			}
			if tc.err != "" && list != before {
				t.Errorf("list = %s; want the one of before", show(list))
			}
		})
	}
}

// A role that comes back ends the error.
func TestRoleComesBack(t *testing.T) {
	arm, src := tenant(t, fakearm.Config{}, Scope{})
	before, err := src.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	role := func(none bool) {
		arm.UpdateDirectory(func(d *fakearm.Directory) { d.Subscriptions[subA] = fakearm.Subscription{NoRole: none} })
	}
	role(true)
	for range 4 {
		_, err = src.Fetch(t.Context())
	}
	if err == nil {
		t.Error("no error without the role")
	}
	if n := arm.Reads()["subscriptions"]; n != 5+1 {
		t.Errorf("%d reads of subscriptions; want one for each sync, and one for the subscription", n)
	}
	role(false)
	if list, err := src.Fetch(t.Context()); err != nil || list != before {
		t.Errorf("Fetch = %s, %v; want the list of before", show(list), err)
	}
}

// If the listing of subscriptions fails, the known ones are read.
func TestSubscriptionsFail(t *testing.T) {
	arm, src := tenant(t, fakearm.Config{}, Scope{})
	if _, err := src.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Unavailable, Path: "/subscriptions", RetryAfter: 60})
	arm.Update(func(e fakearm.Estate) { e[subA] = one("a", "rg1", "rg2", "rg3") })
	list, err := src.Fetch(t.Context())
	if names(list) != "arg1 arg2 arg3 brg1 crg2" || err == nil || !list.Complete {
		t.Errorf("Fetch = %s, %v", show(list), err)
	}
	reads := arm.Reads()
	if busy := (*source.RetryAfterError)(nil); !errors.As(err, &busy) || busy.After != time.Minute {
		t.Errorf("Fetch error = %v; want a pause of a minute", err)
	}
	again, err := src.Fetch(t.Context())
	if busy := (*source.RetryAfterError)(nil); !errors.As(err, &busy) || again != list {
		t.Errorf("Fetch in the pause = %s, %v; want the same", show(again), err)
	}
	if got := arm.Reads(); fmt.Sprint(got) != fmt.Sprint(reads) {
		t.Errorf("%v reads in the pause; want none beside %v", got, reads)
	}
}

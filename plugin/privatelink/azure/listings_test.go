package azure

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// in returns an endpoint with one name in a resource group.
func in(group, name string) fakearm.Endpoint {
	e := endpoint("pe-"+name, name+".blob.core.windows.net")
	e.Group = group
	return e
}

// without returns an endpoint whose name is in its zone group only.
func without(e fakearm.Endpoint) fakearm.Endpoint {
	e.ZoneGroup, e.NoNIC = true, true
	return e
}

const (
	groups  = "/subscriptions/" + subscription + "/resourceGroups/"
	peList  = "/providers/Microsoft.Network/privateEndpoints"
	nicList = "/providers/Microsoft.Network/networkInterfaces"
	denied  = ": page 1: ARM answers 403 AuthorizationFailed: grant Reader on subscription " + subscription + " to the identity"
)

// A listing that fails costs only its own resources: all other names are served, and those of
// the listing too if it was read before.
func TestListingThatFails(t *testing.T) {
	both := []string{"rg-a", "rg-b"}
	a, b := in("rg-a", "a"), in("rg-b", "b")
	grouped := b
	grouped.ZoneGroup = true
	nameless := b
	nameless.Names = nil
	const (
		onlyA = "a.blob.core.windows.net 1"
		aAndB = onlyA + "; b.blob.core.windows.net 1"
		peB   = "list " + groups + "rg-b" + peList + denied
		nicB  = "list " + groups + "rg-b" + nicList + denied
	)
	for _, tc := range []struct {
		name   string
		groups []string
		b      fakearm.Endpoint
		path   string // of the fault
		first  string // the list of a first fetch; empty: nil
		later  string // the list of a fetch after a good one
		err    string
	}{
		{"a resource group", both, b, "/rg-b/", onlyA, aAndB, peB + "; " + nicB},
		{"the first resource group", []string{"rg-b", "rg-a"}, b, "/rg-b/", onlyA, aAndB, peB + "; " + nicB},
		{"endpoints of a group: no finding about its interfaces", both, b, "/rg-b" + peList, onlyA, aAndB, peB},
		{"interfaces of a group", both, b, "/rg-b" + nicList, aAndB, aAndB, nicB},
		{"interfaces, names from the zone group", both, grouped, "/rg-b" + nicList, onlyA + "; b.privatelink.blob.core.windows.net 1", aAndB, nicB},
		{"interfaces: no finding about an endpoint without names", both, nameless, "/rg-b" + nicList, onlyA, onlyA, nicB},
		{"endpoints of the subscription", nil, b, "Network/privateEndpoints", "-", aAndB, "list /subscriptions/" + subscription + peList + denied},
		{"interfaces of the subscription", nil, b, "networkInterfaces", aAndB, aAndB, "list /subscriptions/" + subscription + nicList + denied},
		{"all: the first path's error", both, b, "/rg-", "nil", "nil", "list " + groups + "rg-a" + peList + denied},
	} {
		for _, known := range []bool{false, true} {
			t.Run(tc.name, func(t *testing.T) {
				arm, src := start(t, fakearm.Config{}, a, tc.b)
				src.Groups = tc.groups
				want := map[bool]string{false: strings.TrimPrefix(tc.first, "-"), true: tc.later}[known]
				if known {
					if _, err := src.Fetch(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				arm.SetFaults(fakearm.Fault{Kind: fakearm.Forbidden, Path: tc.path})
				list, err := src.Fetch(t.Context())
				if show(list) != want || list != nil && list.Complete != known || err == nil || err.Error() != tc.err {
					t.Errorf("Fetch, read before %t = %s, %v, complete %t;\nwant %s, %s", known, show(list), err, list != nil && list.Complete, want, tc.err)
				}
				if again, err := src.Fetch(t.Context()); again != list || err == nil || err.Error() != tc.err {
					t.Errorf("Fetch again = %s, %v; want the same", show(again), err)
				}
				arm.SetFaults()
				fresh := &Source{Scope: Scope{Subscription: src.Subscription, Groups: src.Groups}, Cloud: src.Cloud, Credential: src.Credential, Options: src.Options}
				whole, _ := fresh.Fetch(t.Context())
				if list, err := src.Fetch(t.Context()); err != nil || !list.Complete || show(list) != show(whole) {
					t.Errorf("Fetch after the fault = %s, %v; want %s", show(list), err, show(whole))
				}
			})
		}
	}
}

// While a listing fails, changes of the others are seen.
func TestChangesBesideAListingThatFails(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, in("rg-a", "a"), in("rg-b", "b"))
	src.Groups = []string{"rg-a", "rg-b"}
	if _, err := src.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Forbidden, Path: "/rg-b" + peList})
	arm.Update(func(e fakearm.Estate) {
		e[subscription] = append(e[subscription], in("rg-a", "new"), in("rg-b", "unseen"))
	})
	list, err := src.Fetch(t.Context())
	if got := show(list); err == nil || got != "a.blob.core.windows.net 1; b.blob.core.windows.net 1; new.blob.core.windows.net 1" || !list.Complete {
		t.Errorf("Fetch = %s, %v; want the new name, and no finding about the interface of pe-unseen", got, err)
	}
	arm.SetFaults()
	if list, err := src.Fetch(t.Context()); err != nil || strings.Count(show(list), "blob") != 4 {
		t.Errorf("Fetch = %s, %v; want four names", show(list), err)
	}
}

// The text has three errors at most, in the order of the paths, those of zone groups
// last. Its Retry-After is the longest.
func TestManyListingsThatFail(t *testing.T) {
	hidden := without(in("rg-a", "hidden"))
	arm, src := start(t, fakearm.Config{}, in("rg-a", "a"), hidden)
	src.Groups = []string{"rg-a", "rg-b", "rg-c"}
	arm.SetFaults(
		fakearm.Fault{Kind: fakearm.Throttled, Path: "/rg-c" + nicList, RetryAfter: 90},
		fakearm.Fault{Kind: fakearm.Forbidden, Path: "/rg-c/"},
		fakearm.Fault{Kind: fakearm.Unavailable, Path: "/rg-b" + nicList, RetryAfter: 20},
		fakearm.Fault{Kind: fakearm.Forbidden, Path: "privateDnsZoneGroups"},
	)
	for range 3 {
		resume(src)
		list, err := src.Fetch(t.Context())
		const want = "list " + groups + "rg-c" + peList + denied +
			"; list " + groups + "rg-b" + nicList + ": page 1: ARM answers 503 ServerUnavailable" +
			"; list " + groups + "rg-c" + nicList + ": page 1: ARM answers 429 RetryableError: " + tooMany + "; 1 more"
		if show(list) != "a.blob.core.windows.net 1" || err == nil || err.Error() != want {
			t.Errorf("Fetch = %s, %v;\nwant %s", show(list), err, want)
		}
		if busy := (*source.RetryAfterError)(nil); !errors.As(err, &busy) || busy.After != 90*time.Second {
			t.Errorf("Fetch error = %#v; want to stay away for 90 s", err)
		}
	}
}

// Listings that are never answered hold back the others only once: from then on they
// are read last.
func TestSilentListings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var asked time.Time
		fake := &fakeARM{page: func(r *http.Request) string {
			mu.Lock()
			asked = time.Now()
			mu.Unlock()
			if strings.HasSuffix(r.URL.Path, "/privateEndpoints") {
				return `{"value": [` + resource("pe-good") + `]}`
			}
			return `{"value": []}`
		}}
		fake.do = func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/silent") {
				return silent(r)
			}
			return nil, nil
		}
		src := fake.source()
		src.Groups = []string{"silent1", "silent2", "silent3", "silent4", "silent5", "good"}
		for i, want := range []time.Duration{2 * pageTimeout, 0, 0} {
			begin := time.Now()
			list, err := src.Fetch(t.Context())
			served := show(list) == "pe-good.blob.core.windows.net 1" && !list.Complete
			if !served || err == nil || !strings.HasSuffix(err.Error(), "between this server and Azure; 7 more") {
				t.Errorf("fetch %d = %s, %v", i, show(list), err)
			}
			if got := asked.Sub(begin); got != want {
				t.Errorf("fetch %d: the last good listing is read after %s; want %s", i, got, want)
			}
		}
	})
}

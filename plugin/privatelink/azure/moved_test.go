package azure

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// A page that lacks its nextLink takes no name, even if it is the first one and is
// the whole listing then.
func TestLostNextLink(t *testing.T) {
	for _, tc := range []struct {
		path      string
		endpoints int
		requests  int // at most, for resources themselves, in one fetch
	}{
		{"/privateEndpoints", 3, 1},
		{"/networkInterfaces", 3, 1},
		{"/privateEndpoints", 2 + maxConfirm, maxConfirm},
		{"/privateEndpoints", 3 + maxConfirm, sample},
		{"/networkInterfaces", 50 + maxConfirm, sample},
	} {
		t.Run(fmt.Sprintf("%s, %d endpoints", tc.path, tc.endpoints), func(t *testing.T) {
			arm, src := start(t, fakearm.Config{PageSize: 2}, many(tc.endpoints)...)
			before, err := src.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			arm.SetFaults(fakearm.Fault{Kind: fakearm.Link, Path: tc.path, Page: 1, Value: []byte("null")})
			for range 5 {
				asked := len(resourcesAsked(arm))
				if list, err := src.Fetch(t.Context()); err != nil || list != before {
					t.Errorf("Fetch = %d names, %v; want the list of before", strings.Count(show(list), "acct"), err)
				}
				if got := len(resourcesAsked(arm)) - asked; got > tc.requests {
					t.Errorf("%d resources are asked for; want at most %d", got, tc.requests)
				}
			}
			arm.SetFaults()
			if list, err := src.Fetch(t.Context()); err != nil || list != before {
				t.Errorf("Fetch afterwards = %d names, %v; want the list of before", strings.Count(show(list), "acct"), err)
			}
		})
	}
}

// resourcesAsked returns the paths of the requests for one resource.
func resourcesAsked(arm *fakearm.Server) (all []string) {
	for _, r := range arm.Requests() {
		if path := strings.ToLower(r.Path); strings.Contains(path, "/privateendpoints/pe-") || strings.Contains(path, "/networkinterfaces/pe-") {
			all = append(all, r.Path)
		}
	}
	return all
}

// Endpoints that are deleted go with the second listing that lacks them, however many
// they are, and although one page is left.
func TestManyDeleted(t *testing.T) {
	for _, n := range []int{3, 2 + maxConfirm, 50 + maxConfirm} {
		arm, src := start(t, fakearm.Config{PageSize: 2}, many(n)...)
		if _, err := src.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		arm.SetEstate(fakearm.Estate{subscription: many(2)})
		for i, want := range []int{n, 2, 2} {
			if list, err := src.Fetch(t.Context()); err != nil || strings.Count(show(list), "acct") != want {
				t.Errorf("fetch %d after %d of %d were deleted = %d names, %v; want %d", i, n-2, n, strings.Count(show(list), "acct"), err, want)
			}
		}
	}
}

// An endpoint that moves to a resource group whose listing has been read already is
// served all the time, also if a listing of the next fetch fails.
func TestMovedBetweenListings(t *testing.T) {
	names := []string{"rg-a", "rg-b", "rg-c", "rg-d", "rg-e"}
	for _, tc := range []struct {
		name  string
		moved fakearm.Endpoint
		fault fakearm.Fault // in the fetch after the move
	}{
		{"names of the endpoint", in("rg-e", "mv"), fakearm.Fault{}},
		{"names of the interface", func() fakearm.Endpoint { e := in("rg-e", "mv"); e.ZoneGroup = true; return e }(), fakearm.Fault{}},
		{"names of the zone group", without(in("rg-e", "mv")), fakearm.Fault{}},
		{"then the new group fails", in("rg-e", "mv"), fakearm.Fault{Kind: fakearm.Forbidden, Path: "/rg-a" + peList}},
		{"then the new group fails, names of the zone group", without(in("rg-e", "mv")), fakearm.Fault{Kind: fakearm.Forbidden, Path: "/rg-a" + peList}},
		{"then the old group fails", in("rg-e", "mv"), fakearm.Fault{Kind: fakearm.Forbidden, Path: "/rg-e" + peList}},
		{"then another group fails", in("rg-e", "mv"), fakearm.Fault{Kind: fakearm.Forbidden, Path: "/rg-c"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var all []fakearm.Endpoint
			for _, name := range names {
				all = append(all, in(name, name[3:]))
			}
			arm, src := start(t, fakearm.Config{}, append(all, tc.moved)...)
			src.Groups = names
			move := moves(arm, src, "/rg-a"+peList, "/rg-e"+peList, "pe-mv", "rg-a")
			// An interface may be read after the move, before its endpoint's new ID is
			// listed, or be carried over for one fetch longer than the old ID.
			during := ""
			fetch := func() *source.List {
				list, _ := src.Fetch(t.Context())
				if got := strings.TrimSuffix(show(list), during); !strings.Contains(got, "mv.") || strings.Contains(got, "-pe-") || !list.Complete {
					t.Errorf("Fetch = %s; want the name, and nothing skipped", got)
				}
				return list
			}
			fetch()
			move()
			during = "; -pe-mv not_approved"
			fetch()
			if tc.fault.Kind != "" {
				arm.SetFaults(tc.fault)
				fetch()
				fetch()
				arm.SetFaults()
				fetch()
			}
			fetch()
			during = ""
			for _, e := range fetch().Entries {
				if strings.Contains(e.FQDN.String(), "mv.") && !strings.Contains(e.Endpoint.String(), "/rg-a/") {
					t.Errorf("%s is of %s; want the new group only", e.FQDN, e.Endpoint)
				}
			}
		})
	}
}

// moves prepares that an endpoint moves after one listing is read and before another
// one is, in the fetch after the returned function is called.
func moves(arm *fakearm.Server, src *Source, after, before, name, to string) (begin func()) {
	var mu sync.Mutex
	var read chan struct{}
	client := arm.Client()
	src.Options.Transport = transporter(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		waiting := read
		mu.Unlock()
		if waiting != nil && strings.HasSuffix(r.URL.Path, before) {
			<-waiting
			arm.Update(func(e fakearm.Estate) {
				all := slices.Clone(e[subscription])
				at := slices.IndexFunc(all, func(e fakearm.Endpoint) bool { return e.Name == name })
				all[at].Group = to
				e[subscription] = all
			})
			mu.Lock()
			read = nil
			mu.Unlock()
		}
		response, err := client.Do(r)
		if waiting != nil && strings.HasSuffix(r.URL.Path, after) {
			close(waiting)
		}
		return response, err
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		read = make(chan struct{})
	}
}

// A deleted endpoint of one of several resource groups goes with the second fetch that
// lacks it, because it may have moved, and only after all listings have been read.
func TestDeletedFromAGroup(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, in("rg-a", "a"), in("rg-b", "b"), in("rg-c", "c"))
	src.Groups = []string{"rg-a", "rg-b", "rg-c"}
	const all = "a.blob.core.windows.net 1; b.blob.core.windows.net 1; c.blob.core.windows.net 1"
	fault := fakearm.Fault{Kind: fakearm.Forbidden, Path: "/rg-c/"}
	for i, tc := range []struct {
		faults []fakearm.Fault
		want   string
	}{{nil, all}, {nil, all}, {[]fakearm.Fault{fault}, all}, {[]fakearm.Fault{fault}, all}, {nil, "a.blob.core.windows.net 1; c.blob.core.windows.net 1"}} {
		if i == 1 {
			arm.Update(func(e fakearm.Estate) { e[subscription] = slices.Delete(slices.Clone(e[subscription]), 1, 2) })
		}
		arm.SetFaults(tc.faults...)
		if list, err := src.Fetch(t.Context()); show(list) != tc.want || (err != nil) != (tc.faults != nil) {
			t.Errorf("fetch %d = %s, %v; want %s", i, show(list), err, tc.want)
		}
	}
}

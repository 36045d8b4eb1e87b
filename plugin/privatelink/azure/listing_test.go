package azure

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// A resource that moves between pages while they are read is not withdrawn, and
// the list stays the same one.
func TestShiftingPages(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault fakearm.Fault
		times int // fetches with the fault
	}{
		{"endpoint missed", fakearm.Fault{Kind: fakearm.Shift, Path: "privateEndpoints", Page: 2}, 1},
		{"interface missed", fakearm.Fault{Kind: fakearm.Shift, Path: "networkInterfaces", Page: 2}, 1},
		{"both missed", fakearm.Fault{Kind: fakearm.Shift, Page: 2}, 1},
		{"missed again and again", fakearm.Fault{Kind: fakearm.Shift, Page: 2}, 5},
		{"endpoint on two pages", fakearm.Fault{Kind: fakearm.Repeat, Path: "privateEndpoints", Page: 2}, 2},
		{"interface on two pages", fakearm.Fault{Kind: fakearm.Repeat, Path: "networkInterfaces", Page: 3}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			arm, src := start(t, fakearm.Config{PageSize: 2}, many(6)...)
			before, err := src.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range tc.times {
				arm.SetFaults(tc.fault)
				if list, err := src.Fetch(t.Context()); err != nil || list != before {
					t.Errorf("Fetch while pages shift = %s, %v; want the list of before", show(list), err)
				}
			}
			arm.SetFaults()
			if list, err := src.Fetch(t.Context()); err != nil || list != before {
				t.Errorf("Fetch afterwards = %s, %v; want the list of before", show(list), err)
			}
		})
	}
}

// The first listing has nothing before it to compare with, so it is read twice.
func TestShiftInTheFirstListing(t *testing.T) {
	arm, src := start(t, fakearm.Config{PageSize: 2}, many(6)...)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Shift, Path: "privateEndpoints", Page: 2, Count: 1})
	if list, err := src.Fetch(t.Context()); err != nil || strings.Count(show(list), "acct") != 6 || len(list.Skipped) > 0 {
		t.Errorf("Fetch = %s, %v; want all", show(list), err)
	}
}

// A resource that one listing lacks is served, until the second one in a row lacks it and
// the resource itself is gone.
func TestDeletedFromALaterPage(t *testing.T) {
	arm, src := start(t, fakearm.Config{PageSize: 2}, many(6)...)
	lists := []*source.List{}
	for i := range 5 {
		if i == 1 {
			arm.Update(func(e fakearm.Estate) { e[subscription] = slices.Delete(e[subscription], 3, 4) })
		}
		list, err := src.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, list)
	}
	if lists[1] != lists[0] || lists[2] == lists[1] || lists[3] != lists[2] || lists[4] != lists[2] || strings.Count(show(lists[2]), "acct") != 5 {
		t.Errorf("lists = %p; want the first one twice, then one of 5 names", lists)
	}
	if got := show(lists[2]); strings.Contains(got, "acct3.") {
		t.Errorf("list = %s; want no name of the deleted endpoint", got)
	}
}

// An endpoint that is rejected while it is missed, and then missed again, is
// read by itself.
func TestConfirmedResourceIsNew(t *testing.T) {
	arm, src := start(t, fakearm.Config{PageSize: 2}, many(6)...)
	if _, err := src.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Shift, Path: "privateEndpoints", Page: 2})
	arm.Update(func(e fakearm.Estate) { e[subscription][2].Status = "Rejected" })
	if list, err := src.Fetch(t.Context()); err != nil || strings.Count(show(list), "acct") != 6 {
		t.Errorf("Fetch = %s, %v; want the endpoint of before", show(list), err)
	}
	if list, err := src.Fetch(t.Context()); err != nil || !strings.HasSuffix(show(list), "; -pe-2 not_approved") {
		t.Errorf("Fetch = %s, %v; want the endpoint not approved", show(list), err)
	}
}

// While ARM does not answer for the resource itself, it stays.
func TestNotConfirmed(t *testing.T) {
	for _, tc := range []struct {
		kind fakearm.Kind
		want int // names
	}{{fakearm.Unavailable, 6}, {fakearm.Throttled, 6}, {fakearm.Reset, 6}, {fakearm.NotFound, 5}, {fakearm.Forbidden, 5}, {fakearm.HTML, 5}} {
		arm, src := start(t, fakearm.Config{PageSize: 2}, many(6)...)
		fetch := func() (list *source.List) {
			for range 3 {
				var err error
				if list, err = src.Fetch(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			return list
		}
		fetch()
		arm.Update(func(e fakearm.Estate) { e[subscription] = slices.Delete(e[subscription], 3, 4) })
		arm.SetFaults(fakearm.Fault{Kind: tc.kind, Path: "privateEndpoints/pe-3"}, fakearm.Fault{Kind: tc.kind, Path: "networkInterfaces/pe-3"})
		if got := strings.Count(show(fetch()), "acct"); got != tc.want {
			t.Errorf("%s: %d names; want %d", tc.kind, got, tc.want)
		}
		arm.SetFaults()
		if got := strings.Count(show(fetch()), "acct"); got != 5 {
			t.Errorf("after %s: %d names; want 5", tc.kind, got)
		}
	}
}

// An endpoint that exists all the time is never lost, however the listing shifts
// while it is read. Endpoints that are deleted go.
func TestRandomShifts(t *testing.T) {
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 12))
		permanent := many(9)
		arm, src := start(t, fakearm.Config{PageSize: 1 + random.IntN(4)}, permanent...)
		var mu sync.Mutex
		others, busy := 0, false
		client := arm.Client()
		src.Options.Transport = transporter(func(r *http.Request) (*http.Response, error) {
			response, err := client.Do(r)
			mu.Lock()
			defer mu.Unlock()
			if busy && random.IntN(2) == 0 {
				arm.Update(func(e fakearm.Estate) { e[subscription] = shuffled(random, e[subscription], &others) })
			}
			return response, err
		})
		check := func() (list *source.List) {
			list, err := src.Fetch(t.Context())
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			text := show(list)
			for i := range permanent {
				if !strings.Contains(text, fmt.Sprintf("acct%d.blob.core.windows.net 1", i)) {
					t.Fatalf("seed %d: acct%d is lost: %s", seed, i, text)
				}
			}
			return list
		}
		check()
		for busy = true; others < 30; {
			check()
		}
		busy = false
		arm.SetEstate(fakearm.Estate{subscription: permanent})
		check()
		check()
		if last := check(); len(last.Skipped) > 0 || strings.Contains(show(last), "other") || last != check() {
			t.Errorf("seed %d: in the end %s; want the permanent endpoints only, and the same list", seed, show(last))
		}
	}
}

// shuffled inserts or deletes an endpoint that is not permanent, anywhere.
func shuffled(random *rand.Rand, all []fakearm.Endpoint, others *int) []fakearm.Endpoint {
	all = slices.Clone(all)
	at := random.IntN(len(all) + 1)
	if random.IntN(2) == 0 {
		*others++
		name := fmt.Sprintf("other-%d", *others)
		return slices.Insert(all, at, endpoint(name, name+".queue.core.windows.net"))
	}
	for i := range all {
		if at := (at + i) % len(all); strings.HasPrefix(all[at].Name, "other-") {
			return slices.Delete(all, at, at+1)
		}
	}
	return all
}

// Half a listing that looks whole costs the sync, and no name.
func TestHalfListings(t *testing.T) {
	body := func(text string) fakearm.Fault { return fakearm.Fault{Kind: fakearm.Body, Value: []byte(text)} }
	link := func(text string) fakearm.Fault { return fakearm.Fault{Kind: fakearm.Link, Value: []byte(text)} }
	for i, fault := range []fakearm.Fault{
		link(`7`), link(`true`), link(`{"href": "x"}`), link(`["x"]`), link(`"/relative"`), link(`"https://"`), link(`"%zz"`),
		body(``), body(`{}`), body(`[]`), body(`null`), body(`{"value": null}`), body(`{"value": {}}`), body(`{"value": []} {}`), body(`{"value": []}x`),
		body(`{"data": []}`), body(`{"value": [], "data": []}`), body(`{"value": [], "value": []}`), body(`{"value": [], "Value": []}`),
		body(`{"value": [], "@odata.nextLink": "https://x.example"}`), body(`{"value": [], "nextLink": null, "nextLink": "x"}`),
		body(`{"error": {"code": "InternalServerError"}}`), body(`{"value": [], "error": {"code": "InternalServerError"}}`),
		body(`{"value": [null]}`), body(`{"value": [{}]}`), body(`{"value": [[]]}`), body(`{"value": [{"value": []}]}`), body(`<html></html>`),
	} {
		arm, src := start(t, fakearm.Config{PageSize: 2}, many(4)...)
		before := readOften(t, src)
		fault.Path, fault.Page = []string{"privateEndpoints", "networkInterfaces"}[i%2], 1+i/2%2
		arm.SetFaults(fault)
		if list, err := src.Fetch(t.Context()); err == nil || list != before {
			t.Errorf("%s with %s %s on page %d = %s, %v; want the list of before and an error", fault.Path, fault.Kind, fault.Value, fault.Page, show(list), err)
		}
		arm.SetFaults()
		if list, err := src.Fetch(t.Context()); err != nil || list != before {
			t.Errorf("%s after %s %s = %s, %v; want the list of before", fault.Path, fault.Kind, fault.Value, show(list), err)
		}
	}
}

// A small body that is large after decompression costs little memory.
func TestBodyLimit(t *testing.T) {
	for _, kind := range []fakearm.Kind{fakearm.Bomb, fakearm.ErrBomb} {
		arm, src := start(t, fakearm.Config{}, many(1)...)
		arm.SetFaults(fakearm.Fault{Kind: kind, Path: "privateEndpoints"})
		var before, after runtime.MemStats
		_, _ = src.Fetch(t.Context()) // packs the bomb
		runtime.ReadMemStats(&before)
		_, err := src.Fetch(t.Context())
		runtime.ReadMemStats(&after)
		if n := (after.TotalAlloc - before.TotalAlloc) >> 20; err == nil || n > 250 {
			t.Errorf("%s: %v, %d MiB allocated; want an error, and at most 250", kind, err, n)
		}
	}
}

// A body of just the limit is read. Of an error only the start is.
func TestBounded(t *testing.T) {
	for _, tc := range []struct {
		status, size, want int
		fails              bool
	}{
		{http.StatusOK, maxBody, maxBody, false},
		{http.StatusOK, maxBody + 1, maxBody, true},
		{http.StatusInternalServerError, maxErrorBody + 1, maxErrorBody, false},
		{http.StatusFound, maxErrorBody + 1, maxErrorBody, false},
	} {
		response := &http.Response{StatusCode: tc.status, Body: io.NopCloser(strings.NewReader(strings.Repeat(" ", tc.size)))}
		body, err := io.ReadAll(bounded(response))
		if len(body) > tc.want || !tc.fails && len(body) < tc.want || (err != nil) != tc.fails {
			t.Errorf("body of %d bytes with status %d = %d bytes, %v; want %d, an error %v", tc.size, tc.status, len(body), err, tc.want, tc.fails)
		}
	}
}

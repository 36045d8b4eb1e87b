package azure

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// Resource Graph lags: an endpoint that it lacks is served until Azure Resource Manager
// answers that it does not exist.
func TestGraphLacksEndpoints(t *testing.T) {
	const all = "arg1 arg2 brg1 crg2"
	without := func(e fakearm.Estate) { e[subA] = one("a", "rg2") }
	for _, tc := range []struct {
		name  string
		arm   bool // the endpoint is deleted
		fault fakearm.Fault
		lists []string
		err   string
	}{
		{"deleted", true, fakearm.Fault{}, []string{all, "arg2 brg1 crg2", "arg2 brg1 crg2"}, ""},
		{"not in Resource Graph, and not deleted", false, fakearm.Fault{}, []string{all, all, all, all}, ""},
		{"its resource group cannot be read", true, fakearm.Fault{Kind: fakearm.Forbidden, Path: "/rg1/"}, []string{all, all, all}, "their names stay: ARM answers 403 AuthorizationFailed"},
		{"ARM is busy", true, fakearm.Fault{Kind: fakearm.Throttled, Path: "/rg1/"}, []string{all, all, all}, "their names stay: ARM answers 429 RetryableError"},
		{"a proxy answers in place of ARM", true, fakearm.Fault{Kind: fakearm.HTML, Path: "/rg1/"}, []string{all, all, all}, "their names stay: line 1: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			arm, src := tenant(t, fakearm.Config{}, Scope{})
			before, err := src.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			graph := fakearm.Estate{subA: one("a", "rg2"), subB: one("b", "rg1"), subC: one("c", "rg2")}
			arm.SetGraph(graph)
			if tc.arm {
				arm.Update(without)
			}
			if tc.fault.Kind != "" {
				arm.SetFaults(tc.fault)
			}
			for i, want := range tc.lists {
				list, err := src.Fetch(t.Context())
				if names(list) != want || !list.Complete || want == all && list != before {
					t.Errorf("fetch %d = %s, %v; want %s", i+1, show(list), err, want)
				}
				if i > 0 && (err == nil && tc.err != "" || err != nil && (tc.err == "" || !strings.Contains(err.Error(), tc.err))) {
					t.Errorf("fetch %d error = %v; want %s", i+1, err, tc.err)
				}
			}
			asked := 0
			for _, r := range arm.Requests() {
				if strings.HasSuffix(r.Path, "/privateEndpoints/pe-a-rg1") {
					asked++
				}
			}
			if tc.fault.Kind == "" && asked != 1 {
				t.Errorf("the endpoint is asked for %d times; want once", asked)
			}
		})
	}
}

// A resource that exists is in its present state, although Resource Graph lacks it.
func TestGraphLacksARejectedEndpoint(t *testing.T) {
	arm, src := tenant(t, fakearm.Config{}, Scope{})
	if _, err := src.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	arm.SetGraph(fakearm.Estate{subA: one("a", "rg2"), subB: one("b", "rg1"), subC: one("c", "rg2")})
	arm.Update(func(e fakearm.Estate) { e[subA][0].Status = "Rejected" })
	for range 2 {
		if _, err := src.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := src.Fetch(t.Context()); err != nil || names(list) != "arg2 brg1 crg2" || !strings.HasSuffix(show(list), "; -pe-a-rg1 not_approved") {
		t.Errorf("Fetch = %s, %v; want the endpoint not approved", show(list), err)
	}
}

// An endpoint whose names are in a zone group only is read from ARM.
func TestGraphZoneGroups(t *testing.T) {
	hiddenA := hidden("pe-a")
	arm, src := tenant(t, fakearm.Config{Estate: fakearm.Estate{subA: {hiddenA, endpoint("pe-b", "b.blob.core.windows.net")}}}, Scope{})
	for range 3 {
		if list, err := src.Fetch(t.Context()); err != nil || show(list) != "b.blob.core.windows.net 1; pe-a.privatelink.blob.core.windows.net 1" {
			t.Errorf("Fetch = %s, %v", show(list), err)
		}
	}
	if n := arm.Reads()["zone_groups"]; n != 1 {
		t.Errorf("%d zone groups read; want one, until the endpoint changes or its turn comes", n)
	}
}

// The interface of a new endpoint that Resource Graph has before the endpoint is no finding.
func TestGraphHasTheInterfaceFirst(t *testing.T) {
	arm, src := tenant(t, fakearm.Config{}, Scope{})
	page := []byte(`{"totalRecords": 1, "count": 1, "resultTruncated": "false", "data": [` + row("pe-x") + `]}`)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Body, Path: "ResourceGraph", Count: 1, Value: page})
	list, err := src.Fetch(t.Context())
	if err != nil || len(list.Skipped) > 0 && list.Skipped[0].Reason == source.NotApproved {
		t.Errorf("Fetch = %s, %v; want no finding", show(list), err)
	}
}

// row is a row of an endpoint of subscription subA.
func row(name string) string { return strings.ReplaceAll(resource(name), subscription, subA) }

// Half a listing that looks whole costs the sync, and no name.
func TestHalfGraphListings(t *testing.T) {
	body := func(text string) fakearm.Fault { return fakearm.Fault{Kind: fakearm.Body, Value: []byte(text)} }
	page := func(total, count int, rows ...string) fakearm.Fault {
		return body(fmt.Sprintf(`{"totalRecords": %d, "count": %d, "resultTruncated": "false", "data": [%s]}`, total, count, strings.Join(rows, ",")))
	}
	for i, tc := range []struct {
		fault fakearm.Fault
		want  string
	}{
		{fakearm.Fault{Kind: fakearm.Short}, "page 1: 0 of 1 rows arrived: half a listing is no listing, the next sync asks again"},
		{fakearm.Fault{Kind: fakearm.Cut}, "page 1: the rows are truncated, and the page has no token for the next one"},
		{page(2, 1, row("pe-x")), "1 of 2 rows arrived: half a listing is no listing, the next sync asks again"},
		{page(2, 2, row("pe-x"), row("pe-x")), "1 of 2 rows arrived: half a listing is no listing, the next sync asks again"},
		{page(1, 1, `{"id": "/subscriptions/x", "type": "y"}`), "page 1: row 1 (/subscriptions/x) has no properties"},
		{page(1, 1, `{"id": "/subscriptions/x", "type": "microsoft.network/privateendpoints", "properties": null}`), "page 1: row 1 (/subscriptions/x) has no properties"},
		{page(1, 1, `{"properties": {}}`), "page 1: row 1 is not a resource"},
		{page(1, 1, `null`), "page 1: row 1 is not a resource"},
		{body(`{"totalRecords": 0, "count": 0, "data": null}`), "page 1: not a page of rows: it lacks data, count or totalRecords"},
		{body(`{"totalRecords": 0, "count": 0, "data": {"columns": [], "rows": []}}`), "page 1: not a page of rows: it lacks data, count or totalRecords"},
		{body(`{"count": 0, "data": []}`), "page 1: not a page of rows: it lacks data, count or totalRecords"},
		{body(`{"totalRecords": 0, "data": []}`), "page 1: not a page of rows: it lacks data, count or totalRecords"},
		{body(`{"value": []}`), "page 1: not a page of rows: it lacks data, count or totalRecords"},
		{body(`{"totalRecords": 0, "count": 0, "data": [], "error": {"code": "x"}}`), `page 1: an error beside the rows: "{\"code\": \"x\"}"`},
		{body(`{"totalRecords": 2, "count": 1, "data": [` + row("pe-x") + `], "$skipToken": "x"}`), "page 3: the listing does not end"},
		{body(`[]`), "page 1: not a page of rows: "},
		{body(``), "page 1: not a page of rows: "},
		{fakearm.Fault{Kind: fakearm.Garbage}, "page 1: not a page of rows: "},
		{fakearm.Fault{Kind: fakearm.Truncated}, "page 1: unexpected EOF"},
		{fakearm.Fault{Kind: fakearm.Bomb}, "page 1: a response of more than 32 MiB"},
	} {
		t.Run(fmt.Sprintf("%d %s", i, tc.want), func(t *testing.T) {
			arm, src := tenant(t, fakearm.Config{GraphPageSize: 1}, Scope{})
			before, err := src.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tc.fault.Path = "ResourceGraph"
			if strings.HasPrefix(tc.want, "page 1") && tc.fault.Kind != fakearm.Body {
				tc.fault.Page = 1
			}
			arm.SetFaults(tc.fault)
			want := "query Resource Graph for privateEndpoints: " + tc.want
			if list, err := src.Fetch(t.Context()); list != nil && list != before || err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("Fetch = %s, %v;\nwant %s", show(list), err, tc.want)
			}
			arm.SetFaults()
			if list, err := src.Fetch(t.Context()); err != nil || list != before {
				t.Errorf("Fetch after the fault = %s, %v; want the list of before", show(list), err)
			}
		})
	}
}

// If one of the two queries fails, the other one is up to date.
func TestOneQueryFails(t *testing.T) {
	arm, src := tenant(t, fakearm.Config{}, Scope{})
	var failing string
	client := arm.Client()
	src.Options.Transport = transporter(func(r *http.Request) (*http.Response, error) {
		if failing != "" && r.Method == http.MethodPost {
			text := readAll(r.Body)
			if r.Body = io.NopCloser(strings.NewReader(text)); strings.Contains(text, failing) {
				return nil, permanentError{errors.New("lost")}
			}
		}
		return client.Do(r)
	})
	if _, err := src.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	failing = networkInterfaces
	arm.Update(func(e fakearm.Estate) { e[subB] = one("b", "rg1", "rg2"); e[subA] = nil })
	for range 3 {
		list, err := src.Fetch(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "query Resource Graph for networkInterfaces: page 1: ") || names(list) != "arg1 arg2 brg1 brg2 crg2" {
			t.Errorf("Fetch = %s, %v; want the new endpoint, and no loss", show(list), err)
		}
	}
	failing = ""
	for i, want := range []string{"arg1 arg2 brg1 brg2 crg2", "brg1 brg2 crg2"} {
		if list, err := src.Fetch(t.Context()); err != nil || i == 1 && names(list) != want {
			t.Errorf("Fetch = %s, %v; want %s", show(list), err, want)
		}
	}
}

// However Resource Graph flaps, an endpoint that exists is never lost, and one that was
// deleted goes.
func TestRandomGraph(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 17))
			estate := fakearm.Estate{subA: many(12), subB: one("b", "rg1", "rg2"), subC: one("c", "rg2")}
			arm, err := fakearm.Start(fakearm.Config{Estate: estate, GraphPageSize: 1 + random.IntN(5)})
			if err != nil {
				t.Fatal(err)
			}
			arm.Close()
			src := inProcess(t, arm, Scope{})
			first, err := src.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range 40 {
				graph := fakearm.Estate{}
				for id, all := range estate {
					graph[id] = slices.DeleteFunc(slices.Clone(all), func(fakearm.Endpoint) bool { return random.IntN(3) == 0 })
				}
				arm.SetGraph(graph)
				arm.SetFaults()
				if random.IntN(4) == 0 {
					kinds := []fakearm.Kind{fakearm.Short, fakearm.Broken, fakearm.Forbidden, fakearm.Garbage}
					arm.SetFaults(fakearm.Fault{Kind: kinds[random.IntN(len(kinds))], Path: []string{"ResourceGraph", "/subscriptions/", "/subscriptions"}[random.IntN(3)]})
				}
				if list, err := src.Fetch(t.Context()); list != nil && (names(list) != names(first) || !list.Complete) {
					t.Fatalf("seed %d: Fetch = %s, %v; want %s", seed, show(list), err, names(first))
				}
				time.Sleep(time.Minute)
			}
			arm.SetFaults()
			arm.SetGraph(nil)
			arm.SetEstate(fakearm.Estate{subA: many(3), subB: nil})
			for range 20 {
				_, _ = src.Fetch(t.Context())
				time.Sleep(time.Minute)
			}
			if list, err := src.Fetch(t.Context()); err != nil || names(list) != "acct0 acct1 acct2" || len(list.Skipped) > 0 {
				t.Errorf("seed %d: in the end %s, %v", seed, show(list), err)
			}
		})
	}
}

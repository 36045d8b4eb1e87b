package azure

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// Before a further page, a sync waits until the quota of queries is reset.
func TestQuota(t *testing.T) {
	for _, tc := range []struct {
		left, after string
		wait        time.Duration
		pause       time.Duration
	}{
		{"14", "00:00:05", 0, 0},
		{"0", "00:00:03", 3 * time.Second, 0},
		{"0", "00:00:00", 0, 0},
		{"0", "", 0, 0},
		{"", "00:00:05", 0, 0},
		{"0", "00:01:00", 0, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			var q quota
			h := http.Header{}
			h.Set("x-ms-user-quota-remaining", tc.left)
			h.Set(resetsAfter, tc.after)
			q.note(h)
			begin := time.Now()
			err := q.wait(t.Context())
			if busy, ok := err.(*source.RetryAfterError); ok != (tc.pause > 0) || ok && busy.After != tc.pause {
				t.Errorf("%s left, %s: %v; want a pause of %s", tc.left, tc.after, err, tc.pause)
			}
			if took := time.Since(begin); took != tc.wait {
				t.Errorf("%s left, %s: waited %s; want %s", tc.left, tc.after, took, tc.wait)
			}
		})
	}
}

// A tenant whose quota is used up while pages are read is read as a whole, later.
func TestThrottledGraph(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakearm.Estate{subA: many(40)}
		arm, err := fakearm.Start(fakearm.Config{Estate: e, GraphPageSize: 10, GraphQuota: 3})
		if err != nil {
			t.Fatal(err)
		}
		arm.Close() // the listeners would keep time from passing
		src := inProcess(t, arm, Scope{})
		begin := time.Now()
		list, err := src.Fetch(t.Context())
		if err != nil || strings.Count(show(list), "acct") != 40 {
			t.Errorf("Fetch = %d names, %v; want 40", strings.Count(show(list), "acct"), err)
		}
		if took := time.Since(begin); took < 5*time.Second || took > 30*time.Second {
			t.Errorf("Fetch took %s", took)
		}
	})
}

// More subscriptions than a query may name are asked for in several.
func TestManySubscriptions(t *testing.T) {
	e := fakearm.Estate{}
	for i := range graphSubscriptions + 5 {
		e[fmt.Sprintf("%08d-0000-0000-0000-000000000000", i)] = nil
	}
	first, last := "00000000-0000-0000-0000-000000000000", fmt.Sprintf("%08d-0000-0000-0000-000000000000", graphSubscriptions+4)
	e[first], e[last] = one("first", ""), one("last", "")
	arm, src := tenant(t, fakearm.Config{Estate: e, PageSize: 500}, Scope{})
	list, err := src.Fetch(t.Context())
	if err != nil || names(list) != "first last" {
		t.Errorf("Fetch = %s, %v", show(list), err)
	}
	if reads := arm.Reads(); reads["resource_graph"] != 4 || reads["subscriptions"] != 3 {
		t.Errorf("reads = %v; want 2 queries of each type, and 3 pages", reads)
	}
	arm.Update(func(e fakearm.Estate) { e[last] = slices.Concat(e[last], one("new", "")) })
	if list, err := src.Fetch(t.Context()); err != nil || names(list) != "first last new" {
		t.Errorf("Fetch = %s, %v", show(list), err)
	}
}

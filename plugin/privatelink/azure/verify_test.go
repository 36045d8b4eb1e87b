package azure

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// After a restart, a subscription that has fewer names than before is listed through
// Resource Manager, because Resource Graph may lack some.
func TestRestart(t *testing.T) {
	lag := fakearm.Estate{subA: one("a", "rg2"), subB: one("b", "rg1"), subC: nil}
	for _, tc := range []struct {
		name     string
		scope    Scope
		parts    map[string]int
		graph    fakearm.Estate
		loss     func(*fakearm.Server)
		complete bool
		want     string
		listings int
		err      string
	}{
		{"as before", Scope{}, map[string]int{subA: 2, subB: 1, subC: 1}, nil, nil, true, "arg1 arg2 brg1 crg2", 0, ""},
		{"Resource Graph lacks two", Scope{}, map[string]int{subA: 2, subB: 1, subC: 1}, lag, nil, true, "arg1 arg2 brg1 crg2", 4, ""},
		{"of other resource groups", Scope{Groups: []string{"rg1"}}, map[string]int{subA: 2, subB: 1, subC: 0}, lag, nil, true, "arg1 brg1", 2, ""},
		{"no earlier process", Scope{}, nil, lag, nil, true, "arg2 brg1", 0, ""},
		{"excluded now", Scope{Except: []string{subA}}, map[string]int{subA: 2, subB: 1, subC: 1}, nil, nil, true, "brg1 crg2", 0, ""},
		{"deleted since", Scope{}, map[string]int{subA: 2, subB: 1, subC: 1}, nil, func(arm *fakearm.Server) {
			arm.Update(func(e fakearm.Estate) { delete(e, subA) })
		}, true, "brg1 crg2", 0, ""},
		{"the role was lost since", Scope{}, map[string]int{subA: 2, subB: 1, subC: 1}, nil, func(arm *fakearm.Server) {
			arm.UpdateDirectory(func(d *fakearm.Directory) { d.Subscriptions[subA] = fakearm.Subscription{NoRole: true} })
		}, false, "brg1 crg2", 0, "subscription " + subA + " is not listed any more, its names stay: ARM answers 403 "},
		{"its listing fails", Scope{}, map[string]int{subA: 2, subB: 1, subC: 1}, lag, func(arm *fakearm.Server) {
			arm.SetFaults(fakearm.Fault{Kind: fakearm.Broken, Path: subC + "/providers"})
		}, false, "arg1 arg2 brg1", 3, "list /subscriptions/" + subC + "/providers/Microsoft.Network/privateEndpoints: page 1: ARM answers 500 "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			arm, src := tenant(t, fakearm.Config{}, tc.scope)
			arm.SetGraph(tc.graph)
			if tc.loss != nil {
				tc.loss(arm)
			}
			src.Remember(tc.parts)
			list, err := src.Fetch(t.Context())
			if list == nil || names(list) != tc.want || list.Complete != tc.complete {
				t.Errorf("Fetch = %s, %v; want %s, complete %v", show(list), err, tc.want, tc.complete)
			}
			if err == nil && tc.err != "" || err != nil && (tc.err == "" || !strings.HasPrefix(err.Error(), tc.err)) {
				t.Errorf("Fetch error = %v; want %s", err, tc.err)
			}
			if n := listed(arm); n != tc.listings {
				t.Errorf("%d listings through Resource Manager; want %d", n, tc.listings)
			}
			arm.SetFaults()
			for range 3 {
				if list, err = src.Fetch(t.Context()); tc.complete && (err != nil || names(list) != tc.want || !list.Complete) {
					t.Errorf("Fetch again = %s, %v; want %s", show(list), err, tc.want)
				}
			}
			if parts := fmt.Sprint(list.Parts); tc.complete && tc.scope.Except == nil && tc.loss == nil && !strings.Contains(parts, subC) {
				t.Errorf("parts = %s; want all subscriptions", parts)
			}
		})
	}
}

// listed counts the pages of listings that have no fault, and those that have one as one.
func listed(arm *fakearm.Server) (n int) {
	failed := false
	for _, r := range arm.Requests() {
		if r.Page == 0 || strings.Contains(r.Path, "ResourceGraph") {
			continue
		}
		if r.Fault == "" {
			n++
		}
		failed = failed || r.Fault != ""
	}
	if failed {
		n++
	}
	return n
}

// The names of a subscription that disappears pass through the guard: they are served
// until three syncs agree, and as long as only the role is lost.
func TestGuardOfASubscription(t *testing.T) {
	role := func(none bool) func(*fakearm.Server) {
		return func(arm *fakearm.Server) {
			arm.UpdateDirectory(func(d *fakearm.Directory) { d.Subscriptions[subA] = fakearm.Subscription{NoRole: none} })
		}
	}
	for _, tc := range []struct {
		name  string
		loss  func(*fakearm.Server)
		after time.Duration // while the names are served
		gone  time.Duration // when they are not served any more; 0: never
	}{
		{"deleted", func(arm *fakearm.Server) { arm.Update(func(e fakearm.Estate) { delete(e, subA) }) }, 150 * time.Second, 6 * time.Minute},
		{"no role any more", role(true), time.Hour, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				arm, err := fakearm.Start(fakearm.Config{Estate: fakearm.Estate{subA: many(20), subB: one("b", "rg1")}})
				if err != nil {
					t.Fatal(err)
				}
				arm.Close()
				src := inProcess(t, arm, Scope{})
				set := &zone.Set{Cloud: cloud.Public, Zones: []dnsname.Name{"privatelink.blob.core.windows.net."}}
				s := syncer.NewProcess().New(syncer.Config{Block: "test", Zones: set, Sources: []source.Source{src}})
				s.Begin()
				s.Commit()
				defer s.Close()
				time.Sleep(2 * time.Minute)
				served := func() int {
					n := 0
					for i := range 20 {
						if s.Snapshot().Lookup(fmt.Sprintf("acct%d.privatelink.blob.core.windows.net.", i)).Result == zone.Success {
							n++
						}
					}
					return n
				}
				tc.loss(arm)
				time.Sleep(tc.after)
				if n := served(); n != 20 {
					t.Errorf("%d names are served after %s; want all", n, tc.after)
				}
				if tc.gone == 0 {
					role(false)(arm)
					return
				}
				time.Sleep(tc.gone - tc.after)
				if n := served(); n != 0 {
					t.Errorf("%d names are served after %s; want none", n, tc.gone)
				}
			})
		})
	}
}

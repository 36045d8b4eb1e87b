package azure

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// A name that Azure Backup adds to a vault's endpoint is in the list of the first sync
// that a query triggers, although Resource Graph lags.
func TestNewNameOfAVault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arm, err := fakearm.Start(fakearm.Config{Estate: fakearm.Estate{subA: many(30), subB: one("b", "rg1")}})
		if err != nil {
			t.Fatal(err)
		}
		arm.Close()
		src := inProcess(t, arm, Scope{})
		src.Interval = time.Hour
		fetch := func(after time.Duration) string {
			t.Helper()
			time.Sleep(after)
			list, err := src.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return names(list)
		}
		fetch(0)
		arm.FreezeGraph(true)
		for i := range 3 {
			time.Sleep(20 * time.Minute)
			arm.Update(func(e fakearm.Estate) {
				e[subA][i].Names = append(slices.Clone(e[subA][i].Names), fakearm.Name{FQDN: fmt.Sprintf("new%d.blob.core.windows.net", i), IP: "10.20.9.9"})
			})
			if got := fetch(0); !strings.Contains(got, fmt.Sprint("new", i)) {
				t.Errorf("names = %s; want new%d at once", got, i)
			}
		}
		before := fetch(time.Second)
		arm.FreezeGraph(false)
		if got := fetch(time.Hour); got != before {
			t.Errorf("names = %s; want %s when Resource Graph has them", got, before)
		}
		arm.Update(func(e fakearm.Estate) { e[subA][0].Names = e[subA][0].Names[:1] })
		if got := fetch(time.Hour); strings.Contains(got, "new0") {
			t.Errorf("names = %s; want no name that Azure has not any more", got)
		}
	})
}

// However many syncs are triggered, the reads of an hour have a limit.
func TestDirectReadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arm, err := fakearm.Start(fakearm.Config{Estate: fakearm.Estate{subA: many(100)}})
		if err != nil {
			t.Fatal(err)
		}
		arm.Close()
		src := inProcess(t, arm, Scope{})
		for range 120 {
			if _, err := src.Fetch(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		if n := arm.Reads()["resource"]; n > 200/3+1+directMost || n < 200/3 {
			t.Errorf("%d reads in 20 minutes; want a third of 200, and %d that were saved", n, directMost)
		}
	})
}

// A resource that cannot be read by its ID is left to Resource Graph.
func TestDirectReadFails(t *testing.T) {
	for _, kind := range []fakearm.Kind{fakearm.Forbidden, fakearm.NotFound, fakearm.Garbage, fakearm.HTML, fakearm.Broken} {
		arm, src := tenant(t, fakearm.Config{}, Scope{})
		before, err := src.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		arm.SetFaults(fakearm.Fault{Kind: kind, Path: "/networkInterfaces/"})
		for range 3 {
			if list, err := src.Fetch(t.Context()); err != nil || list != before {
				t.Errorf("%s: Fetch = %s, %v; want the list of before", kind, show(list), err)
			}
		}
	}
}

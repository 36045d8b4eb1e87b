package azure

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// A name that Azure Backup adds to a vault's endpoint is in the list of the first sync
// that a query triggers, although Resource Graph lags. With 30 vaults, all are read.
func TestNewNameOfAVault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arm, err := fakearm.Start(fakearm.Config{Estate: fakearm.Estate{subA: many(29), subB: one("b", "rg1")}})
		if err != nil {
			t.Fatal(err)
		}
		arm.Close()
		src := inProcess(t, arm, Scope{})
		src.Interval = time.Hour
		wanted := []string{"abcdepod01ecs1.privatelink.blob.core.windows.net."}
		fetch := func(after time.Duration) string {
			t.Helper()
			time.Sleep(after)
			list, err := src.Fetch(source.WithWanted(t.Context(), wanted))
			if err != nil {
				t.Fatal(err)
			}
			return names(list)
		}
		fetch(0)
		flood(t, src)
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

// flood triggers syncs by queries for names that are not of Azure Backup.
func flood(t *testing.T, src *Source) {
	for range 60 {
		time.Sleep(time.Second)
		if _, err := src.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// The vaults that most likely have a wanted name come first.
func TestVaultsOfAWantedName(t *testing.T) {
	vault := func(id string, names ...string) privateendpoint.Endpoint {
		e := privateendpoint.Endpoint{ID: id, Resource: id, Connected: true, Status: "Approved", Target: "/s/providers/Microsoft.RecoveryServices/vaults/" + id}
		for _, name := range names {
			e.DNS = append(e.DNS, privateendpoint.DNSConfig{FQDN: name})
		}
		return e
	}
	const ofB, account = "2222-ab-pod01-rec2.privatelink.we.backup.windowsazure.com.", "apod01ecs1.privatelink.blob.core.windows.net."
	src := &Source{listings: []*listing{{resources: []privateendpoint.Endpoint{
		vault("a", "1111-ab-pod01-id1.we.backup.windowsazure.com", "xpod01ecs1.blob.core.windows.net"),
		vault("b", "2222-AB-pod01-id1.we.backup.windowsazure.com", "ypod01ecs1.blob.core.windows.net"),
		vault("c", "3333-ab-pod01-id1.we.backup.windowsazure.com", "zpod01ecs1.blob.core.windows.net"),
		vault("new", "4444-ab-pod01-id1.we.backup.windowsazure.com"),
	}}, {}}}
	at := func(minutes int) time.Time { return time.Unix(int64(60*minutes), 0) }
	src.directs = map[string]direct{"a": {asked: at(3)}, "b": {asked: at(2)}, "c": {asked: at(4), changed: at(1)}, "new": {asked: at(1)}}
	for _, tc := range []struct {
		name   string
		wanted []string
		want   string
		likely int
	}{
		{"a name of a vault", []string{ofB}, "b new c a", 3},
		{"an account", []string{account}, "new c b a", 2},
		{"at its time", nil, "new b a c", 2},
	} {
		var got []string
		all, likely := src.vaults(tc.wanted, at(5))
		for _, r := range all {
			got = append(got, r.ID)
		}
		if strings.Join(got, " ") != tc.want || likely != tc.likely {
			t.Errorf("%s: %s, %d of them likely; want %s and %d", tc.name, got, likely, tc.want, tc.likely)
		}
	}
}

// Each of several names that are created one after the other finds reads left.
func TestDirectReadsOfSeveralNames(t *testing.T) {
	src, now := &Source{listings: []*listing{{}, {}}}, time.Now()
	for i := range 50 {
		id := fmt.Sprintf("pe-%d", i)
		src.listings[0].resources = append(src.listings[0].resources, privateendpoint.Endpoint{
			ID: id, Resource: id, Status: "Approved", Target: "/subscriptions/s/providers/Microsoft.RecoveryServices/vaults/v",
		})
	}
	for i := range 5 {
		if n := len(src.nextDirect(now, []string{"abcdepod01ecs1.privatelink.blob.core.windows.net."})); n == 0 || n > directMost/2 {
			t.Errorf("sync %d reads %d vaults; want one at least, and %d at most", i+1, n, directMost/2)
		}
	}
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
			if _, err := src.Fetch(source.WithWanted(t.Context(), []string{"abcdepod01ecs1.privatelink.blob.core.windows.net."})); err != nil {
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

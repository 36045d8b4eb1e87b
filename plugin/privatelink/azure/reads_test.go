package azure

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
)

// landingZone returns subscriptions with endpoints that have names, and the first of
// them with endpoints that have none: those of private link services.
func landingZone(subscriptions, endpoints, nameless int) fakearm.Estate {
	e := fakearm.LandingZone(subscriptions, endpoints/subscriptions)
	for i := range nameless {
		e[subscription] = append(e[subscription], endpoint(fmt.Sprintf("pe-atlas-%d", i)))
	}
	return e
}

// The README has how many requests an hour costs. Azure counts the same number, and so
// does the metric. The landing zone has a tenth of the README's endpoints with names, and as
// many pages, because rows cost no request.
func TestReadsOfAnHour(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name         string
		scope        Scope
		e            fakearm.Estate
		rows         int    // on a page
		first, later int    // requests of the first hour and of any later one, at most
		readme       string // the row of its table
	}{
		{"subscription", Scope{Subscription: subscription}, landingZone(1, 10, 0), 0, 120, 120, "| `azure SUBSCRIPTION`, 100 endpoints | 120 | 120 |"},
		{"subscription, endpoints without names", Scope{Subscription: subscription}, landingZone(1, 10, 150), 0, 390, 240,
			"| `azure SUBSCRIPTION`, 100 endpoints and 150 without names | 390 | 240 |"},
		{"all", Scope{}, landingZone(20, 200, 0), 100, 420, 420, "| `azure *`, 200 subscriptions, 2,000 endpoints | 420 | 420 |"},
		{"all, endpoints without names", Scope{}, landingZone(20, 200, 300), 200, 960, 660,
			"| `azure *`, 200 subscriptions, 2,000 endpoints and 300 without names | 960 | 660 |"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				arm, err := fakearm.Start(fakearm.Config{Estate: tc.e, PageSize: 1000, GraphPageSize: tc.rows})
				if err != nil {
					t.Fatal(err)
				}
				arm.Close()
				src := inProcess(t, arm, tc.scope)
				metrics.Forget(src.name()) // an earlier test may have counted for it
				defer metrics.Forget(src.name())
				got := [2]int{}
				for hour := range got {
					before := reads(arm)
					for range int(time.Hour / src.Config().Interval) {
						if _, err := src.Fetch(t.Context()); err != nil {
							t.Fatal(err)
						}
						time.Sleep(src.Config().Interval)
					}
					got[hour] = reads(arm) - before
				}
				if got[0] > tc.first || got[0] < tc.first*95/100 || got[1] > tc.later || got[1] < tc.later*95/100 {
					t.Errorf("%v requests, by kind %v; want %d in the first hour and %d in a later one", got, arm.Reads(), tc.first, tc.later)
				}
				for kind, n := range arm.Reads() {
					if counted := testutil.ToFloat64(metrics.AzureReads.WithLabelValues(src.name(), kind)); counted != float64(n) {
						t.Errorf("the metric of %s is %v; Azure has counted %d", kind, counted, n)
					}
				}
				if !strings.Contains(string(readme), tc.readme) {
					t.Errorf("%v requests; the README lacks %q", got, tc.readme)
				}
			})
		})
	}
}

// A sync of a whole landing zone takes a few requests, and less than 10 s if an answer
// takes a second, the first one with endpoints without names if it takes a tenth. A
// later one waits for the pages of one query after the other, and for nothing else.
func TestLandingZone(t *testing.T) {
	for _, tc := range []struct {
		e     fakearm.Estate
		rows  int // on a page
		delay time.Duration
		names int
		pages int // of a query
		reads string
	}{
		{landingZone(200, 2000, 0), 0, time.Second, 2000, 2, "map[resource:2 resource_graph:8 subscriptions:2]"},
		{landingZone(20, 200, 300), 200, time.Second / 10, 200, 3, "map[resource:2 resource_graph:12 subscriptions:2 zone_groups:300]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			arm, err := fakearm.Start(fakearm.Config{Estate: tc.e, PageSize: 1000, GraphPageSize: tc.rows, Delay: tc.delay})
			if err != nil {
				t.Fatal(err)
			}
			arm.Close()
			src := inProcess(t, arm, Scope{})
			for i := range 2 {
				begin := time.Now()
				list, err := src.Fetch(t.Context())
				if n := len(strings.Fields(names(list))); err != nil || n != tc.names || !list.Complete {
					t.Errorf("Fetch = %d names, %v; want %d", n, err, tc.names)
				}
				took, most := time.Since(begin), []time.Duration{10 * time.Second, time.Duration(tc.pages) * tc.delay}[i]
				if took > most {
					t.Errorf("Fetch took %s; want %s at most", took, most)
				}
				time.Sleep(src.Config().Interval)
			}
			if got := fmt.Sprint(arm.Reads()); got != tc.reads {
				t.Errorf("reads = %s; want %s", got, tc.reads)
			}
		})
	}
}

func reads(arm *fakearm.Server) (n int) {
	for _, of := range arm.Reads() {
		n += of
	}
	return n
}

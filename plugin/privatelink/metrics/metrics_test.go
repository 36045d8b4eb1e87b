package metrics

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// touch creates a series of every metric.
func touch() {
	AnswersOf("privatelink.blob.core.windows.net").Count(Splice, NoData)
	Records.WithLabelValues("src").Set(1)
	LastSuccess.WithLabelValues("src").Set(1)
	Failures.WithLabelValues("src").Inc()
	Skipped.WithLabelValues("src", "not_approved").Set(1)
	Conflicts.WithLabelValues("src").Set(1)
	HeldBack.WithLabelValues("src").Set(1)
	Unread.WithLabelValues("src").Set(1)
	Refresh.WithLabelValues("src").Set(60)
	OnDemand.WithLabelValues("found").Inc()
	Lacking(0, 0).Inc()
	OnDemandSyncs.WithLabelValues("src").Inc()
	Serial.WithLabelValues("privatelink.blob.core.windows.net").Set(1)
}

func TestLint(t *testing.T) {
	touch()
	problems, err := testutil.GatherAndLint(prometheus.DefaultGatherer)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "coredns_privatelink_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// The README of the plugin documents every metric with its labels.
func TestDocumented(t *testing.T) {
	touch()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	documented := 0
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "coredns_privatelink_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		want := "`" + f.GetName() + "{" + strings.Join(labels, ", ") + "}`"
		if want = strings.Replace(want, "{}", "", 1); !strings.Contains(string(readme), want) {
			t.Errorf("the README lacks %s", want)
		}
		documented++
	}
	if documented != 16 {
		t.Errorf("%d metrics; want 16", documented)
	}
}

func TestAnswersOfOneZoneAreShared(t *testing.T) {
	counted := func() float64 {
		return testutil.ToFloat64(answers.WithLabelValues("privatelink.a.example", "direct", "success"))
	}
	before := counted()
	for range 2 {
		AnswersOf("privatelink.a.example").Count(Direct, Success)
	}
	if got := counted() - before; got != 2 {
		t.Errorf("%v answers counted; want 2", got)
	}
}

func TestAnswersOfDoesNotAllocate(t *testing.T) {
	zone := strings.Repeat("privatelink.", 2) + "example"
	AnswersOf(zone)
	if n := testing.AllocsPerRun(100, func() { AnswersOf(zone).Count(Direct, Success) }); n != 0 {
		t.Errorf("%v allocations; want 0", n)
	}
}

// Zones appear while queries are counted.
func TestAnswersOfConcurrently(t *testing.T) {
	const zones, goroutines = 20, 4
	counted := func() (sum float64) {
		for i := range zones {
			sum += testutil.ToFloat64(answers.WithLabelValues(fmt.Sprintf("privatelink.%d.example", i), "alias", "nodata"))
		}
		return sum
	}
	before := counted()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range zones {
				AnswersOf(fmt.Sprintf("privatelink.%d.example", i)).Count(Alias, NoData)
			}
		})
	}
	wg.Wait()
	if got := counted() - before; got != zones*goroutines {
		t.Errorf("%v answers counted; want %d", got, zones*goroutines)
	}
}

func TestForget(t *testing.T) {
	touch()
	Forget("src")
	for name, vec := range map[string]prometheus.Collector{
		"records": Records, "last success": LastSuccess, "failures": Failures, "skipped": Skipped,
		"conflicts": Conflicts, "held back": HeldBack, "unread": Unread, "refresh": Refresh,
	} {
		if n := testutil.CollectAndCount(vec); n != 0 {
			t.Errorf("%s: %d series left", name, n)
		}
	}
}

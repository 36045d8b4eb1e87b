package lru

import (
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// The metrics have conventional names and are documented in the README.
func TestMetrics(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(prometheus.DefaultGatherer)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "coredns_lru_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	documented := 0
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "coredns_lru_") {
			continue
		}
		if documented++; !strings.Contains(string(readme), "`"+f.GetName()) {
			t.Errorf("the README lacks %s", f.GetName())
		}
	}
	if documented != 9 {
		t.Errorf("%d metrics; want 9", documented)
	}
}

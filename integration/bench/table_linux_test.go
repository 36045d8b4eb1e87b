package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestParseLoads(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"usual ports", "W1 paced", "[W1 paced]"},
		{"other ports", "W1/32 W3/128", "[W1/32 W3/128]"},
		{"no number", "W1/many", `workload "W1/many": the ports are a number from 1 to 128`},
		{"more ports than queries under way", "W1/129", `workload "W1/129": the ports are a number from 1 to 128`},
	} {
		all, err := parseLoads(tc.text)
		got := fmt.Sprint(all)
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: %s; want %s", tc.name, got, tc.want)
		}
	}
}

// Each round has a ratio of its own: a disturbance that doubles both figures of a round
// has no effect.
func TestRatios(t *testing.T) {
	paced, local := load{"paced", usualPorts}, load{"W1", usualPorts}
	table := newTable(nil, []load{local, paced})
	for _, disturbed := range []float64{1, 2, 10} {
		table.add("privatelink-dns", local, 3*disturbed, result{})
		table.add("NSD", local, 6*disturbed, result{})
		table.add("privatelink-dns", paced, 9*disturbed, result{p99: 4000})
		table.add("privatelink-dns without fastpath", paced, disturbed, result{p99: 1000})
		table.add("NSD", paced, 20*disturbed, result{p99: 2000})
		table.add("Unbound", paced, 10*disturbed, result{p99: 8000})
	}
	got := table.ratios()
	for _, want := range []string{
		"| W1: local names, A | NSD | 0.75 | **0.50** (0.50-0.50) |",
		"| paced: local names at 10,000 q/s | Unbound | 1.00 | **0.90** (0.90-0.90) |",
		"| p99 at 10,000 q/s | NSD | 1.00 | **2.00** (2.00-2.00) |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no row %s in%s", want, got)
		}
	}
}

// A thousand that waits for other programs does not decide the percentile.
func TestPercentile(t *testing.T) {
	latencies := make([]time.Duration, 3000)
	for i := range latencies {
		latencies[i] = time.Duration(i % 1000)
		if i < 1000 {
			latencies[i] = time.Second
		}
	}
	if got := percentile(latencies); got != 990 {
		t.Errorf("percentile = %d; want 990", got)
	}
	if got := percentile(nil); got != 0 {
		t.Errorf("percentile of no query = %d; want 0", got)
	}
}

package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A table has the figures of all rounds.
type table struct {
	servers   []*server
	workloads []string
	cost      map[[2]string][]float64 // µs by server and workload
	p99       map[string][]float64    // µs by server
	lost      map[string]int
}

func newTable(servers []*server, workloads []string) *table {
	return &table{servers, workloads, map[[2]string][]float64{}, map[string][]float64{}, map[string]int{}}
}

func (t *table) add(server, workload string, cost float64, r result) {
	key := [2]string{server, workload}
	t.cost[key] = append(t.cost[key], cost)
	if workload == "paced" {
		t.p99[server] = append(t.p99[server], float64(r.p99.Microseconds()))
	}
	t.lost[server] += r.lost
}

func (t *table) markdown(o *options) string {
	var b strings.Builder
	heads := map[string]string{
		"W1": "local names, A", "W2": "80 % A, 10 % NODATA, 10 % NXDOMAIN", "W3": "cached foreign names",
		"W4": "30 % local, 65 % cached, 5 % misses", "W5": "public account names", "paced": "local names at 10,000 q/s",
	}
	b.WriteString("| CPU µs per query |")
	for _, w := range t.workloads {
		fmt.Fprintf(&b, " %s: %s |", w, heads[w])
	}
	b.WriteString(" p99 at 10,000 q/s, µs | memory, MB | lost |\n|---" + strings.Repeat("|---", len(t.workloads)+3) + "|\n")
	for _, s := range t.servers {
		fmt.Fprintf(&b, "| %s |", s.name)
		for _, w := range t.workloads {
			fmt.Fprintf(&b, " %s |", summary(t.cost[[2]string{s.name, w}], "%.1f"))
		}
		fmt.Fprintf(&b, " %s | %d | %d |\n", summary(t.p99[s.name], "%.0f"), s.memory, t.lost[s.name])
	}
	fmt.Fprintf(&b, "\n%d records, %d rounds of %.1f s for each figure, %d CPUs, %s, %s: medians and ranges.\n",
		o.names, o.rounds, o.seconds, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly))
	return b.String()
}

// summary returns the median and the range.
func summary(all []float64, format string) string {
	if len(all) == 0 {
		return "-"
	}
	all = slices.Sorted(slices.Values(all))
	one := func(f float64) string { return fmt.Sprintf(format, f) }
	return fmt.Sprintf("**%s** (%s-%s)", one(all[len(all)/2]), one(all[0]), one(all[len(all)-1]))
}

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A table has the figures of all rounds.
type table struct {
	servers []*server
	loads   []load
	cost    map[cell][]float64 // µs by round
	p99     map[cell][]float64 // µs by round, of paced loads
	lost    map[string]int     // by server
}

type cell struct {
	server string
	load   load
}

func newTable(servers []*server, loads []load) *table {
	return &table{servers, loads, map[cell][]float64{}, map[cell][]float64{}, map[string]int{}}
}

// fill runs every load for every server in every round. The servers have one load after
// the other, in the opposite order every second time, so that a disturbance of the machine
// meets all of them.
func (t *table) fill(o *options) error {
	for _, s := range t.servers {
		if err := s.warm(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	order := slices.Clone(t.servers)
	for round := range o.rounds {
		for _, l := range t.loads {
			for _, s := range order {
				if !s.takes(l) {
					continue
				}
				if err := s.measure(t, l, o.duration()); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
			}
			slices.Reverse(order)
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, o.rounds)
	}
	return nil
}

func (t *table) add(server string, l load, cost float64, r result) {
	at := cell{server, l}
	t.cost[at] = append(t.cost[at], cost)
	if l.workload == "paced" {
		t.p99[at] = append(t.p99[at], float64(r.p99.Microseconds()))
	}
	t.lost[server] += r.lost
}

var heads = map[string]string{
	"W1": "local names, A", "W2": "80 % A, 10 % NODATA, 10 % NXDOMAIN", "W3": "cached foreign names",
	"W4": "30 % local, 65 % cached, 5 % misses", "W5": "public account names", "paced": "local names at 10,000 q/s",
}

func (l load) head() string {
	if l.ports == usualPorts {
		return l.workload + ": " + heads[l.workload]
	}
	return fmt.Sprintf("%s from %d ports", l.workload, l.ports)
}

func (t *table) markdown(o *options) string {
	var b strings.Builder
	b.WriteString("| CPU µs per query |")
	for _, l := range t.loads {
		fmt.Fprintf(&b, " %s |", l.head())
	}
	b.WriteString(" p99 at 10,000 q/s, µs | memory, MB | lost |\n|---" + strings.Repeat("|---", len(t.loads)+3) + "|\n")
	for _, s := range t.servers {
		fmt.Fprintf(&b, "| %s |", s.name)
		for _, l := range t.loads {
			fmt.Fprintf(&b, " %s |", summary(t.cost[cell{s.name, l}], "%.1f"))
		}
		fmt.Fprintf(&b, " %s | %d | %d |\n", summary(t.p99[cell{s.name, load{"paced", usualPorts}}], "%.0f"), s.memory, t.lost[s.name])
	}
	b.WriteString(t.ratios())
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
	return fmt.Sprintf("**%s** (%s-%s)", one(median(all)), one(all[0]), one(all[len(all)-1]))
}

// median returns the median of ascending figures.
func median(all []float64) float64 { return all[len(all)/2] }

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const own = "privatelink-dns"

// limits are the goals: a part of the cost of a peer. Without a peer, it is the one with
// the lowest median.
var limits = map[string]struct {
	peer string
	most float64
}{
	"W1": {"NSD", 0.75}, "W2": {"NSD", 0.75}, "W3": {"Unbound", 0.6}, "W4": {"Unbound", 0.8}, "W5": {"Unbound", 0.6}, "paced": {"", 1},
}

// ratios returns a table that compares each figure with that of a peer. Each round has a
// ratio of its own, because on a busy machine two figures of one round are disturbed alike.
func (t *table) ratios() string {
	var b strings.Builder
	for _, l := range t.loads {
		limit := limits[l.workload]
		b.WriteString(ratio(l.head(), t.cost, l, limit.peer, limit.most))
		if l.workload == "paced" {
			b.WriteString(ratio("p99 at 10,000 q/s", t.p99, l, limit.peer, limit.most))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n| " + own + " compared, within each round | with | goal, at most | measured |\n|---|---|---|---|\n" + b.String()
}

func ratio(head string, figures map[cell][]float64, l load, peer string, most float64) string {
	ours, theirs := figures[cell{own, l}], figures[cell{peer, l}]
	if peer == "" {
		peer, theirs = best(figures, l)
	}
	if len(ours) == 0 || len(theirs) != len(ours) {
		return ""
	}
	var all []float64
	for i := range ours {
		all = append(all, ours[i]/theirs[i])
	}
	return fmt.Sprintf("| %s | %s | %.2f | %s |\n", head, peer, most, summary(all, "%.2f"))
}

// best returns the foreign server with the lowest median.
func best(figures map[cell][]float64, l load) (name string, all []float64) {
	lowest := math.Inf(1)
	for at, one := range figures {
		if at.load != l || strings.HasPrefix(at.server, own) || len(one) == 0 {
			continue
		}
		if m := median(slices.Sorted(slices.Values(one))); m < lowest {
			lowest, name, all = m, at.server, one
		}
	}
	return name, all
}

package lru

import (
	"github.com/coredns/coredns/plugin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const subsystem = "lru"

var (
	hitsTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "hits_total",
		Help: "Queries answered from memory, by kind (fresh, negative, failure, stale).",
	}, []string{"kind"})
	misses       = counter("misses_total", "Queries that had to wait for the next plugin.")
	coalesced    = counter("coalesced_total", "Misses that joined a query under way.")
	refusals     = counter("refused_total", "Queries that were not sent, because too many were under way.")
	evictions    = counter("evictions_total", "Unexpired entries that were evicted.")
	prefetches   = counter("prefetches_total", "Entries fetched again in the background: before they expired, or during an outage.")
	outages      = counter("outages_total", "Outages of the upstream.")
	entriesGauge = promauto.NewGauge(prometheus.GaugeOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "entries", Help: "Entries in memory.",
	})
	upstreamSeconds = promauto.NewHistogram(prometheus.HistogramOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "upstream_seconds",
		Help: "Time that the next plugin took for a query, in seconds.", Buckets: plugin.TimeBuckets,
	})

	// hits has the counters of hitsTotal, because a lookup by label takes a lock.
	hits = struct{ fresh, negative, failure, stale prometheus.Counter }{
		hitsTotal.WithLabelValues("fresh"), hitsTotal.WithLabelValues("negative"),
		hitsTotal.WithLabelValues("failure"), hitsTotal.WithLabelValues("stale"),
	}
)

func counter(name, help string) prometheus.Counter {
	return promauto.NewCounter(prometheus.CounterOpts{Namespace: plugin.Namespace, Subsystem: subsystem, Name: name, Help: help})
}

// countHit counts an answer from memory by its kind.
func countHit(e *entry) {
	switch e.kind {
	case positive:
		hits.fresh.Inc()
	case negative:
		hits.negative.Inc()
	case failure:
		hits.failure.Inc()
	}
}

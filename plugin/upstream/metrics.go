package upstream

import (
	"strconv"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const subsystem = "upstream"

var (
	queriesTotal   = vec("queries_total", "Queries sent to an upstream, by protocol (udp, tcp, tls).", "to", "proto")
	responsesTotal = vec("responses_total", "Responses of an upstream, by RCODE.", "to", "rcode")
	retriesTotal   = vec("retries_total", "Queries that were sent because an earlier one had no response in time, or its connection failed.", "to")
	timeoutsTotal  = vec("timeouts_total", "Queries without a response within the retry time.", "to")
	discardedTotal = vec("discarded_responses_total",
		"Responses that did not match the query, by reason (size, id, qr, opcode, question, malformed).", "to", "reason")
	connectsTotal = vec("connections_total", "Connections opened for TCP or TLS.", "to")
	upGauge       = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "up", Help: "Whether an upstream responds: 1, or 0 while it is down.",
	}, []string{"to"})
	allDownGauge = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "all_down", Help: "Whether all upstreams of a directive are down: 1, otherwise 0.",
	}, []string{"from"})
	roundTripSeconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "round_trip_seconds",
		Help: "Time from a query to its response, in seconds.", Buckets: plugin.TimeBuckets,
	}, []string{"to"})
	failedTotal   = counter("failed_total", "Queries without an answer of any upstream.")
	fallbackTotal = counter("fallback_answers_total", "Queries answered by a fallback resolver.")
	queuedTotal   = counter("queued_total", "Queries that waited for a slot.")
	refusedTotal  = counter("refused_total", "Queries that were not sent, because too many were waiting, or had no slot within 1 s.")
)

func vec(name, help string, labels ...string) *prometheus.CounterVec {
	return promauto.NewCounterVec(prometheus.CounterOpts{Namespace: plugin.Namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
}

func counter(name, help string) prometheus.Counter {
	return promauto.NewCounter(prometheus.CounterOpts{Namespace: plugin.Namespace, Subsystem: subsystem, Name: name, Help: help})
}

// counters are the series of one upstream, so that a query needs no lookup by label.
type counters struct {
	to                          string
	udp, stream                 prometheus.Counter
	retries, timeouts, connects prometheus.Counter
	rcodes                      [dns.RcodeRefused + 1]prometheus.Counter
	discarded                   [mismatches]prometheus.Counter
	roundTrip                   prometheus.Observer
	up                          prometheus.Gauge
}

func newCounters(e endpoint) *counters {
	to, proto := e.String(), "tcp"
	if e.tls {
		proto = "tls"
	}
	c := &counters{
		to: to, udp: queriesTotal.WithLabelValues(to, "udp"), stream: queriesTotal.WithLabelValues(to, proto),
		retries: retriesTotal.WithLabelValues(to), timeouts: timeoutsTotal.WithLabelValues(to), connects: connectsTotal.WithLabelValues(to),
		roundTrip: roundTripSeconds.WithLabelValues(to), up: upGauge.WithLabelValues(to),
	}
	for rcode := range c.rcodes {
		c.rcodes[rcode] = responsesTotal.WithLabelValues(to, dns.RcodeToString[rcode])
	}
	for reason := range c.discarded {
		if reason != int(matches) {
			c.discarded[reason] = discardedTotal.WithLabelValues(to, reasons[reason])
		}
	}
	c.up.Set(1)
	return c
}

func (c *counters) response(rcode int, took time.Duration) {
	c.roundTrip.Observe(took.Seconds())
	if rcode < len(c.rcodes) {
		c.rcodes[rcode].Inc()
		return
	}
	name := dns.RcodeToString[rcode]
	if name == "" {
		name = strconv.Itoa(rcode)
	}
	responsesTotal.WithLabelValues(c.to, name).Inc()
}

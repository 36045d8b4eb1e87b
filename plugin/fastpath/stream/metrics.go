package stream

import (
	"github.com/coredns/coredns/plugin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	openConnections = promauto.NewGauge(prometheus.GaugeOpts{
		Namespace: plugin.Namespace, Subsystem: "fastpath", Name: "connections",
		Help: "Open connections of clients.",
	})
	closedTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: "fastpath", Name: "connections_closed_total",
		Help: "Connections of clients that were closed, by reason.",
	}, []string{"reason"})
)

// A reason is why a connection is closed.
type reason uint8

const (
	byClient reason = iota
	idle
	evicted // for another client
	refused // all connections were busy
	message // a message took too long
	malformed
	slow       // the client did not read its replies
	memory     // the connection needed the most, and all together too much
	queryLimit // the connection had as many queries as it may have
	stopped    // the server ends
	reasons
)

var closed = func() (all [reasons]prometheus.Counter) {
	for r, text := range [reasons]string{"client", "idle", "evicted", "refused", "message", "malformed", "slow", "memory", "queries", "stopped"} {
		all[r] = closedTotal.WithLabelValues(text)
	}
	return all
}()

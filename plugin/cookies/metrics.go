package cookies

import (
	"github.com/coredns/coredns/plugin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	queriesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: "cookies", Name: "queries_total",
		Help: "Queries by the cookie that the client has sent.",
	}, []string{"cookie"})
	limited = promauto.NewCounter(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: "cookies", Name: "limited_total",
		Help: "Queries over UDP without a valid cookie that exceeded the limit.",
	})
)

// queries has the counters of the kinds.
var queries = func() (all [kinds]prometheus.Counter) {
	for k, text := range [kinds]string{"none", "client", "valid", "invalid", "malformed"} {
		all[k] = queriesTotal.WithLabelValues(text)
	}
	return all
}()

package status

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

// A sample has values of the metrics.
type sample struct {
	traffic view.Traffic
	clients []clients.Network
	sockets int    // of the fast path
	number  uint64 // changes with the values
}

// sampleTime is how long a sample is used. The metrics change with every query, and the
// page would change with them.
const sampleTime = 10 * time.Second

// sampled returns a sample that is not older than sampleTime.
func (c *collector) sampled(now time.Time) sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.sampledAt.IsZero() && now.Sub(c.sampledAt) < sampleTime {
		return c.sample
	}
	next := readSample()
	next.number = c.sample.number
	if !reflect.DeepEqual(next, c.sample) {
		next.number++
	}
	c.sample, c.sampledAt = next, now
	return next
}

// readSample reads the metrics of the plugins. They have no other interface, so that the
// page needs none of the plugins.
func readSample() (s sample) {
	families, _ := prometheus.DefaultGatherer.Gather() // with an error, it has the families without one
	byName := map[string][]*dto.Metric{}
	for _, f := range families {
		byName[f.GetName()] = f.GetMetric()
	}
	s.traffic.Upstreams = upstreamsOf(byName)
	s.traffic.Cache = cacheOf(byName)
	s.clients = clients.Networks()
	for _, m := range byName["coredns_fastpath_sockets"] {
		s.sockets += int(m.GetGauge().GetValue())
	}
	return s
}

func upstreamsOf(byName map[string][]*dto.Metric) (all []view.Upstream) {
	byAddress := map[string]*view.Upstream{}
	for _, m := range byName["coredns_upstream_up"] {
		address := label(m, "to")
		byAddress[address] = &view.Upstream{Address: address, Up: m.GetGauge().GetValue() == 1}
	}
	for _, m := range byName["coredns_upstream_responses_total"] {
		if u := byAddress[label(m, "to")]; u != nil {
			u.Responses += uint64(m.GetCounter().GetValue())
		}
	}
	for _, m := range byName["coredns_upstream_timeouts_total"] {
		if u := byAddress[label(m, "to")]; u != nil {
			u.Timeouts += uint64(m.GetCounter().GetValue())
		}
	}
	for _, m := range byName["coredns_upstream_round_trip_seconds"] {
		h := m.GetHistogram()
		if u := byAddress[label(m, "to")]; u != nil && h.GetSampleCount() > 0 {
			u.RoundTrip = 1000 * h.GetSampleSum() / float64(h.GetSampleCount())
		}
	}
	for _, u := range byAddress {
		all = append(all, *u)
	}
	slices.SortFunc(all, func(a, b view.Upstream) int { return cmp.Compare(a.Address, b.Address) })
	return all
}

func cacheOf(byName map[string][]*dto.Metric) *view.Cache {
	c := &view.Cache{}
	for _, m := range byName["coredns_lru_hits_total"] {
		c.Hits += uint64(m.GetCounter().GetValue())
	}
	for _, m := range byName["coredns_lru_misses_total"] {
		c.Misses += uint64(m.GetCounter().GetValue())
	}
	for _, m := range byName["coredns_lru_entries"] {
		c.Entries += uint64(m.GetGauge().GetValue())
	}
	if all := c.Hits + c.Misses; all > 0 {
		c.Ratio = float64(c.Hits) / float64(all)
	}
	return c
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

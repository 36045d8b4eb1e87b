package fastpath

import (
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/acl"
	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const subsystem = "fastpath"

var (
	answersTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "answers_total",
		Help: "Queries that were answered at the socket, by the plugin that answered.",
	}, []string{"plugin"})
	passedTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "passed_total",
		Help: "Packets that were passed to the chain, by reason.",
	}, []string{"reason"})
	socketsGauge = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "sockets",
		Help: "Sockets at which queries are answered, by server.",
	}, []string{"server"})
)

// A reason is why a packet is passed to the chain. The zero value is that it is
// answered.
type reason uint8

const (
	answered    reason = iota
	notPlain           // not one plain question, or with options that are unusual
	otherType          // a type that other plugins treat in their own way
	otherBlock         // a name of a server block without the fast path
	aclForbids         // plugin acl does not allow the client or the type
	localName          // a name of plugin local
	cookie             // a malformed cookie, or too many queries without a valid one
	notInMemory        // no plugin has the answer in memory
	tooLong            // the reply is larger than the client accepts
	panicked           // while the reply was made
	reasons
)

// passed has the counters of the reasons.
var passed = func() (all [reasons]prometheus.Counter) {
	for r, text := range [reasons]string{"", "form", "type", "zone", "acl", "local", "cookie", "memory", "size", "panic"} {
		if text != "" {
			all[r] = passedTotal.WithLabelValues(text)
		}
	}
	return all
}()

// chainCounters are the counters that the chain's plugins increment for every
// query of one zone of a server block. One goroutine uses them. A series is
// created with its first query, as in the chain.
type chainCounters struct {
	server, zone string
	protocol     string // "udp" or "tcp"
	prometheus   string // the plugin after plugin prometheus, which it names in its series, or ""
	acl          bool

	requests  map[uint32]prometheus.Counter // by type, and family in the upper half
	responses [16]prometheus.Counter        // by RCODE
	do        prometheus.Counter
	allowed   prometheus.Counter
}

// count counts a query that has been answered with the RCODE.
func (c *chainCounters) count(q *Query, rcode byte) {
	if c.acl {
		if c.allowed == nil {
			c.allowed = acl.RequestAllowCount.WithLabelValues(c.server, "")
		}
		c.allowed.Inc()
	}
	if c.prometheus == "" {
		return
	}
	if q.DO {
		if c.do == nil {
			c.do = vars.RequestDo.WithLabelValues(c.server, c.zone, "")
		}
		c.do.Inc()
	}
	c.request(q).Inc()
	if c.responses[rcode] == nil {
		c.responses[rcode] = vars.ResponseRcode.WithLabelValues(c.server, c.zone, "", dns.RcodeToString[int(rcode)], c.prometheus)
	}
	c.responses[rcode].Inc()
}

func (c *chainCounters) request(q *Query) prometheus.Counter {
	key, family := uint32(q.Type), "1"
	if !q.Client.Is4() {
		key, family = key|1<<16, "2"
	}
	counter := c.requests[key]
	if counter == nil {
		counter = vars.RequestCount.WithLabelValues(c.server, c.zone, "", c.protocol, family, typeLabel(q.Type))
		c.requests[key] = counter
	}
	return counter
}

// typeLabel returns the label of a type, which plugin prometheus does not export.
func typeLabel(qtype uint16) string {
	switch qtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeDNSKEY, dns.TypeMX, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNS, dns.TypePTR,
		dns.TypeRRSIG, dns.TypeSOA, dns.TypeSRV, dns.TypeTXT, dns.TypeHTTPS, dns.TypeSVCB:
		return dns.TypeToString[qtype]
	}
	return "other"
}

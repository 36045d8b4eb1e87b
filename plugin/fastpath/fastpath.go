// Package fastpath implements a CoreDNS plugin that answers queries from memory at
// the socket, without the chain of plugins.
//
// The plugin has its own UDP sockets, which read every packet. For a plain query it
// calls the responders of the server block, in the order of the chain. A responder
// belongs to a plugin that can answer from memory. It makes the reply that the chain
// would send, or declines. All packets without a reply are passed to CoreDNS, as if it
// had read them.
//
// The responders have no data of their own. They read the data of their plugin, so
// that no reply is older than one of the chain.
//
// The alternative, a cache of packets in front of the chain, would answer as fast.
// But each change of a record would have to invalidate its packets, and each new
// record those of the entries that it overrides.
package fastpath

import (
	"net/netip"
	"strings"
	"time"

	"github.com/coredns/coredns/plugin/metrics/vars"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/prometheus/client_golang/prometheus"
)

var log = clog.NewWithPlugin("fastpath")

// A Responder answers queries from memory. It is called from several goroutines.
type Responder interface {
	// Respond makes the reply to q and reports whether there is one. The reply is
	// the one that the ServeDNS method of the plugin would write. Respond returns
	// false if this is not certain, or if the answer is not in memory.
	Respond(q *Query) bool
}

// A Plugin is a handler that has a responder.
type Plugin interface {
	// FastPath returns the responder. The argument is the responder of the plugins
	// after this one, or nil.
	FastPath(next Responder) Responder
}

// A counted responder counts the queries that it is the first to answer.
type counted struct {
	Responder
	answers prometheus.Counter
}

func (c *counted) Respond(q *Query) bool {
	if !c.Responder.Respond(q) {
		return false
	}
	if q.answeredBy == nil {
		q.answeredBy = c.answers
	}
	return true
}

// A desk answers the packets of one socket. One goroutine uses it.
type desk struct {
	routes routes
	query  Query
	clientCount
}

// answer returns the reply to the packet of a client, or nil if the chain has to
// answer. The reply is made in room, if it fits.
func (d *desk) answer(packet []byte, client netip.Addr, received time.Time, room []byte) (reply []byte) {
	q, why := &d.query, panicked
	defer func() {
		if problem := recover(); problem != nil { // the server's own recover does not reach here
			log.Errorf("Recovered from panic over the question %s: %v", strings.Clone(q.Name), problem)
			vars.Panic.Inc()
			why = panicked
		}
		if why != answered {
			passed[why].Inc()
			reply = nil
		}
	}()
	q.Client, q.received, q.reply = client, received, room[:0]
	q.answeredBy, q.counters = nil, q.countersSpace[:0]
	if why = q.parse(packet); why != answered {
		return nil
	}
	t := d.routes.find(q.Name)
	if t == nil {
		why = otherBlock
		return nil
	}
	if why = t.respond(q); why != answered {
		return nil
	}
	q.answeredBy.Inc()
	t.counters.count(q, q.reply[3]&0xf)
	for _, c := range q.counters {
		c.Inc()
	}
	d.countClient(q, client)
	return q.reply
}

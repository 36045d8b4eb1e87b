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

// Cookies is a handler that decides about cookies (RFC 7873).
type Cookies interface {
	// Cookie makes the cookie of the reply, if the client has sent one. It returns
	// false if the chain has to answer.
	Cookie(q *Query, now time.Time) bool

	// Allow reports whether the reply may be sent. The chain turns the client away
	// otherwise.
	Allow(q *Query, now time.Time) bool
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

// A Prefetcher is a Responder that can read the memory which it needs for several names
// at the same time, before it is called for each.
type Prefetcher interface {
	Prefetch(names []string)
}

// batchSize is the number of packets that are read and answered together.
const batchSize = 32

// A desk answers the packets of one socket, a batch at a time. One goroutine uses it.
type desk struct {
	routes   routes
	queries  [batchSize]Query
	names    [batchSize]string
	received time.Time // of the batch, or zero
	stream   bool      // the packets are messages of connections
	clientCount
}

// read parses packet i of the batch. The reply is made in room, if it fits.
func (d *desk) read(i int, packet []byte, client netip.Addr, room []byte) {
	q := &d.queries[i]
	q.Client, q.reply, q.stream = client, room[:0], d.stream
	q.answeredBy, q.counters = nil, q.countersSpace[:0]
	if q.why = q.parse(packet); q.why != answered {
		return
	}
	if q.target = d.routes.find(q.Name); q.target == nil {
		q.why = otherBlock
	}
}

// prefetch has the memory read for the n packets of the batch, if there are several.
// Those of one zone of a server block are enough.
func (d *desk) prefetch(n int) {
	var first *Query
	names := d.names[:0]
	for i := range n {
		q := &d.queries[i]
		switch {
		case q.why != answered:
			continue
		case first == nil:
			first = q
		case q.target != first.target:
			continue
		}
		names = append(names, q.Name)
	}
	if len(names) < 2 || first.target.prefetcher == nil {
		return
	}
	defer first.rescue()
	first.target.prefetcher.Prefetch(names)
}

// answer returns the reply to packet i of the batch, or nil if the chain has to answer.
func (d *desk) answer(i int) []byte {
	q := &d.queries[i]
	if q.why == answered {
		q.received = d.received
		q.respond()
		d.received = q.received
	}
	if q.why != answered {
		passed[q.why].Inc()
		return nil
	}
	d.countClient(q, q.Client)
	return q.reply
}

func (q *Query) respond() {
	defer q.rescue()
	if q.why = q.target.respond(q); q.why != answered {
		return
	}
	q.answeredBy.Inc()
	q.target.counters.count(q, q.reply[3]&0xf)
	for _, c := range q.counters {
		c.Inc()
	}
}

// rescue leaves the query to the chain after a panic. The server's own recover does not
// reach here.
func (q *Query) rescue() {
	if problem := recover(); problem != nil {
		log.Errorf("Recovered from panic over the question %s: %v", strings.Clone(q.Name), problem)
		vars.Panic.Inc()
		q.why = panicked
	}
}

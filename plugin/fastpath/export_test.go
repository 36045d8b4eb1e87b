package fastpath

import (
	"net/netip"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"
)

// A Desk is a desk without sockets, for tests of the answers.
type Desk struct {
	desk   desk
	room   []byte
	Stream *Desk // for queries over connections
}

// Answer returns the reply to a packet, or nil.
func (d *Desk) Answer(packet []byte, client netip.Addr) []byte {
	d.desk.received = time.Time{}
	d.desk.read(0, packet, client, d.room)
	d.desk.queries[0].idle = Idle
	d.desk.prefetch(1)
	return d.desk.answer(0)
}

// Idle is the time in the option edns-tcp-keepalive of Stream's replies.
const Idle = 77

// WithKeepalive is the writer of the chain's replies over connections.
func WithKeepalive(w dns.ResponseWriter, r *dns.Msg) dns.ResponseWriter {
	return withKeepalive(w, r, func() uint16 { return Idle })
}

// OnServe calls f for each server that begins to listen, with a desk or nil if the
// fast path is off for it. The returned function ends that.
func OnServe(f func(*dnsserver.Server, *Desk)) (end func()) {
	hook := func(in *instance, server *dnsserver.Server) {
		r, err := in.routesOf(server, "udp")
		if err != nil || r == nil {
			f(server, nil)
			return
		}
		streams, _ := in.routesOf(server, "tcp")
		stream := &Desk{desk: desk{routes: streams, stream: true}, room: make([]byte, 0, 2*maxReply)}
		f(server, &Desk{desk{routes: r}, make([]byte, 0, 2*maxReply), stream})
	}
	serving.Store(&hook)
	return func() { serving.Store(nil) }
}
